// SPDX-License-Identifier: Apache-2.0

package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/service/fractal"
)

// A Drawing is an image to be computed by a pool of fractal elements.
type Drawing struct {
	// Pool is the handle of the pool.
	Pool string
	// Parameter is the whole image.
	Parameter fractal.Parameter
	// Sessions is how many there are at once, each for a tile of the image; see fractal.Parameter.Cut. Default: 1.
	Sessions int
	// Timeout is how long an element may be silent before another one is asked. Default: DefaultTimeout, 5 s.
	Timeout time.Duration
	// Patience is how long Draw goes on trying without having received anything: elements that serve as many sessions as
	// they will send the others away. Default: 30 s.
	Patience time.Duration
	// Progress is called, if it is not nil, after each step, by one goroutine at a time, and holds up the drawing meanwhile.
	Progress func(Progress)
}

// Progress is what has happened while an image is drawn.
type Progress struct {
	// Tile is the number of the tile, from 0.
	Tile int
	// Element is who computes it now.
	Element pool.Element
	// Pixels says how many of the Total pixels of the whole image have come.
	Pixels, Total uint64
	// Err is a *pool.FailoverError, or why a tile has to be begun again. It is nil if pixels have come.
	Err error
	// Done says that the tile is complete.
	Done bool
}

// Draw has an image computed by a pool. Tiles of which the elements fail are computed by others. A whole image of the
// same tiles is always the same, whoever has computed it.
//
// Errors: the context's; the last one of a tile if there was no progress for as long as Drawing.Patience; those of
// fractal.NewImage.
func Draw(ctx context.Context, c *pool.Client, d Drawing) (*fractal.Image, error) {
	image, err := fractal.NewImage(d.Parameter)
	if err != nil {
		return nil, err
	}
	if d.Patience <= 0 {
		d.Patience = defaultPatience
	}
	w := &drawing{Drawing: d, c: c, image: image, progress: time.Now()}
	tiles := d.Parameter.Cut(d.Sessions)
	w.pixels = make([]uint64, len(tiles))
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for i, t := range tiles {
		wg.Go(func() {
			if err := w.tile(ctx, i, t); err != nil {
				cancel(fmt.Errorf("service: tile %d of %d: %w", i+1, len(tiles), err))
			}
		})
	}
	wg.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	return image, nil
}

const (
	defaultPatience = 30 * time.Second
	// retryDelay is the pause before a tile is begun again.
	retryDelay = 250 * time.Millisecond
)

// A drawing is one that goes on.
type drawing struct {
	Drawing
	c *pool.Client

	mu       sync.Mutex
	image    *fractal.Image
	pixels   []uint64 // of each tile that have come
	progress time.Time
}

// tile draws a tile, in as many sessions after each other as that takes.
func (w *drawing) tile(ctx context.Context, i int, t fractal.Tile) error {
	for {
		err := w.attempt(ctx, i, t)
		if err == nil || ctx.Err() != nil {
			return err
		}
		if w.report(Progress{Tile: i, Err: err}, 0) > w.Patience {
			return err
		}
		select {
		case <-time.After(retryDelay):
		case <-ctx.Done():
		}
	}
}

// attempt draws a tile in one session.
func (w *drawing) attempt(ctx context.Context, i int, t fractal.Tile) error {
	sess, err := w.c.Dial(ctx, w.Pool)
	if err != nil {
		return err
	}
	defer sess.Close()
	p, err := NewPainter(sess, t.Parameter)
	if err != nil {
		return err
	}
	p.Timeout = w.Timeout
	for {
		err := p.Next(ctx)
		have := t.Parameter.Pixels() - p.Image().Missing()
		step := Progress{Tile: i, Element: sess.Element()}
		_, failover := errors.AsType[*pool.FailoverError](err)
		switch {
		case err == io.EOF:
			w.mu.Lock()
			err = w.image.Paste(p.Image(), t.X, t.Y)
			w.mu.Unlock()
			step.Done = true
			w.report(step, have)
			return err
		case failover:
			step.Err = err
		case err != nil:
			return err
		}
		w.report(step, have)
	}
}

// report tells what has happened, and returns for how long nothing has come.
func (w *drawing) report(p Progress, have uint64) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if have > w.pixels[p.Tile] || p.Done {
		w.progress = time.Now()
	}
	w.pixels[p.Tile] = have
	p.Total = w.Parameter.Pixels()
	for _, n := range w.pixels {
		p.Pixels += n
	}
	if w.Progress != nil {
		w.Progress(p)
	}
	return time.Since(w.progress)
}
