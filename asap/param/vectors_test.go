// SPDX-License-Identifier: Apache-2.0

package param

import (
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// unhex turns "0a00 0008" into bytes.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	require.NoError(t, err)
	return b
}

// one is the first parameter in b.
func one(t testing.TB, b []byte) Param {
	t.Helper()
	d := NewDecoder(b, new(Reports))
	p, ok, err := d.Next()
	require.NoError(t, err)
	require.True(t, ok)
	return p
}

// The first dozen are RSPLIB's; the others follow from RFC 5356 and from their kin.
var policyVectors = []struct {
	hex    string
	policy Policy
}{
	{"00080008 00000001", Policy{Type: RoundRobin}},
	{"0008000c 00000002 00000003", Policy{Type: WeightedRoundRobin, Weight: 3}},
	{"0008000c 00000004 00000007", Policy{Type: WeightedRandom, Weight: 7}},
	{"0008000c 00000005 00000005", Policy{Type: Priority, Priority: 5}},
	{"0008000c 40000001 00000000", Policy{Type: LeastUsed}},
	{"00080010 40000002 00000000 4ccccccc", Policy{Type: LeastUsedDegradation, LoadDegradation: Fraction(0.3)}},
	{"00080010 40000003 00000000 40000000", Policy{Type: PriorityLeastUsed, LoadDegradation: Fraction(0.25)}},
	{"0008000c 40000004 00000000", Policy{Type: RandomizedLeastUsed}},
	{"00080010 b0001001 00000000 00000000", Policy{Type: RandomizedPriorityLeastUsed}},
	{"00080010 b0001003 00000000 40000000", Policy{Type: PriorityLeastUsedDegradation, LoadDegradation: Fraction(0.25)}},
	{"00080014 b0002002 00000000 80000000 00000000", Policy{Type: LeastUsedDPF, LoadDPF: Fraction(0.5)}},
	{"00080018 b0002003 00000000 40000000 80000000 00000000",
		Policy{Type: LeastUsedDegradationDPF, LoadDegradation: Fraction(0.25), LoadDPF: Fraction(0.5)}},
	{"00080014 b0002001 00000007 80000000 00000000", Policy{Type: WeightedRandomDPF, Weight: 7, WeightDPF: Fraction(0.5)}},

	{"00080008 00000003", Policy{Type: Random}},
	{"00080010 b0001002 00000001 00000002", Policy{Type: RandomizedLeastUsedDegradation, Load: 1, LoadDegradation: 2}},
	{"00080010 b0001004 00000001 00000002",
		Policy{Type: RandomizedPriorityLeastUsedDegradation, Load: 1, LoadDegradation: 2}},
	{"00080014 b0002001 00000001 00000002 00000003", Policy{Type: WeightedRandomDPF, Weight: 1, WeightDPF: 2, Distance: 3}},
	{"00080014 b0002002 00000001 00000002 00000003", Policy{Type: LeastUsedDPF, Load: 1, LoadDPF: 2, Distance: 3}},
	{"00080018 b0002003 00000001 00000002 00000003 00000004",
		Policy{Type: LeastUsedDegradationDPF, Load: 1, LoadDegradation: 2, LoadDPF: 3, Distance: 4}},
	{"00080018 b0002004 00000001 00000002 00000003 00000004",
		Policy{Type: PriorityLeastUsedDPF, Load: 1, LoadDegradation: 2, LoadDPF: 3, Distance: 4}},
	{"00080018 b0002005 00000001 00000002 00000003 00000004",
		Policy{Type: PriorityLeastUsedDegradationDPF, Load: 1, LoadDegradation: 2, LoadDPF: 3, Distance: 4}},

	{"00080008 00000006", Policy{Type: 6}},
	{"0008000b f0000001 616263", Policy{Type: 0xf0000001, Data: "abc"}},
}

