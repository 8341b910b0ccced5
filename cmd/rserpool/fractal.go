// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"image/png"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/service"
	"github.com/rserpool/rserpool/service/fractal"
)

func newFractalCmd() *cobra.Command {
	var f fractalFlags
	cmd := &cobra.Command{
		Use:   "fractal",
		Short: "Have an image of the Mandelbrot set computed by a pool",
		Long: "fractal cuts an image into tiles, has each computed by an element of a pool in a session of its own, and writes\n" +
			"the whole as a PNG file. If an element fails, the next one goes on where the first has stopped: the session has\n" +
			"brought it a cookie. Elements may be RSPLIB's.\n\n" +
			"A pixel stands for a number c, and its colour for how often z can be replaced by z*z - c, from 0 on, until its\n" +
			"absolute value squared is 2 or more. Where that takes the most iterations, the pixel is black.",
		Example: "  rserpool fractal --out mandelbrot.png\n" +
			"  rserpool fractal --out detail.png --width 1920 --height 1080 --iterations 5000 --area 0.7,0.2,0.8,0.144 --sessions 9\n" +
			"  rserpool fractal --out cubic.png --algorithm MandelbrotN:3 --registrar 10.0.0.1:3863",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := logger(cmd, slog.LevelError)
			if err != nil {
				return err
			}
			return runFractal(cmd.Context(), &f, cmd.OutOrStdout(), cmd.ErrOrStderr(), log)
		},
	}
	f.register(cmd.Flags())
	return cmd
}

// runFractal has the image computed and writes it.
func runFractal(ctx context.Context, f *fractalFlags, stdout, stderr io.Writer, log *slog.Logger) error {
	cfg, err := f.client.config(log)
	if err != nil {
		return err
	}
	p, err := f.parameter()
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(f.out), ".fractal-*.png") // which tells now whether it can be written
	if err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	defer os.Remove(file.Name())
	defer file.Close()
	c, err := pool.NewClient(cfg)
	if err != nil {
		return err
	}
	defer c.Close()
	limited, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	if _, err = insist(limited, func() ([]pool.Element, error) { return c.Resolve(limited, f.pool) }); err != nil {
		return explain(err, f.timeout)
	}
	start := time.Now()
	show := &drawingProgress{w: stderr, tiles: len(p.Cut(f.sessions))}
	m, err := service.Draw(ctx, c, service.Drawing{
		Pool: f.pool, Parameter: *p, Sessions: f.sessions, Timeout: f.silence, Patience: f.timeout, Progress: show.step,
	})
	if err != nil {
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		return err
	}
	if err := writeImage(file, m, f.out); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%s: %d x %d pixels in %d tiles, %d failovers, %v\n",
		f.out, p.Width, p.Height, show.tiles, show.failovers, time.Since(start).Round(time.Millisecond))
	return nil
}

// writeImage writes to a file that then gets the name.
func writeImage(file *os.File, m *fractal.Image, name string) error {
	if err := png.Encode(file, m); err != nil {
		return err
	}
	if err := file.Chmod(0o644); err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	return os.Rename(file.Name(), name)
}

// drawingProgress tells of a drawing.
type drawingProgress struct {
	w         io.Writer
	tiles     int
	failovers int
	told      time.Time
}

// tellEvery is how often pixels are told of.
const tellEvery = time.Second

func (d *drawingProgress) step(p service.Progress) {
	percent := float64(p.Pixels) / float64(p.Total) * 100
	failover, ok := errors.AsType[*pool.FailoverError](p.Err)
	switch {
	case ok:
		d.failovers++
		fmt.Fprintf(d.w, "tile %d of %d: ", p.Tile+1, d.tiles)
		printFailover(d.w, failover)
	case p.Err != nil:
		fmt.Fprintf(d.w, "tile %d of %d: begun again: %v\n", p.Tile+1, d.tiles, p.Err)
	case p.Done:
		fmt.Fprintf(d.w, "tile %d of %d: done, at last by %v; %.0f%% of the image\n", p.Tile+1, d.tiles, p.Element, percent)
	case time.Since(d.told) >= tellEvery:
		d.told = time.Now()
		fmt.Fprintf(d.w, "%.0f%% of the image\n", percent)
	}
}
