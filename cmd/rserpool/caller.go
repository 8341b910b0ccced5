// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/sctp"
)

// A caller sends lines and takes answers. The element answers in order, so the n-th answer is that to the oldest line.
type caller struct {
	sess           *pool.Session
	stdout, stderr io.Writer
	timeout        time.Duration

	unanswered [][]byte
	bytes      int       // in unanswered
	since      time.Time // of the last answer, or of the oldest line if that came later
	told       bool      // that there is no answer, since then
}

// window bounds the bytes sent and not answered: an element that must wait for us to take its answers takes nothing
// itself.
const window = 256 << 10

// run returns when the input has ended and every line is answered.
func (k *caller) run(ctx context.Context, stdin io.Reader) error {
	ctx, cancel := context.WithCancel(ctx)
	var receiver sync.WaitGroup
	defer receiver.Wait()
	defer cancel()
	lines, failed := readLines(stdin, ctx.Done())
	answers := make(chan answer)
	receiver.Go(func() { k.receive(ctx, answers) })

	var late <-chan time.Time // set at the end of the input
	var inputErr error
	patience := time.NewTicker(patience / 4)
	defer patience.Stop()
	for lines != nil || len(k.unanswered) > 0 {
		input := lines
		if k.bytes >= window {
			input = nil
		}
		select {
		case line, ok := <-input:
			if !ok {
				lines = nil
				if err := <-failed; err != nil {
					inputErr = fmt.Errorf("read the input: %w", err) // once the lines before are answered
				}
				late = time.After(k.timeout)
				continue
			}
			if len(k.unanswered) == 0 {
				k.since, k.told = time.Now(), false
			}
			k.unanswered = append(k.unanswered, line)
			k.bytes += len(line)
			if err := k.send(ctx, line); err != nil {
				return err
			}
		case a := <-answers:
			if err := k.take(ctx, a); err != nil {
				return err
			}
			if lines == nil {
				late = time.After(k.timeout)
			}
		case <-late:
			return errors.Join(inputErr, fmt.Errorf("%d lines were not answered within %v", len(k.unanswered), k.timeout))
		case <-patience.C:
			k.tellSilence()
		case <-ctx.Done():
			return k.interrupted()
		}
	}
	return inputErr
}

// patience is how long nothing is said about an answer that does not come.
const patience = 2 * time.Second

func (k *caller) tellSilence() {
	if len(k.unanswered) > 0 && !k.told && time.Since(k.since) >= patience {
		k.told = true
		fmt.Fprintf(k.stderr, "no answer from %v yet\n", k.sess.Element())
	}
}

func (k *caller) interrupted() error {
	if n := len(k.unanswered); n > 0 {
		return fmt.Errorf("interrupted; %d lines were not answered", n)
	}
	return nil
}

// receive hands on what the session receives, until it ends.
func (k *caller) receive(ctx context.Context, answers chan<- answer) {
	for {
		m, err := k.sess.Recv(ctx)
		select {
		case answers <- answer{m, err}:
		case <-ctx.Done():
			return
		}
		if _, ok := errors.AsType[*pool.FailoverError](err); err != nil && !ok {
			return
		}
	}
}

// send sends a line. If the element has failed, the notice of the failover is on its way, and the line is sent then.
func (k *caller) send(ctx context.Context, line []byte) error {
	err := k.sess.Send(ctx, sctp.Message{Data: line})
	if errors.Is(err, pool.ErrElementFailed) || ctx.Err() != nil {
		return nil
	}
	return err
}

func (k *caller) take(ctx context.Context, a answer) error {
	failover, ok := errors.AsType[*pool.FailoverError](a.err)
	switch {
	case a.err == nil:
		k.since, k.told = time.Now(), false
		if len(k.unanswered) > 0 {
			k.bytes -= len(k.unanswered[0])
			k.unanswered = k.unanswered[1:]
		}
		_, err := fmt.Fprintf(k.stdout, "%s\n", bytes.TrimSuffix(a.m.Data, []byte{'\n'}))
		return err
	case !ok && ctx.Err() != nil:
		return k.interrupted()
	case !ok:
		return a.err
	}
	fmt.Fprintf(k.stderr, "failover #%d: element 0x%08x %s; connected to %v in %v; %d lines sent again\n",
		failover.N, failover.From.ID, k.why(failover), failover.To, failover.Took.Round(time.Millisecond), len(k.unanswered))
	for _, line := range k.unanswered {
		if err := k.send(ctx, line); err != nil {
			return err
		}
	}
	return nil
}

// why says what has become of the element, and since when.
func (k *caller) why(f *pool.FailoverError) string {
	switch {
	case f.Left():
		return "left"
	case len(k.unanswered) > 0:
		return fmt.Sprintf("failed (%v), no answer for %v", f.Err, time.Since(k.since).Round(time.Millisecond))
	}
	return fmt.Sprintf("failed (%v), last heard %v ago", f.Err, f.Silent.Round(time.Millisecond))
}
