// SPDX-License-Identifier: Apache-2.0

// Package shim is the system under test's side of the control protocol, for shims written in Go: lines on standard input
// and standard output. docs/conformance.md has the protocol, and the programs below this directory are shims: ours for this
// module's own stack, pion for pion/sctp, usrsctp and kernel for those.
//
// # Limitations
//
// A value is one word: blanks in it are %20. Requests are carried out one after the other.
package shim

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/rserpool/rserpool/conformance"
)

// Escape makes a value one word.
func Escape(s string) string { return url.PathEscape(s) }

// ParseArgs reads "name=value name=value".
func ParseArgs(words []string) (conformance.Args, error) {
	args := conformance.Args{}
	for _, w := range words {
		name, value, _ := strings.Cut(w, "=")
		value, err := url.PathUnescape(value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		args[name] = value
	}
	return args, nil
}

// FormatArgs is the reverse of ParseArgs.
func FormatArgs(args conformance.Args) string {
	escaped := conformance.Args{}
	for k, v := range args {
		escaped[k] = Escape(v)
	}
	return escaped.String()
}

// Serve says what is ready, and then does what the lines of in ask for until they end. acts are those that control has.
func Serve(ctx context.Context, in io.Reader, out io.Writer, ready conformance.Args, acts []string, control conformance.Control) error {
	ready = ready.With("acts", strings.Join(acts, ","))
	if _, err := fmt.Fprintf(out, "ready %s\n", FormatArgs(ready)); err != nil {
		return err
	}
	s := bufio.NewScanner(in)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		words := strings.Fields(s.Text())
		if len(words) < 2 || strings.HasPrefix(words[0], "#") {
			continue
		}
		args, err := ParseArgs(words[2:])
		switch {
		case err == nil && !control.Has(words[1]):
			_, err = fmt.Fprintf(out, "%s unsupported\n", words[0])
			if err != nil {
				return err
			}
			continue
		case err == nil:
			err = control.Do(ctx, words[1], args)
		}
		answer := "ok"
		switch {
		case errors.Is(err, conformance.ErrUnsupported):
			answer = "unsupported"
		case err != nil:
			answer = "error " + strings.ReplaceAll(err.Error(), "\n", " ")
		}
		if _, err := fmt.Fprintf(out, "%s %s\n", words[0], answer); err != nil {
			return err
		}
	}
	return s.Err()
}
