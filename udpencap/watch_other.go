// SPDX-License-Identifier: Apache-2.0

//go:build !linux && !darwin && !dragonfly && !freebsd && !netbsd && !openbsd && !windows

package udpencap

import (
	"context"
	"time"
)

// lookEvery is how often systems that do not tell are asked.
const lookEvery = 5 * time.Second

func watchAddrs(ctx context.Context, changed func()) error {
	t := time.NewTicker(lookEvery)
	defer t.Stop()
	changed()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
			changed()
		}
	}
}
