// SPDX-License-Identifier: Apache-2.0

package asap

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
		if handle, items, ok := PeekHandleResolution(b); ok {
			r, _ := m.(*HandleResolution)
			if r == nil || string(handle) != string(r.PoolHandle) || items != r.Items || len(reports) > 0 {
				t.Fatalf("peeked %q for %d, parsed %#v, %v, %v", handle, items, m, reports, err)
			}
		}
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
		if r, ok := m.(*HandleResolutionResponse); ok && len(r.Errors) == 0 &&
			(len(r.PoolElements) == 0 || len(r.PoolElements) > param.MaxPoolElements) {
			return // accepted, but never sent
		}
		again, err := m.AppendBinary(nil)
		if err != nil {
			if len(b) > param.MaxMessage-64 {
				return // padding that b did not count, or the Policy that it left out, makes it too long
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
