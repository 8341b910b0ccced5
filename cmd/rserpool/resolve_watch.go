// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/rserpool/rserpool/pool"
)

// watchPool prints what is in a pool whenever that changes, until the context ends. It is no error that there is no such
// pool: there may be one.
func watchPool(ctx context.Context, f *resolveFlags, c *pool.Client, handle string, stdout io.Writer) error {
	s, err := c.Subscribe(handle)
	if err != nil {
		return err
	}
	defer s.Close()
	for {
		state, err := s.Next(ctx)
		switch {
		case ctx.Err() != nil:
			return nil // enough
		case err != nil:
			return err
		}
		if err := printState(stdout, f.output, state); err != nil {
			return err
		}
	}
}

// stateJSON is a line of resolve --watch -o json.
type stateJSON struct {
	Time     time.Time     `json:"time"`
	Elements []elementJSON `json:"elements"`
	Error    string        `json:"error,omitempty"`
}

func printState(w io.Writer, format string, state pool.PoolState) error {
	now := time.Now()
	unknown := state.Err
	if errors.Is(unknown, pool.ErrPoolNotFound) {
		unknown = nil // it is empty
	}
	if format == "json" {
		o := stateJSON{Time: now, Elements: elementsJSON(state.Elements)}
		if unknown != nil {
			o.Error = unknown.Error()
		}
		return json.NewEncoder(w).Encode(o)
	}
	fmt.Fprintf(w, "--- %s  %s\n", now.Format("15:04:05.000"), plural(len(state.Elements), "element"))
	if unknown != nil {
		_, err := fmt.Fprintf(w, "%v\n", unknown)
		return err
	}
	if len(state.Elements) == 0 {
		return nil
	}
	return printTable(w, state.Elements)
}
