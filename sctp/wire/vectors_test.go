// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"encoding/hex"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the golden lines in testdata/vectors.txt")

const vectorFile = "testdata/vectors.txt"

type vector struct {
	kind, name string
	bytes      []byte
	dump       string
}

func (v vector) String() string {
	switch v.kind {
	case "packet":
		return Dump(v.bytes)
	case "chunk":
		c, _, err := NextChunk(v.bytes)
		if err != nil {
			return err.Error()
		}
		return c.String()
	default:
		p, _, err := NextParam(v.bytes)
		if err != nil {
			return err.Error()
		}
		return p.String()
	}
}

// readVectors reads the vectors. With -update it rewrites their last lines.
func readVectors(t testing.TB) []vector {
	text, err := os.ReadFile(vectorFile)
	require.NoError(t, err)
	var vs []vector
	var out strings.Builder
	for rec := range strings.SplitSeq(strings.TrimSpace(string(text)), "\n\n") {
		if strings.HasPrefix(rec, "#") {
			out.WriteString(rec + "\n\n")
			continue
		}
		head, body, _ := strings.Cut(rec, "\n")
		digits, dump, ok := strings.Cut(body, "\n=")
		require.True(t, ok, "%s: record without =", head)
		kind, name, _ := strings.Cut(head, " ")
		v := vector{kind: kind, name: name, dump: strings.TrimSpace(dump)}
		v.bytes, err = hex.DecodeString(strings.Join(strings.Fields(digits), ""))
		require.NoError(t, err, head)
		vs = append(vs, v)
		out.WriteString(head + "\n" + digits + "\n= " + v.String() + "\n\n")
	}
	if *update {
		require.NoError(t, os.WriteFile(vectorFile, []byte(strings.TrimSpace(out.String())+"\n"), 0o666))
	}
	return vs
}

// vectorChunks returns the chunks of all vectors, with their padding.
func vectorChunks(t testing.TB) map[string][]byte {
	chunks := map[string][]byte{}
	for _, v := range readVectors(t) {
		switch v.kind {
		case "packet":
			for b := v.bytes[HeaderLen:]; len(b) > 0; {
				c, rest, err := NextChunk(b)
				require.NoError(t, err, v.name)
				chunks["packet "+v.name+": "+c.Type.String()] = b[:len(b)-len(rest)]
				b = rest
			}
		case "chunk":
			chunks["chunk "+v.name] = v.bytes
		}
	}
	return chunks
}

func TestVectorsDump(t *testing.T) {
	for _, v := range readVectors(t) {
		require.Equal(t, v.dump, v.String(), "%s %s", v.kind, v.name)
	}
}

func TestVectorsReencode(t *testing.T) {
	for name, b := range vectorChunks(t) {
		c, rest, err := NextChunk(b)
		require.NoError(t, err, name)
		require.Empty(t, rest, name)
		got, err := reencode(c)
		require.NoError(t, err, name)
		require.Equal(t, hex.EncodeToString(b), hex.EncodeToString(got), name)
	}
	for _, v := range readVectors(t) {
		if v.kind != "param" {
			continue
		}
		p, rest, err := NextParam(v.bytes)
		require.NoError(t, err, v.name)
		require.Empty(t, rest, v.name)
		got, err := reencodeParam(p)
		require.NoError(t, err, v.name)
		require.Equal(t, hex.EncodeToString(v.bytes), hex.EncodeToString(got), v.name)
	}
}

// RFC 9260, Section 6.10: "Partial chunks MUST NOT be placed in an SCTP packet."
func TestEveryTruncationFails(t *testing.T) {
	for name, b := range vectorChunks(t) {
		c, _, err := NextChunk(b)
		require.NoError(t, err, name)
		for i := range c.Raw {
			_, _, err := NextChunk(c.Raw[:i:i])
			require.Error(t, err, "%s: the first %d of %d bytes", name, i, len(c.Raw))
			require.IsType(t, &ParseError{}, err)
		}
	}
	for _, v := range readVectors(t) {
		switch v.kind {
		case "packet":
			for i := range HeaderLen {
				_, err := ParseHeader(v.bytes[:i:i])
				require.Error(t, err, "%s: the first %d bytes", v.name, i)
			}
			for i := range v.bytes {
				require.False(t, ChecksumOK(v.bytes[:i:i]), "%s: the first %d bytes", v.name, i)
				Dump(v.bytes[:i:i])
			}
		case "param":
			p, _, err := NextParam(v.bytes)
			require.NoError(t, err, v.name)
			for i := range p.Raw {
				_, _, err := NextParam(p.Raw[:i:i])
				require.Error(t, err, "%s: the first %d bytes", v.name, i)
			}
		}
	}
}

// A truncated chunk whose length was made to fit must fail too, unless what is
// left is an encoding of its own: then all of it is understood.
func TestEveryTruncationWithFixedLengthFailsOrIsWhole(t *testing.T) {
	for name, b := range vectorChunks(t) {
		whole, _, err := NextChunk(b)
		require.NoError(t, err, name)
		for i := ChunkHeaderLen; i < len(whole.Raw); i++ {
			c, _, err := NextChunk(AppendChunk(nil, whole.Type, whole.Flags, whole.Raw[ChunkHeaderLen:i]))
			require.NoError(t, err)
			got, err := reencode(c)
			if err != nil {
				require.IsType(t, &ParseError{}, err)
				continue
			}
			require.Equal(t, AppendChunk(nil, c.Type, c.Flags, c.Value), got, "%s: the first %d bytes", name, i)
		}
	}
}
