// SPDX-License-Identifier: Apache-2.0

package assoc

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// RFC 6458, Section 8.1.8: an association on which no user data goes either way is
// shut down, and only then: HEARTBEATs do not count, data of either side does, and
// what is lost is waited for.
func TestAutoClose(t *testing.T) {
	p := newPair(t, Config{HeartbeatInterval: time.Second})
	a, z := p.connect()
	cfg, err := Config{HeartbeatInterval: time.Second, AutoClose: 10 * time.Second}.WithDefaults()
	require.NoError(t, err)
	a.cfg = &cfg
	a.userData(p.now)
	p.run(9 * time.Second)
	require.NoError(t, a.Send(p.now, Message{Data: []byte("x")}))
	p.pump()
	p.run(9 * time.Second)
	require.NoError(t, z.Send(p.now, Message{Data: []byte("y")}))
	p.pump()
	p.run(9 * time.Second)
	require.Equal(t, StateEstablished, a.State())

	lost := false
	p.a.filter = func(Datagram) bool { return !lost }
	lost = true
	require.NoError(t, a.Send(p.now, Message{Data: []byte("z")}))
	p.pump()
	p.run(12 * time.Second)
	lost = false
	require.Equal(t, StateEstablished, a.State(), "the message is still on its way")
	p.run(9 * time.Second)
	require.Equal(t, StateEstablished, a.State())
	p.run(15 * time.Second)
	require.Equal(t, StateClosed, a.State())
	require.NoError(t, a.Err())
	require.Equal(t, StateClosed, z.State())
	require.NoError(t, z.Err())
	require.Equal(t, []string{"0:x", "0:z"}, texts(p.z))

	_, err = Config{AutoClose: -1}.WithDefaults()
	require.ErrorContains(t, err, "AutoClose")
}

func TestAutoCloseFromTheBeginning(t *testing.T) {
	p := newPair(t, Config{AutoClose: time.Minute})
	a, z := p.connect()
	p.run(59 * time.Second)
	require.Equal(t, StateEstablished, a.State())
	p.run(2 * time.Second)
	require.Equal(t, StateClosed, a.State())
	require.Equal(t, StateClosed, z.State())
	require.NoError(t, a.Err())
}