func TestPolicyVectors(t *testing.T) {
	seen := map[PolicyType]bool{}
	for _, v := range policyVectors {
		b, err := v.policy.AppendBinary(nil)
		require.NoError(t, err)
		require.Equal(t, strings.ReplaceAll(v.hex, " ", ""), hex.EncodeToString(b))

		for len(b)%4 != 0 {
			b = append(b, 0xee) // the receiver ignores padding
		}
		got, err := one(t, b).Policy()
		require.NoError(t, err)
		require.Equal(t, v.policy, got)
		seen[v.policy.Type] = true
	}
	for typ := range policies {
		require.True(t, seen[typ], "no vector for %v", typ)
	}
}

func TestPolicyErrors(t *testing.T) {
	for _, p := range []Policy{{}, {Type: LeastUsed, Data: "x"}} {
		b, err := p.AppendBinary([]byte("prefix"))
		require.Error(t, err)
		require.Equal(t, "prefix", string(b))
	}
	for _, s := range []string{"00080004", "00080006 00010000", "00080008 00000000", "0008000c 00000001 00000000",
		"00080010 40000001 00000000 00000000", "00080014 40000002 00000000 00000000 00000000"} {
		_, err := one(t, unhex(t, s)).Policy()
		require.Error(t, err, s)
	}
}

func TestAdaptive(t *testing.T) {
	for _, typ := range []PolicyType{RoundRobin, WeightedRoundRobin, Random, WeightedRandom, Priority, WeightedRandomDPF} {
		require.False(t, typ.Adaptive(), "%v", typ)
	}
	for _, typ := range []PolicyType{LeastUsed, LeastUsedDegradation, PriorityLeastUsed, RandomizedLeastUsed,
		RandomizedPriorityLeastUsed, PriorityLeastUsedDegradation, LeastUsedDPF, PriorityLeastUsedDegradationDPF} {
		require.True(t, typ.Adaptive(), "%v", typ)
	}
}

func TestFraction(t *testing.T) {
	for f, want := range map[float64]uint32{0: 0, 0.1: 0x19999999, 0.25: 0x40000000, 0.3: 0x4ccccccc, 0.5: 0x80000000,
		1: 0xffffffff, -1: 0, 2: 0xffffffff} {
		require.Equal(t, want, Fraction(f), "%v", f)
	}
	require.Equal(t, 1.0, Float(0xffffffff))
	require.InDelta(t, 0.3, Float(Fraction(0.3)), 1e-9)
}

func transport(p Protocol, port uint16, addrs ...string) Transport {
	t := Transport{Protocol: p, Port: port}
	for _, a := range addrs {
		t.Addrs = append(t.Addrs, netip.MustParseAddr(a))
	}
	return t
}

func TestTransportVectors(t *testing.T) {
	control := transport(SCTP, 5000, "10.0.0.1", "2001:db8::1")
	control.Use = DataPlusControl
	dccp := transport(DCCP, 5001, "10.0.0.1")
	dccp.ServiceCode = 0x61626364
	for _, v := range []struct {
		hex, text string
		transport Transport
	}{
		{"00030014 13890000 61626364 00010008 0a000001", "DCCP 10.0.0.1:5001", dccp},
		{"00040024 13880001 00010008 0a000001 00020014 20010db8000000000000000000000001",
			"SCTP 10.0.0.1,[2001:db8::1]:5000 (DATA plus CONTROL)", control},
		{"0005001c 00500000 00020014 20010db8000000000000000000000001", "TCP [2001:db8::1]:80",
			transport(TCP, 80, "2001:db8::1")},
		{"00060010 00500000 00010008 0a000001", "UDP 10.0.0.1:80", transport(UDP, 80, "10.0.0.1")},
		{"00070010 00500000 00010008 0a000001", "UDP-Lite 10.0.0.1:80", transport(UDPLite, 80, "10.0.0.1")},
		{"00100007 616263", "Opaque 61 62 63", Transport{Protocol: Opaque, Opaque: []byte("abc")}},
		{"00100004", "Opaque ", Transport{Protocol: Opaque}},
	} {
		t.Run(v.text, func(t *testing.T) {
			b, err := v.transport.AppendBinary(nil)
			require.NoError(t, err)
			require.Equal(t, strings.ReplaceAll(v.hex, " ", ""), hex.EncodeToString(b))
			require.Equal(t, v.text, v.transport.String())

			p, _, reason := cut(b, false)
			require.Empty(t, reason)
			got, err := p.Transport()
			require.NoError(t, err)
			require.Equal(t, v.transport, got)
			require.True(t, got.Equal(v.transport))
		})
	}
}

