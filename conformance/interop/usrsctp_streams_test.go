// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import "testing"

func TestUsrsctpPartialSending(t *testing.T) {
	f := newUsrsctp(t, "-quick")
	both(t, func(t *testing.T, who sets) { testPartialSending(t, f, who) })
}

func TestUsrsctpPartialReceiving(t *testing.T) {
	f := newUsrsctp(t, "-quick")
	both(t, func(t *testing.T, who sets) { testPartialReceiving(t, f, who) })
}
