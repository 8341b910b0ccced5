// SPDX-License-Identifier: Apache-2.0

package enrp

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

	anySCTP = rapid.Custom(func(t *rapid.T) param.Transport {
		tr := param.Transport{Protocol: param.SCTP, Port: rapid.Uint16().Draw(t, "port")}
		for range rapid.IntRange(1, 4).Draw(t, "addrs") {
			a := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "addr")
			tr.Addrs = append(tr.Addrs, netip.AddrFrom16([16]byte(a)).Unmap())
		}
		return tr
	})

	// anyPort is an encapsulation port; the default one comes back as 0.
	anyPort = rapid.Uint16().Filter(func(p uint16) bool { return p != param.DefaultEncapPort })

	anyServer = rapid.Custom(func(t *rapid.T) param.ServerInformation {
		return param.ServerInformation{ID: rapid.Uint32().Draw(t, "id"), Transport: anySCTP.Draw(t, "transport"),
			EncapPort: anyPort.Draw(t, "encap port")}
	})

	anyElement = rapid.Custom(func(t *rapid.T) param.PoolElement {
		return param.PoolElement{
			ID:            rapid.Uint32().Draw(t, "id"),
			HomeID:        rapid.Uint32Min(1).Draw(t, "home"),
			Life:          rapid.Uint32().Draw(t, "life"),
			UserTransport: anySCTP.Draw(t, "user transport"),
			Policy:        param.Policy{Type: param.LeastUsed, Load: rapid.Uint32().Draw(t, "load")},
			ASAPTransport: new(anySCTP.Draw(t, "ASAP transport")),
			EncapPort:     anyPort.Draw(t, "encap port"),
		}
	})

	anyEntry = rapid.Custom(func(t *rapid.T) PoolEntry {
		return PoolEntry{anyHandle.Draw(t, "handle"), rapid.SliceOfN(anyElement, 1, 4).Draw(t, "elements")}
	})

	anyErrors = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) param.Cause {
		return param.Cause{Code: param.CauseCode(rapid.Uint16().Draw(t, "code")),
			Info: rapid.SliceOfN(rapid.Byte(), 1, 30).Draw(t, "info")}
	}), 1, 4)
)

var anyMessage = rapid.Custom(func(t *rapid.T) Message {
	h := Header{rapid.Uint32().Draw(t, "sender"), rapid.Uint32().Draw(t, "receiver")}
	target := rapid.Uint32().Draw(t, "target")
	flag := rapid.Bool().Draw(t, "flag")
	switch MessageType(rapid.IntRange(1, 11).Draw(t, "type")) {
	case TypePresence:
		m := &Presence{Header: h, ReplyRequired: flag}
		if rapid.Bool().Draw(t, "has checksum") {
			m.Checksum = new(param.PEChecksum(rapid.Uint16().Draw(t, "checksum")))
		}
		if rapid.Bool().Draw(t, "has server") {
			m.Server = new(anyServer.Draw(t, "server"))
		}
		return m
	case TypeHandleTableRequest:
		return &HandleTableRequest{h, flag}
	case TypeHandleTableResponse:
		m := &HandleTableResponse{Header: h, Rejected: flag, More: rapid.Bool().Draw(t, "more")}
		if !flag {
			m.Pools = rapid.SliceOfN(anyEntry, 1, 4).Draw(t, "pools")
		}
		return m
	case TypeHandleUpdate:
		return &HandleUpdate{h, flag, rapid.SampledFrom([]UpdateAction{AddPE, DelPE}).Draw(t, "action"),
			anyHandle.Draw(t, "handle"), anyElement.Draw(t, "element")}
	case TypeListRequest:
		return &ListRequest{h}
	case TypeListResponse:
		m := &ListResponse{Header: h, Rejected: flag}
		if !flag {
			m.Servers = rapid.SliceOfN(anyServer, 1, 4).Draw(t, "servers")
		}
		return m
	case TypeInitTakeover:
		return &InitTakeover{h, target}
	case TypeInitTakeoverAck:
		return &InitTakeoverAck{h, target}
	case TypeTakeoverServer:
		return &TakeoverServer{h, target}
	case 11:
		return &Capabilities{h, Capability(target)}
	default:
		return &Error{h, anyErrors.Draw(t, "causes")}
	}
})