func TestMappedAddressesAreSentAsIPv4(t *testing.T) {
	b, err := transport(SCTP, 5000, "::ffff:10.0.0.1").AppendBinary(nil)
	require.NoError(t, err)
	require.Equal(t, unhex(t, "00040010 13880000 00010008 0a000001"), b)

	got, err := one(t, unhex(t, "0004001c 13880000 00020014 00000000 00000000 0000ffff 0a000001")).Transport()
	require.NoError(t, err)
	require.Equal(t, transport(SCTP, 5000, "10.0.0.1"), got)
}

// RFC 5354, Section 3.5: "TCP MUST always be treated as a "Data Only" type transport use."
func TestReservedFieldOfTCPIsIgnored(t *testing.T) {
	got, err := one(t, unhex(t, "00050010 00500001 00010008 0a000001")).Transport()
	require.NoError(t, err)
	require.Equal(t, transport(TCP, 80, "10.0.0.1"), got)
}

func TestAddressLimit(t *testing.T) {
	full := Transport{Protocol: SCTP, Port: 1}
	for i := range MaxAddrs {
		full.Addrs = append(full.Addrs, netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}))
	}
	b, err := full.AppendBinary(nil)
	require.NoError(t, err)
	got, err := one(t, b).Transport()
	require.NoError(t, err)
	require.Equal(t, full, got)

	full.Addrs = append(full.Addrs, full.Addrs[0])
	_, err = full.AppendBinary(nil)
	require.ErrorContains(t, err, "more than 64 addresses")

	b = append(b, 0, 1, 0, 8, 10, 0, 0, 1)
	b[2], b[3] = byte(len(b)>>8), byte(len(b))
	_, err = one(t, b).Transport()
	require.ErrorContains(t, err, "more than 64 addresses")
}

func TestTransportsThatCannotBeEncoded(t *testing.T) {
	with := func(t Transport, f func(*Transport)) Transport { f(&t); return t }
	sctp, tcp := transport(SCTP, 1, "::1"), transport(TCP, 1, "::1")
	for _, c := range []struct {
		transport Transport
		want      string
	}{
		{Transport{}, "is not a transport"},
		{Transport{Protocol: Protocol(TypeCookie)}, "is not a transport"},
		{with(sctp, func(t *Transport) { t.Use = 2 }), "transport use 2 is not defined"},
		{with(tcp, func(t *Transport) { t.Use = 1 }), "is for SCTP only"},
		{with(tcp, func(t *Transport) { t.ServiceCode = 1 }), "is for DCCP only"},
		{with(tcp, func(t *Transport) { t.Opaque = []byte{1} }), "is for Opaque Transport only"},
		{with(tcp, func(t *Transport) { t.Protocol = Opaque }), "has no addresses and port"},
		{transport(TCP, 1, "::1", "::2"), "has 2 addresses, not one"},
		{transport(SCTP, 1), "has no address"},
		{Transport{Protocol: SCTP, Addrs: make([]netip.Addr, 1)}, "address is not set"},
	} {
		_, err := c.transport.AppendBinary(nil)
		require.ErrorContains(t, err, c.want)
	}
}

