// SPDX-License-Identifier: Apache-2.0

package perf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/rserpool/rserpool/sctp"
)

// requestTimeout is how long a client may take to say what it wants.
const requestTimeout = 30 * time.Second

// A Server plays the other side of the tests of any number of clients.
type Server struct {
	// Report, if it is set, is told of each test of an association: the request in words, the counts
	// of this side (nil if it failed) and why it failed. It is called by several goroutines.
	Report func(client *sctp.Addr, test string, own *Side, err error)
}

// Serve serves the associations of a Listener until the context ends, which ends those as well. It
// returns nil then, or the error of the Listener.
func (s *Server) Serve(ctx context.Context, l *sctp.Listener) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for {
		c, err := l.Accept(ctx)
		if err != nil && ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("perf: %w", err)
		}
		wg.Go(func() { s.serve(ctx, c) })
	}
}

// serve plays one test.
func (s *Server) serve(ctx context.Context, c *sctp.Conn) {
	stop := context.AfterFunc(ctx, func() { _ = c.Abort("the server ends") })
	defer stop()
	test, own, err := s.test(ctx, c)
	if s.Report != nil {
		s.Report(c.RemoteAddr(), test, own, err)
	}
	if err != nil {
		_ = c.Abort(err.Error())
		return
	}
	// The client shuts down; what else it sends has no meaning.
	for err == nil {
		_, err = c.Recv(ctx)
	}
	_ = c.Close()
}

func (s *Server) test(ctx context.Context, c *sctp.Conn) (test string, own *Side, err error) {
	test = "no request"
	limited, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	x, err := recvControl(limited, c)
	if err == nil && x.Request == nil {
		err = errWrongTime
	}
	if err != nil {
		return test, nil, err
	}
	o, err := x.Request.options()
	if n := c.Stats().OutboundStreams; err == nil && o.Streams > n && (o.Reverse || o.Latency) {
		err = fmt.Errorf("perf: Streams: the server has only %d", n)
	}
	if err != nil {
		_ = sendControl(ctx, c, exchange{Error: err.Error()})
		return test, nil, fmt.Errorf("refused: %w", err)
	}
	test = o.describe()
	f := &flow{conn: c, opt: o}
	if err := sendControl(ctx, c, exchange{Ready: true}); err != nil {
		return test, nil, ended(err)
	}
	f.began = time.Now()
	if o.Latency {
		if err := f.echo(ctx); err != nil {
			return test, nil, err
		}
		return test, f.side(), nil
	}
	own, _, err = f.bulk(ctx, o.Reverse)
	return test, own, err
}

// describe is a test in words.
func (o *Options) describe() string {
	s := fmt.Sprintf("messages of %d bytes", o.Length)
	switch {
	case o.Latency:
		s += " there and back"
	case o.Reverse:
		s += " to the client"
	default:
		s += " from the client"
	}
	if o.Streams > 1 {
		s += fmt.Sprintf(" on %d streams", o.Streams)
	}
	if o.Unordered {
		s += ", unordered"
	}
	return s
}

// ended says of an end of file that it comes too early.
func ended(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, sctp.ErrShutdown) {
		return fmt.Errorf("perf: the other side has ended the association in the midst of a test: %w", io.ErrUnexpectedEOF)
	}
	return err
}
