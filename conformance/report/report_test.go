// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
)

// example is a report with a result of each kind, as it comes back from JSON.
func example(t *testing.T, name string) *conformance.Report {
	r := conformance.Report{Name: name, Role: conformance.Endpoint, Time: time.Unix(1_700_000_000, 0), Results: []conformance.Result{
		{ID: "9260/5.1/1", Verdict: conformance.Pass, Took: 20 * time.Millisecond},
		{ID: "9260/5.1/2", Verdict: conformance.Fail, Expected: "a cookie", Seen: "<none> & nothing", Transcript: "0.0 T > S\n0.1 S > T\n"},
		{ID: "9260/9.2/12", Verdict: conformance.Skipped, Why: "no control"},
		{ID: "5352/3.1/1", Verdict: conformance.Inconclusive, Why: "not reached\nat all"},
		{ID: "9260/99/1", Verdict: conformance.Fail},
	}}
	var b bytes.Buffer
	require.NoError(t, r.WriteJSON(&b))
	back, err := conformance.ReadJSON(&b)
	require.NoError(t, err)
	require.Len(t, back.Results, 4, "what is no requirement any more is left out")
	return back
}

func TestTAP(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, TAP(&b, example(t, "S")))
	lines := strings.Split(b.String(), "\n")
	require.Equal(t, "TAP version 13", lines[0])
	require.Equal(t, "1..4", lines[1])
	require.Regexp(t, `^ok 1 - 9260/5.1/1 MUST `, lines[2])
	require.Regexp(t, `^not ok 2 - 9260/5.1/2 MUST [^#]*$`, lines[3])
	require.Contains(t, b.String(), "\n    0.1 S > T\n  ...\nok 3 - 9260/9.2/12 ")
	require.Regexp(t, `\nok 3 .* # SKIP no control\nnot ok 4 .* # TODO inconclusive: not reached\n$`, b.String())
}

func TestJUnit(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, JUnit(&b, example(t, "S")))
	var got junitSuites
	require.NoError(t, xml.Unmarshal(b.Bytes(), &got))
	require.Len(t, got.Suites, 3)
	require.Equal(t, "RFC 9260 Section 5.1", got.Suites[0].Name)
	require.Equal(t, 2, got.Suites[0].Tests)
	require.Equal(t, 1, got.Suites[0].Failures)
	require.Contains(t, got.Suites[0].Cases[1].Failure.Message, "<none> & nothing")
	require.Contains(t, got.Suites[0].Cases[1].Failure.Text, "S > T")
	require.Equal(t, 1, got.Suites[1].Skipped)
	require.Equal(t, 1, got.Suites[2].Errors)
}

func TestHTML(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, HTML(&b, example(t, "one"), example(t, "<other>")))
	s := b.String()
	require.Contains(t, s, "&lt;other&gt;")
	require.NotContains(t, s, "<other>")
	require.Contains(t, s, "&lt;none&gt; &amp; nothing")
	require.Equal(t, 2, strings.Count(s, "0.1 S &gt; T"))
	require.NotContains(t, s, "src=", "nothing is fetched")
}

// No failures are nothing to be red.
func TestHTMLWithoutFailures(t *testing.T) {
	r := example(t, "one")
	r.Results = slices.DeleteFunc(r.Results, func(r conformance.Result) bool { return r.Verdict != conformance.Pass })
	require.NotEmpty(t, r.Results)
	var b bytes.Buffer
	require.NoError(t, HTML(&b, r))
	require.Contains(t, b.String(), `<td class="pass">`)
	require.NotContains(t, b.String(), `<td class="fail">`)
	require.NotContains(t, b.String(), `<td class="inconclusive">`)
}

func TestPcapng(t *testing.T) {
	res := conformance.Result{Case: &conformance.Case{ID: "9260/5.1/1", Requirement: &conformance.Requirement{}}, Verdict: conformance.Fail}
	a, z := netip.MustParseAddrPort("10.0.0.1:1000"), netip.MustParseAddrPort("10.0.0.2:9899")
	six, seven := netip.MustParseAddrPort("[2001:db8::1]:1000"), netip.MustParseAddrPort("[2001:db8::2]:9899")
	res.Packets = []*tester.Packet{
		{Time: time.Unix(1, 5), Src: a, Dst: z, Data: []byte("odd")},
		{Time: time.Unix(2, 0), Src: seven, Dst: six, Data: []byte("even")},
	}
	var b bytes.Buffer
	require.NoError(t, Pcapng(&b, &res))
	var kinds []uint32
	for p := b.Bytes(); len(p) > 0; {
		n := binary.LittleEndian.Uint32(p[4:])
		require.Zero(t, n%4)
		require.Equal(t, n, binary.LittleEndian.Uint32(p[n-4:]))
		kinds = append(kinds, binary.LittleEndian.Uint32(p))
		if kinds[len(kinds)-1] == blockPacket {
			at := uint64(binary.LittleEndian.Uint32(p[12:]))<<32 | uint64(binary.LittleEndian.Uint32(p[16:]))
			size := binary.LittleEndian.Uint32(p[20:])
			packet := p[28 : 28+size]
			switch packet[0] >> 4 {
			case 4:
				require.EqualValues(t, 1_000_000_005, at)
				require.Zero(t, checksum(packet[:20]), "the IP header")
				require.Equal(t, "odd", string(packet[28:]))
			case 6:
				require.Equal(t, "even", string(packet[48:]))
			}
		}
		p = p[n:]
	}
	require.Equal(t, []uint32{blockSection, blockInterface, blockPacket, blockPacket}, kinds)
}
