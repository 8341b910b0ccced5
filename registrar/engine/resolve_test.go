// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"net/netip"
	"testing"
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/stretchr/testify/require"
)

// RFC 5352, Section 3.3: "In the response message, the ENRP server SHOULD list all the PEs currently registered in this
// pool": as many as asked for, three if not, and never more than 128.
func TestResolutionItems(t *testing.T) {
	s := newScene(t, nil)
	s.up(1, host("10.0.0.1"))
	for id := range uint32(200) {
		s.in(1, reg("A", id+1, "10.0.0.1"))
	}
	for items, want := range map[uint32]int{0: 3, 1: 1, 2: 2, 127: 127, 128: 128, 129: 128, param.ItemsMax: 128} {
		require.Len(t, ids(t, s.in(1, resolve("A", items))), want, "items %d", items)
	}
}

// RFC 5354, Section 4: Message Length has 16 bits. What fits is listed.
func TestResolutionSize(t *testing.T) {
	s := newScene(t, nil)
	p := Peer{Port: 5000, EncapPort: 9900}
	for i := range byte(param.MaxAddrs) {
		p.Addrs = append(p.Addrs, netip.AddrFrom16([16]byte{0x20, 1, 15: i}))
	}
	s.up(1, p)
	for id := range uint32(param.MaxPoolElements) {
		s.in(1, with(reg("A", id+1, "::"), func(pe *param.PoolElement) { pe.UserTransport.Addrs = p.Addrs }))
	}
	out := s.in(1, resolve("A", param.ItemsMax))
	n := len(ids(t, out))
	size := len(out[0]) / 2
	require.LessOrEqual(t, size, param.MaxMessage)
	require.Greater(t, size+size/n, param.MaxMessage, "one more does not fit")
}

// RFC 6951: the UDP port goes to who cannot guess it. It is that of the association, unless the element says another.
func TestEncapsulationPort(t *testing.T) {
	for _, x := range []struct {
		name       string
		learned    uint16
		own        uint16
		proto      param.Protocol
		want, kept uint16
	}{
		{"default", 9899, 0, param.SCTP, 0, 9899},
		{"learned", 40000, 0, param.SCTP, 40000, 40000},
		{"own", 40000, 50000, param.SCTP, 50000, 50000},
		{"own with default", 9899, 50000, param.SCTP, 50000, 50000},
		{"not for TCP", 40000, 0, param.TCP, 0, 40000},
	} {
		t.Run(x.name, func(t *testing.T) {
			s := newScene(t, nil)
			p := host("10.0.0.1", "10.1.0.1")
			p.EncapPort = x.learned
			s.up(1, p)
			s.in(1, with(reg("A", 1, "10.0.0.1"), func(pe *param.PoolElement) {
				pe.EncapPort, pe.UserTransport.Protocol = x.own, x.proto
				if x.proto != param.SCTP {
					pe.UserTransport.Use = param.DataOnly
				}
			}))
			out := s.in(1, resolve("A", 1))
			m, _, err := asap.Parse(unhex(t, out[0]))
			require.NoError(t, err)
			got := m.(*asap.HandleResolutionResponse).PoolElements[0]
			require.Equal(t, x.want, got.EncapPort)
			require.Nil(t, got.ASAPTransport)
			pe := s.e.Snapshot().Pools[0].Elements[0]
			require.Equal(t, x.kept, pe.EncapPort)
			require.Equal(t, "SCTP 10.0.0.1,10.1.0.1:5000", pe.ASAPTransport.String())
		})
	}
}

// RFC 5352, Section 2.2.6: "At least one PE parameter MUST be present." With weight 0 everywhere, there is none.
func TestResolutionOfNobody(t *testing.T) {
	s := newScene(t, nil)
	s.up(1, host("10.0.0.1"))
	weight := func(w uint32) *asap.Registration {
		return with(reg("A", 1, "10.0.0.1"), func(pe *param.PoolElement) {
			pe.Policy = param.Policy{Type: param.WeightedRandom, Weight: w}
		})
	}
	s.in(1, weight(0))
	require.Equal(t, []string{"06000014" + "0009000541000000" + "000c0008" + "00060004"}, s.in(1, resolve("A", 1)))
	s.in(1, weight(1))
	require.Len(t, ids(t, s.in(1, resolve("A", 1))), 1)
}

// RSPLIB matches answers to requests by their order.
func TestAnswersComeInOrder(t *testing.T) {
	s := newScene(t, nil)
	s.up(1, host("10.0.0.1"))
	var want []string
	for i := range uint32(50) {
		for _, x := range []struct {
			m   asap.Message
			typ string
		}{
			{reg("A", i+1, "10.0.0.1"), "0300"}, {resolve("A", 1), "0600"}, {dereg("A", i), "0400"}, {resolve("B", 1), "0600"},
		} {
			b, err := x.m.AppendBinary(nil)
			require.NoError(t, err)
			s.e.HandleASAP(s.now, 1, b) // without polling
			want = append(want, x.typ)
		}
	}
	require.Equal(t, want, heads(s.outputs()))
}

