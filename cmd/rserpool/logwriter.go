// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	// maxUnwritten bounds the lines that wait to be written, in bytes.
	maxUnwritten = 1 << 20
	// lastWords is how long the end of the program waits for lines to be written.
	lastWords = time.Second
)

// A logWriter writes log lines without keeping whoever logs waiting: a registrar answers also while nobody reads what it
// says. Lines that come while others are written go together, in one system call. What is too much is left out, and a
// line says how much that was.
type logWriter struct {
	w io.Writer

	mu         sync.Mutex
	buf, spare []byte
	lost       int
	done       chan struct{} // closed when all is written; nil if it is
}

func newLogWriter(w io.Writer) *logWriter { return &logWriter{w: w} }

// Write takes a line. It never fails.
func (l *logWriter) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.buf)+len(line) > maxUnwritten {
		l.lost++
		return len(line), nil
	}
	l.buf = append(l.buf, line...)
	if l.done == nil {
		l.done = make(chan struct{})
		go l.flush()
	}
	return len(line), nil
}

func (l *logWriter) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.buf) > 0 || l.lost > 0 {
		if l.lost > 0 {
			l.buf = fmt.Appendf(l.buf, "time=%s level=WARN msg=\"log lines were left out, nobody reads them\" count=%d\n", time.Now().Format(time.RFC3339Nano), l.lost)
			l.lost = 0
		}
		b := l.buf
		l.buf, l.spare = l.spare[:0], nil
		l.mu.Unlock()
		_, _ = l.w.Write(b) // there is nowhere to say that it failed
		l.mu.Lock()
		l.spare = b
	}
	close(l.done)
	l.done = nil
}

// Close waits until all is written, but not for long.
func (l *logWriter) Close() error {
	l.mu.Lock()
	done := l.done
	l.mu.Unlock()
	if done == nil {
		return nil
	}
	t := time.NewTimer(lastWords)
	defer t.Stop()
	select {
	case <-done:
	case <-t.C:
	}
	return nil
}
