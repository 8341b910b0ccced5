// SPDX-License-Identifier: Apache-2.0

package enrp

import (
	"reflect"
	"testing"

	"github.com/rserpool/rserpool/asap/param"
)

// FuzzParse wants: no panic; either a message or an error; reports that can be sent; what is parsed can be sent
// and comes back the same.
func FuzzParse(f *testing.F) {
	for _, v := range vectors() {
		f.Add(unhex(f, v.hex))
	}
	for _, b := range captured(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, reports, err := Parse(b)
		if (m == nil) == (err == nil) {
			t.Fatalf("message %v with error %v", m, err)
		}
		if len(reports) > 0 {
			if _, err := (&Error{Errors: reports}).AppendBinary(nil); err != nil {
				t.Fatalf("reports cannot be sent: %v", err)
			}
		}
		if err != nil {
			return
		}
		complete(m)
		again, err := m.AppendBinary(nil)
		if err != nil {
			if len(b) > param.MaxMessage/2 {
				return // what complete added makes it too long
			}
			t.Fatalf("%#v cannot be encoded: %v", m, err)
		}
		m2, reports, err := Parse(again)
		if err != nil || len(reports) > 0 {
			t.Fatalf("%#v comes back with %v, %v", m, reports, err)
		}
		if !reflect.DeepEqual(m, m2) {
			t.Fatalf("%#v\ncomes back as\n%#v", m, m2)
		}
	})
}

// complete gives every pool element what may be absent in a received message, but not in a sent one.
func complete(m Message) {
	fill := func(pe *param.PoolElement) {
		if pe.HomeID == 0 {
			pe.HomeID = 1
		}
		if pe.ASAPTransport == nil {
			pe.ASAPTransport = new(sctp(1, 0, "::1"))
		}
	}
	switch m := m.(type) {
	case *HandleUpdate:
		fill(&m.PoolElement)
	case *HandleTableResponse:
		for i := range m.Pools {
			for j := range m.Pools[i].PoolElements {
				fill(&m.Pools[i].PoolElements[j])
			}
		}
	}
}
