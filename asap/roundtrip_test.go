// SPDX-License-Identifier: Apache-2.0

package asap

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/rserpool/rserpool/asap/param"
)

// Every message that can be encoded comes back the same, and is a multiple of 4 bytes long. A failing run prints its
// seed; -rapid.seed repeats it.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := anyMessage.Draw(t, "message")
		b, err := m.AppendBinary(nil)
		require.NoError(t, err)
		require.Zero(t, len(b)%4)
		require.Equal(t, len(b), MessageLength(b))
		got, reports, err := Parse(b)
		require.NoError(t, err)
		require.Empty(t, reports)
		require.Equal(t, m, got)
	})
}

var (
	anyHandle = rapid.Custom(func(t *rapid.T) param.PoolHandle {
		return param.PoolHandle(rapid.SliceOfN(rapid.Byte(), 1, 50).Draw(t, "handle"))
	})

	anyAddr = rapid.Custom(func(t *rapid.T) netip.Addr {
		n := rapid.SampledFrom([]int{4, 16}).Draw(t, "size")
		a, _ := netip.AddrFromSlice(rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "addr"))
		return a.Unmap()
	})

	anySCTP = rapid.Custom(func(t *rapid.T) param.Transport {
		return param.Transport{
			Protocol: param.SCTP,
			Port:     rapid.Uint16().Draw(t, "port"),
			Use:      rapid.SampledFrom([]param.TransportUse{param.DataOnly, param.DataPlusControl}).Draw(t, "use"),
			Addrs:    rapid.SliceOfN(anyAddr, 1, 5).Draw(t, "addrs"),
		}
	})

	anyTransport = rapid.Custom(func(t *rapid.T) param.Transport {
		p := rapid.SampledFrom([]param.Protocol{
			param.SCTP, param.TCP, param.UDP, param.UDPLite, param.DCCP, param.Opaque}).Draw(t, "protocol")
		switch p {
		case param.SCTP:
			return anySCTP.Draw(t, "sctp")
		case param.Opaque:
			return param.Transport{Protocol: p, Opaque: rapid.SliceOfN(rapid.Byte(), 1, 20).Draw(t, "opaque")}
		}
		tr := param.Transport{Protocol: p, Port: rapid.Uint16().Draw(t, "port"),
			Addrs: []netip.Addr{anyAddr.Draw(t, "addr")}}
		if p == param.DCCP {
			tr.ServiceCode = rapid.Uint32().Draw(t, "service code")
		}
		return tr
	})

	anyPolicy = rapid.Custom(func(t *rapid.T) param.Policy {
		u := func(name string) uint32 { return rapid.Uint32().Draw(t, name) }
		switch p := rapid.SampledFrom([]param.PolicyType{
			param.RoundRobin, param.WeightedRandom, param.Priority, param.PriorityLeastUsed, param.WeightedRandomDPF,
			param.LeastUsedDPF, param.PriorityLeastUsedDegradationDPF, 0xc0000001,
		}).Draw(t, "policy"); p {
		case param.WeightedRandom:
			return param.Policy{Type: p, Weight: u("weight")}
		case param.Priority:
			return param.Policy{Type: p, Priority: u("priority")}
		case param.PriorityLeastUsed:
			return param.Policy{Type: p, Load: u("load"), LoadDegradation: u("degradation")}
		case param.WeightedRandomDPF:
			return param.Policy{Type: p, Weight: u("weight"), WeightDPF: u("dpf"), Distance: u("distance")}
		case param.LeastUsedDPF:
			return param.Policy{Type: p, Load: u("load"), LoadDPF: u("dpf"), Distance: u("distance")}
		case param.PriorityLeastUsedDegradationDPF:
			return param.Policy{Type: p, Load: u("load"), LoadDegradation: u("degradation"), LoadDPF: u("dpf"),
				Distance: u("distance")}
		case 0xc0000001:
			return param.Policy{Type: p, Data: string(rapid.SliceOfN(rapid.Byte(), 0, 9).Draw(t, "data"))}
		default:
			return param.Policy{Type: p}
		}
	})

	// anyPort is an encapsulation port; the default one comes back as 0.
	anyPort = rapid.Uint16().Filter(func(p uint16) bool { return p != param.DefaultEncapPort })

	anyElement = rapid.Custom(func(t *rapid.T) param.PoolElement {
		pe := param.PoolElement{
			ID:            rapid.Uint32().Draw(t, "id"),
			HomeID:        rapid.Uint32().Draw(t, "home"),
			Life:          rapid.Uint32().Draw(t, "life"),
			UserTransport: anyTransport.Draw(t, "user transport"),
			Policy:        anyPolicy.Draw(t, "policy"),
			EncapPort:     anyPort.Draw(t, "encap port"),
		}
		if rapid.Bool().Draw(t, "has ASAP transport") {
			pe.ASAPTransport = new(anySCTP.Draw(t, "ASAP transport"))
		}
		return pe
	})

	anyErrors = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) param.Cause {
		c := param.Cause{Code: param.CauseCode(rapid.Uint16().Draw(t, "code"))}
		if info := rapid.SliceOfN(rapid.Byte(), 0, 30).Draw(t, "info"); len(info) > 0 {
			c.Info = info
		}
		return c
	}), 1, 4)
)

