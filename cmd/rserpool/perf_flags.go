// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"
)

// seconds is a flag: a number of seconds, or a duration as Go writes it.
type seconds time.Duration

func (s *seconds) String() string { return "" }
func (s *seconds) Type() string   { return "seconds" }

func (s *seconds) Set(v string) error {
	d, err := time.ParseDuration(v)
	if n, e := strconv.ParseFloat(v, 64); e == nil && math.Abs(n) < 1e9 {
		d, err = time.Duration(n*float64(time.Second)), nil
	}
	if err != nil || d <= 0 {
		return errors.New("not a positive number of seconds")
	}
	*s = seconds(d)
	return nil
}

// byteSize is a flag: a number of bytes, maybe with K, M or G for powers of 1024.
type byteSize int64

func (b *byteSize) String() string { return "" }
func (b *byteSize) Type() string   { return "bytes" }

func (b *byteSize) Set(v string) error {
	n, err := parseBytes(v)
	*b = byteSize(n)
	return err
}

// byteLength is byteSize for an int.
type byteLength int

func (b *byteLength) String() string { return "" }
func (b *byteLength) Type() string   { return "bytes" }

func (b *byteLength) Set(v string) error {
	n, err := parseBytes(v)
	*b = byteLength(min(n, math.MaxInt32))
	return err
}

func parseBytes(v string) (int64, error) {
	digits, shift := v, 0
	if v != "" {
		if i := strings.IndexByte("KMG", v[len(v)-1]&^0x20); i >= 0 {
			digits, shift = v[:len(v)-1], 10*(i+1)
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n <= 0 || n > math.MaxInt64>>shift {
		return 0, errors.New("not a positive number of bytes, such as 100M")
	}
	return n << shift, nil
}

// A lockedWriter is for several goroutines.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}
