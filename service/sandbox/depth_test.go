// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"archive/tar"
	"bytes"
	"strings"
	"testing"
)

// TestUnpackCountsParents: the directories above a name count, whether they have an entry of their own or not.
func TestUnpackCountsParents(t *testing.T) {
	for _, tc := range []struct {
		name  string
		depth int
		ok    bool
	}{{"at the bound", 9, true}, {"one more", 10, false}, {"far too many", 1500, false}, {"a long name", 3000, false}} {
		for _, typ := range []byte{tar.TypeReg, tar.TypeDir} {
			var b bytes.Buffer
			w := tar.NewWriter(&b)
			// With the entry itself, it makes depth+1.
			if err := w.WriteHeader(&tar.Header{Typeflag: typ, Name: strings.Repeat("d/", tc.depth) + "x", Mode: 0o700}); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			s, err := New(Config{Dir: t.TempDir(), MaxFiles: 10})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Unpack(&b); (err == nil) != tc.ok {
				t.Errorf("%s, type %q: error %v", tc.name, typ, err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}
