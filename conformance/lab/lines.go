// SPDX-License-Identifier: Apache-2.0

//go:build linux

package lab

import (
	"bufio"
	"context"
	"errors"
	"io"
	"regexp"
	"strings"
	"sync"
)

// maxLine bounds one line of a peer's output in bytes; no peer prints longer ones.
const maxLine = 1 << 20

var errEnded = errors.New("the output ended")

// lines collects a peer's output and lets one goroutine wait for a line.
type lines struct {
	mu    sync.Mutex
	all   []string
	next  int           // the first line no wait has consumed
	ended bool          // no more will come
	more  chan struct{} // closed and replaced at every change
}

func newLines() *lines { return &lines{more: make(chan struct{})} }

// read collects r until its end.
func (l *lines) read(r io.Reader) {
	s := bufio.NewScanner(r)
	s.Buffer(nil, maxLine)
	for s.Scan() {
		l.add(strings.TrimRight(s.Text(), "\r"))
	}
	_, _ = io.Copy(io.Discard, r) // a line too long must not block the writer
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	l.wake()
}

func (l *lines) add(s string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, s)
	l.wake()
}

func (l *lines) wake() {
	close(l.more)
	l.more = make(chan struct{})
}

// wait returns the submatches of the first line after the one that ended the last wait.
func (l *lines) wait(ctx context.Context, re *regexp.Regexp) ([]string, error) {
	l.mu.Lock()
	from := l.next
	l.mu.Unlock()
	m, at, err := l.find(ctx, re, from)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next = at + 1
	return m, nil
}

// seen is wait that consumes nothing.
func (l *lines) seen(ctx context.Context, re *regexp.Regexp) error {
	l.mu.Lock()
	from := l.next
	l.mu.Unlock()
	_, _, err := l.find(ctx, re, from)
	return err
}

// find waits for a line with an index of at least from.
func (l *lines) find(ctx context.Context, re *regexp.Regexp, from int) (m []string, at int, err error) {
	for at = from; ; {
		l.mu.Lock()
		all, ended, more := l.all, l.ended, l.more
		l.mu.Unlock()
		for ; at < len(all); at++ {
			if m := re.FindStringSubmatch(all[at]); m != nil {
				return m, at, nil
			}
		}
		if ended {
			return nil, 0, errEnded
		}
		select {
		case <-ctx.Done():
			return nil, 0, context.Cause(ctx)
		case <-more:
		}
	}
}

func (l *lines) snapshot() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.all...)
}

// tail returns the last n lines, indented.
func (l *lines) tail(n int) string {
	all := l.snapshot()
	return "\t" + strings.Join(all[max(0, len(all)-n):], "\n\t")
}