func TestRates(t *testing.T) {
	s := newScene(t, func(c *Config) { c.MaxResolutionRate, c.MaxReportRate = 10, 2 })
	s.up(1, host("10.0.0.1"))
	s.up(2, host("10.0.0.2"))
	s.in(1, reg("A", 1, "10.0.0.1"))
	granted := 0
	for range 400 {
		m, _, err := asap.Parse(unhex(t, s.in(2, resolve("A", 1))[0]))
		require.NoError(t, err)
		if r := m.(*asap.HandleResolutionResponse); len(r.Errors) == 0 {
			granted++
		} else {
			require.True(t, r.Errors.Has(param.CauseLackOfResources))
		}
		s.advance(10 * time.Millisecond)
	}
	require.Equal(t, 49, granted, "a burst of 10, and 10 per second in the 3.99 seconds since")
	require.Len(t, ids(t, s.in(1, resolve("A", 1))), 1, "others are not concerned")
	for range 10 {
		s.in(2, report("A", 1))
	}
	require.EqualValues(t, 2, s.e.Stats().Reports)
}

func TestBounds(t *testing.T) {
	lack := func(out []string) {
		t.Helper()
		require.Contains(t, out[0], "00060004")
	}
	s := newScene(t, func(c *Config) {
		c.MaxElements, c.MaxPools, c.MaxElementsPerAssoc, c.MaxAssocs, c.MaxHandle = 4, 2, 3, 2, 8
	})
	s.up(1, host("10.0.0.1"))
	s.up(2, host("10.0.0.1"))
	require.False(t, s.e.HandleAssocUp(s.now, 3, ProtocolASAP, host("10.0.0.3")))
	s.in(1, reg("A", 1, "10.0.0.1"))
	s.in(1, reg("A", 2, "10.0.0.1"))
	s.in(1, reg("B", 3, "10.0.0.1"))
	lack(s.in(1, reg("B", 4, "10.0.0.1"))) // per association
	lack(s.in(2, reg("C", 4, "10.0.0.1"))) // pools
	s.in(2, reg("A", 1, "10.0.0.1"))       // from 1 to 2
	s.in(1, reg("B", 4, "10.0.0.1"))       // now there is room
	lack(s.in(2, reg("B", 5, "10.0.0.1"))) // elements
	s.in(2, reg("A", 1, "10.0.0.1"))       // again is no more
	require.Equal(t, "0301", s.in(2, reg("ABCDEFGHI", 1, "10.0.0.1"))[0][:4])
	require.Equal(t, 4, s.e.Stats().Elements)
	s.lost(1)
	require.Equal(t, 1, s.e.Stats().Elements)
	s.up(3, host("10.0.0.3"))
}

func TestConfigErrors(t *testing.T) {
	good := Config{ServerID: 1, Rand: newScene(t, nil).e.cfg.Rand}
	for want, change := range map[string]func(c *Config){
		"ServerID is 0":      func(c *Config) { c.ServerID = 0 },
		"Rand is nil":        func(c *Config) { c.Rand = nil },
		"Profile":            func(c *Config) { c.Profile = 9 },
		"KeepAliveTimeout":   func(c *Config) { c.KeepAliveTimeout = -1 },
		"MaxResolutionItems": func(c *Config) { c.MaxResolutionItems = 129 },
		"MaxHandle":          func(c *Config) { c.MaxHandle = 1 << 16 },
		"MaxIncrement":       func(c *Config) { c.MaxIncrement = -1 },
	} {
		c := good
		change(&c)
		_, err := New(start, c)
		require.ErrorContains(t, err, want)
	}
	for _, p := range []Profile{ProfileAuto, ProfileRFC, ProfileRSPLIB} {
		q, err := ParseProfile(p.String())
		require.NoError(t, err)
		require.Equal(t, p, q)
	}
	_, err := ParseProfile("RSPLIB?")
	require.Error(t, err)
}

func TestResolutionDoesNotAllocate(t *testing.T) {
	s := newScene(t, nil)
	s.up(1, host("10.0.0.1"))
	for id := range uint32(5) {
		s.in(1, reg("A", id+1, "10.0.0.1"))
	}
	req, err := resolve("A", 3).AppendBinary(nil)
	require.NoError(t, err)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		s.e.HandleASAP(s.now, 1, req)
		drain(s.e)
	}))
}
