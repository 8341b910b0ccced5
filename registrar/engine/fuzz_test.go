// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"bytes"
	"testing"
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/stretchr/testify/require"
)

// FuzzEngine feeds an engine with messages cut out of the input: a byte for association and pause, two for the length,
// the message. Whatever they are, what comes out is well-formed, goes to associations there are, and nothing is left when
// the associations are gone.
func FuzzEngine(f *testing.F) {
	seed := func(msgs ...asap.Message) {
		var b []byte
		for i, m := range msgs {
			enc, err := m.AppendBinary(nil)
			require.NoError(f, err)
			b = append(b, byte(i), byte(len(enc)>>8), byte(len(enc)))
			b = append(b, enc...)
		}
		f.Add(b)
	}
	seed(reg("A", 1, "10.0.0.0"), resolve("A", 2), report("A", 1), ack("A", 1), dereg("A", 1))
	seed(reg("A", 1, "10.0.0.0"), reg("A", 1, "10.0.0.1"), with(reg("A", 2, "10.0.0.2"), func(pe *param.PoolElement) {
		pe.Policy = param.Policy{Type: param.LeastUsedDegradation, Load: 1, LoadDegradation: 2}
	}))
	seed(&asap.Error{Errors: param.OperationError{{Code: 1}}}, &asap.EndpointKeepAlive{ServerID: 1, PoolHandle: "A"},
		&asap.ServerAnnounce{ServerID: 1}, &asap.Cookie{Cookie: []byte("abcd")})
	f.Add([]byte{0, 0, 4, 0x5f, 0, 0, 4, 1, 0, 3, 1, 2, 3})

	f.Fuzz(func(t *testing.T, in []byte) {
		s := newScene(t, func(c *Config) { c.KeepAliveInterval = time.Second })
		const assocs = 4
		alive := map[uint64]bool{}
		for id := uint64(1); id <= assocs; id++ {
			p := host("10.0.0." + string('0'+byte(id-1)))
			p.TCP = id == assocs
			alive[id] = s.e.HandleAssocUp(s.now, id, ProtocolASAP, p)
		}
		for len(in) >= 3 {
			assoc, pause := uint64(in[0]%assocs)+1, time.Duration(in[0]/assocs)*50*time.Millisecond
			n := min(int(in[1])<<8|int(in[2]), len(in)-3)
			b := bytes.Clone(in[3 : 3+n])
			in = in[3+n:]
			s.e.HandleASAP(s.now, assoc, b)
			clear(b) // it must not be kept
			checkOutputs(t, s.e, alive)
			s.now = s.now.Add(pause)
			s.e.HandleTimeout(s.now)
			checkOutputs(t, s.e, alive)
			if at, ok := s.e.NextDeadline(); ok {
				require.True(t, at.After(s.now), "all that was due was done")
			}
		}
		for id := range alive {
			s.e.HandleAssocLost(s.now, id, LossEnded)
		}
		st := s.e.Stats()
		require.Zero(t, st.Elements+st.Pools+st.Associations)
		_, ok := s.e.NextDeadline()
		require.False(t, ok)
	})
}

func checkOutputs(t *testing.T, e *Engine, alive map[uint64]bool) {
	for {
		m, ok := e.PollTransmit()
		if !ok {
			break
		}
		require.True(t, alive[m.Assoc])
		p, _, err := asap.Parse(m.Data)
		require.NoError(t, err, "%x", m.Data)
		again, err := p.AppendBinary(nil)
		require.NoError(t, err)
		require.Equal(t, again, m.Data)
	}
	for {
		a, ok := e.PollAbort()
		if !ok {
			break
		}
		delete(alive, a.Assoc)
	}
	for {
		if ev, ok := e.PollEvent(); !ok {
			break
		} else if ev.Err != nil {
			require.NotEmpty(t, ev.Err.Error())
		}
	}
}