// RFC 5354, Section 2: "a nested parameter will include the length of the padding between the nested parameters but
// not the last padding."
func TestNestedPadding(t *testing.T) {
	pe := PoolElement{ID: 1, UserTransport: Transport{Protocol: Opaque, Opaque: []byte("a")},
		Policy: Policy{Type: 0xf0000001, Data: "abc"}}
	b, err := pe.AppendBinary(nil)
	require.NoError(t, err)
	require.Equal(t, unhex(t, "000a0023 00000001 00000000 00000000 00100005 61000000 0008000b f0000001 616263"), b)

	for _, s := range []string{
		"000a0023 00000001 00000000 00000000 00100005 61000000 0008000b f0000001 61626300",
		"000a0024 00000001 00000000 00000000 00100005 61000000 0008000b f0000001 61626300", // counted all the same
	} {
		var got PoolElement
		require.NoError(t, one(t, unhex(t, s)).PoolElement(&got))
		require.Equal(t, pe, got)
	}
}

func TestEncapsulationPort(t *testing.T) {
	for port, want := range map[uint16]string{0: "", DefaultEncapPort: "", 9902: "80f90008 26ae0000"} {
		b, err := appendParam(nil, func(e *Encoder) { e.EncapPort(port) })
		require.NoError(t, err)
		require.Equal(t, strings.ReplaceAll(want, " ", ""), hex.EncodeToString(b), "%d", port)
	}
	for s, want := range map[string]uint16{"80f90008 26ae0000": 9902, "80f90008 26ae1234": 9902, "80f90008 26ab0000": 0} {
		got, err := one(t, unhex(t, s)).EncapPort()
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, s := range []string{"80f90008 00000000", "80f90006 26ae0000", "80f9000c 26ae0000 00000000"} {
		_, err := one(t, unhex(t, s)).EncapPort()
		require.Error(t, err)
	}
}

// RFC 5354, Section 3.12.6: "A Pool Member Selection Policy TLV (see Section 3.8) that indicates the overall pool
// policy is included as cause-specific information." Section 3.12.8 says the same of the transport.
func TestCausesAboutThePool(t *testing.T) {
	require.Equal(t, Cause{CauseInconsistentPolicy, unhex(t, "0008000c 00000005 00000009")},
		InconsistentPolicy(Policy{Type: Priority, Priority: 9}))
	require.Equal(t, Cause{CauseInconsistentTransportType, unhex(t, "00060010 00500000 00010008 0a000001")},
		InconsistentTransportType(transport(UDP, 80, "10.0.0.1")))
}

func TestLongQuotationsFitIntoAnErrorMessage(t *testing.T) {
	e := NewEncoder(nil, 0x0a, 0)
	e.Uint32(1)
	e.Uint32(2)
	e.OperationError(OperationError{UnrecognizedMessage(make([]byte, MaxMessage))})
	b, err := e.Finish()
	require.NoError(t, err)
	require.LessOrEqual(t, len(b), MaxMessage)
}

func TestOperationErrorIsAnError(t *testing.T) {
	e := OperationError{{Code: CauseUnknownPoolHandle}, {Code: 0xf008, Info: []byte{1, 2}}, {Code: 0xb}}
	require.EqualError(t, e, "Unknown Pool Handle, No Usable User Addresses (RSPLIB) [01 02], cause 0xb")
	require.True(t, e.Has(CauseUnknownPoolHandle))
	require.False(t, e.Has(CauseLackOfResources))
}

func TestTypeActions(t *testing.T) {
	require.True(t, Type(0x3fff).Stop())
	require.True(t, Type(0x7fff).Stop())
	require.True(t, Type(0x7fff).Report())
	require.False(t, TypeHandleResolutionOption.Stop())
	require.False(t, TypeEncapsulationPort.Stop())
	require.False(t, TypeEncapsulationPort.Report(), "others skip it without a word")
	require.True(t, Type(0xffff).Report())
	for typ := range typeNames {
		require.True(t, typ.Known(), "%v", typ)
	}
	require.Equal(t, "parameter 0xfffe", Type(0xfffe).String())
}
