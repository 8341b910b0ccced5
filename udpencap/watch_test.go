// SPDX-License-Identifier: Apache-2.0

package udpencap

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

// Watch looks once at the beginning, and ends with the context.
func TestWatchBeginsAndEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	changed, ended := make(chan struct{}, 1), make(chan error, 1)
	go func() {
		ended <- Host().(Watcher).Watch(ctx, func() {
			select {
			case changed <- struct{}{}:
			default:
			}
		})
	}()
	select {
	case <-changed:
	case err := <-ended:
		require.FailNow(t, "cannot watch", err)
	}
	cancel()
	require.NoError(t, <-ended)
}
