// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// RFC 9653, Section 4: type 0x8001, length 8, the identifier.
func TestZeroChecksumAcceptable(t *testing.T) {
	b := AppendZeroChecksumAcceptable([]byte{9}, ErrorDetectionDTLS)
	require.Equal(t, []byte{9, 0x80, 0x01, 0, 8, 0, 0, 0, 1}, b)
	p, rest, err := NextParam(b[1:])
	require.NoError(t, err)
	require.Empty(t, rest)
	m, err := p.ZeroChecksumAcceptable()
	require.NoError(t, err)
	require.Equal(t, ErrorDetectionDTLS, m)
	require.Equal(t, UnknownAction{}, p.Type.UnknownAction(), "skipped, not reported, by those who do not know it")

	for _, bad := range [][]byte{{0x80, 0x01, 0, 4}, {0x80, 0x01, 0, 7, 0, 0, 1, 0}, {0x80, 0x01, 0, 12, 0, 0, 0, 1, 0, 0, 0, 1}} {
		p, _, err := NextParam(bad)
		require.NoError(t, err)
		_, err = p.ZeroChecksumAcceptable()
		require.Error(t, err)
	}
	_, err = Param{Type: ParamPadding, Value: make([]byte, 4)}.ZeroChecksumAcceptable()
	require.Error(t, err)
}

func TestChecksumZero(t *testing.T) {
	p := make([]byte, HeaderLen+4)
	require.True(t, ChecksumZero(p))
	require.False(t, ChecksumZero(p[:HeaderLen-1]))
	for i := 8; i < HeaderLen; i++ {
		p[i] = 1
		require.False(t, ChecksumZero(p))
		p[i] = 0
	}
}