var anyMessage = rapid.Custom(func(t *rapid.T) Message {
	h := anyHandle.Draw(t, "handle")
	id := rapid.Uint32().Draw(t, "id")
	flag := rapid.Bool().Draw(t, "flag")
	var errs param.OperationError
	if rapid.Bool().Draw(t, "has errors") {
		errs = anyErrors.Draw(t, "errors")
	}
	cookie := param.Cookie(rapid.SliceOfN(rapid.Byte(), 0, 30).Draw(t, "cookie"))
	switch MessageType(rapid.IntRange(1, 14).Draw(t, "type")) {
	case TypeRegistration:
		return &Registration{h, anyElement.Draw(t, "element")}
	case TypeDeregistration:
		return &Deregistration{h, id}
	case TypeRegistrationResponse:
		return &RegistrationResponse{flag, h, id, errs}
	case TypeDeregistrationResponse:
		return &DeregistrationResponse{h, id, errs}
	case TypeHandleResolution:
		return &HandleResolution{flag, h, id}
	case TypeHandleResolutionResponse:
		if errs != nil {
			return &HandleResolutionResponse{AcceptUpdates: flag, PoolHandle: h, Errors: errs}
		}
		return &HandleResolutionResponse{AcceptUpdates: flag, PoolHandle: h, Policy: anyPolicy.Draw(t, "policy"),
			PoolElements: rapid.SliceOfN(anyElement, 1, 5).Draw(t, "elements")}
	case TypeEndpointKeepAlive:
		return &EndpointKeepAlive{flag, id, h, rapid.Uint32().Draw(t, "pe")}
	case TypeEndpointKeepAliveAck:
		return &EndpointKeepAliveAck{h, id}
	case TypeEndpointUnreachable:
		return &EndpointUnreachable{h, id}
	case TypeServerAnnounce:
		m := &ServerAnnounce{ServerID: id, EncapPort: anyPort.Draw(t, "encap port")}
		for range rapid.IntRange(0, 3).Draw(t, "transports") {
			m.Transports = append(m.Transports, anySCTP.Draw(t, "transport"))
		}
		return m
	case TypeCookie:
		return &Cookie{cookie}
	case TypeCookieEcho:
		return &CookieEcho{cookie}
	case TypeBusinessCard:
		return &BusinessCard{h, rapid.SliceOfN(anyElement, 1, 5).Draw(t, "elements")}
	default:
		return &Error{anyErrors.Draw(t, "causes")}
	}
})

// What is peeked is what Parse finds, and every truncation is left to it.
func TestPeekHandleResolution(t *testing.T) {
	for _, m := range []HandleResolution{
		{PoolHandle: "A"}, {PoolHandle: "Pool", Items: 3}, {PoolHandle: "EchoPool1", Items: param.ItemsMax},
	} {
		b, err := m.AppendBinary(nil)
		require.NoError(t, err)
		h, items, ok := PeekHandleResolution(b)
		require.True(t, ok)
		require.Equal(t, string(m.PoolHandle), string(h))
		require.Equal(t, m.Items, items)
		require.Zero(t, testing.AllocsPerRun(10, func() { PeekHandleResolution(b) }))
		for n := range b {
			_, _, ok := PeekHandleResolution(b[:n])
			require.False(t, ok, "the first %d bytes of %x", n, b)
		}
	}
	for name, x := range map[string]string{
		"the S bit":         "0501000c 00090005 41000000",
		"another message":   "01000010 00090004 00090005 41000000",
		"empty handle":      "05000008 00090004",
		"option first":      "05000014 803f0008 00000003 00090005 41000000",
		"two handles":       "05000014 00090005 41000000 00090005 42000000",
		"length below 4":    "05000008 00090003",
		"length beyond end": "0500000c 00090009 41000000",
		"more behind":       "0500000c 00090005 41000000 00000000",
	} {
		_, _, ok := PeekHandleResolution(unhex(t, x))
		require.False(t, ok, name)
	}
}
