// SPDX-License-Identifier: Apache-2.0

//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package udpencap

import (
	"context"
	"fmt"
	"os"
	"time"
)

// readChanges calls changed for each message that comes over a socket which the
// poller knows, until the context ends.
func readChanges(ctx context.Context, f *os.File, changed func(), harmless func(error) bool) error {
	stop := context.AfterFunc(ctx, func() { f.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	buf := make([]byte, 1<<16)
	changed() // what has happened before the socket was open
	for {
		_, err := f.Read(buf)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !harmless(err):
			return fmt.Errorf("udpencap: watch addresses: %w", err)
		}
		changed()
	}
}
