// SPDX-License-Identifier: Apache-2.0

package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/service/fractal"
)

// A Painter is the user's side of fractal. It must be used by one goroutine at a time.
type Painter struct {
	// Timeout is how long an element may be silent before another one is asked. Default: DefaultTimeout, 5 s.
	Timeout time.Duration

	u     user
	image *fractal.Image
	asked bool // the element knows what is wanted, by the parameter or by a cookie
	done  bool
}

// NewPainter returns a Painter that is going to ask for an image over a session with a pool of fractal elements, which
// must not be used besides. It fails as fractal.NewImage does.
func NewPainter(sess *pool.Session, p fractal.Parameter) (*Painter, error) {
	m, err := fractal.NewImage(p)
	if err != nil {
		return nil, err
	}
	return &Painter{u: user{sess: sess}, image: m}, nil
}

// Image returns the image as far as it has come.
func (p *Painter) Image() *fractal.Image { return p.image }

// ErrIncomplete is matched by the error of a Painter if the element has said that the image is complete, and it is not: it
// did not continue where it should.
var ErrIncomplete = errors.New("service: the image is not complete")

// Next receives the next part of the image. It returns io.EOF when it is complete. If the element fails, or sends what
// cannot be a part of the image, Next returns a *pool.FailoverError once another one serves the session. That one goes on
// where the cookie of the first one says, or begins again if there was none.
//
// Errors: io.EOF; *pool.FailoverError, which does not end the session; ErrIncomplete; ErrElements; those of
// pool.Session.Recv and Send.
func (p *Painter) Next(ctx context.Context) error {
	if p.done {
		return io.EOF
	}
	if !p.asked {
		b, err := p.image.Parameter.AppendBinary(nil)
		if err != nil {
			return err
		}
		if err := p.u.send(ctx, sctp.Message{PPID: fractal.PPID, Data: b}); err != nil {
			return err
		}
		p.asked = true
	}
	p.u.timeout = p.Timeout
	m, err := p.u.recv(ctx, fractal.PPID)
	if err != nil {
		return p.failover(err)
	}
	d, err := parseData(&m)
	if err == nil {
		err = p.image.Put(d)
	}
	switch {
	case err != nil:
		return p.failover(p.u.fault(ctx, err))
	case d.End() && p.image.Missing() > 0:
		e := p.u.sess.Element()
		return fmt.Errorf("%w: %d pixels of %d are missing at the end from element 0x%08x",
			ErrIncomplete, p.image.Missing(), p.image.Parameter.Pixels(), e.ID)
	case d.End():
		p.done = true
		return io.EOF
	}
	p.u.progress()
	return nil
}

// failover notes whether the next element knows what is wanted.
func (p *Painter) failover(err error) error {
	if f, ok := errors.AsType[*pool.FailoverError](err); ok {
		p.asked = f.CookieEchoed
	}
	return err
}

func parseData(m *sctp.Message) (*fractal.Data, error) {
	msg, err := fractal.Parse(m.Data)
	if err != nil {
		return nil, err
	}
	d, ok := msg.(*fractal.Data)
	if !ok {
		return nil, fmt.Errorf("fractal: a parameter where data was expected")
	}
	return d, nil
}
