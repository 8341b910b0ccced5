// SPDX-License-Identifier: Apache-2.0

package dtlsnet_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/pion/dtls/v3"
	"github.com/pion/logging"
	pion "github.com/pion/sctp"
	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/sctp/dtlsnet"
	"github.com/stretchr/testify/require"
)

// pionPort is the only SCTP port Pion uses, on both sides.
const pionPort = 5000

type pionResult struct {
	a   *pion.Association
	err error
}

func pionStart(c *dtls.Conn, zero, dials bool) <-chan pionResult {
	done := make(chan pionResult, 1)
	go func() {
		var r pionResult
		log := pion.WithLoggerFactory(logging.NewDefaultLoggerFactory())
		if dials {
			r.a, r.err = pion.ClientWithOptions(pion.WithNetConn(c), pion.WithEnableZeroChecksum(zero), log)
		} else {
			r.a, r.err = pion.ServerWithOptions(pion.WithNetConn(c), pion.WithEnableZeroChecksum(zero), log)
		}
		done <- r
	}()
	return done
}

// The stack of WebRTC in Go, in both roles, with and without the CRC32c on
// either side. Pion leaves it out wherever we accept that.
func TestPion(t *testing.T) {
	for _, dials := range []bool{false, true} {
		for _, theirs := range []bool{false, true} {
			for _, ours := range []bool{false, true} {
				name := fmt.Sprintf("pion dials %v, zero checksum: pion %v, we %v", dials, theirs, ours)
				t.Run(name, func(t *testing.T) { testPion(t, dials, theirs, ours) })
			}
		}
	}
}

func testPion(t *testing.T, dials, theirZero, ourZero bool) {
	client, server, _ := gcm.pair(t)
	s := stack(t, client, &sctp.Config{NoZeroChecksum: !ourZero})
	var ours *sctp.Conn
	var theirs pionResult
	if dials {
		l, err := s.Listen(pionPort)
		require.NoError(t, err)
		done := pionStart(server, theirZero, dials)
		ours, err = l.Accept(within(t))
		require.NoError(t, err)
		theirs = <-done
	} else {
		done := pionStart(server, theirZero, dials)
		var err error
		ours, err = s.DialFrom(within(t), pionPort, dtlsnet.Peer(pionPort))
		require.NoError(t, err)
		theirs = <-done
	}
	require.NoError(t, theirs.err)
	echo(t, ours, theirs.a)
	require.Equal(t, theirZero && ourZero, ours.Stats().ZeroChecksumsSent > 0)
	require.Equal(t, ourZero, s.Stats().ZeroChecksums > 0)
	require.Zero(t, s.Stats().BadChecksum)
	require.NoError(t, s.Close())
}

// echo sends messages to Pion and back.
func echo(t *testing.T, ours *sctp.Conn, theirs *pion.Association) {
	st, err := theirs.OpenStream(3, pion.PayloadTypeWebRTCBinary)
	require.NoError(t, err)
	buf := make([]byte, 1<<17)
	for _, size := range []int{1, 1100, 60000} {
		m := sctp.Message{Stream: 3, PPID: 53, Data: bytes.Repeat([]byte{7}, size)}
		require.NoError(t, ours.Send(within(t), m))
		n, err := st.Read(buf)
		require.NoError(t, err)
		_, err = st.WriteSCTP(buf[:n], pion.PayloadTypeWebRTCBinary)
		require.NoError(t, err)
		got, err := ours.Recv(within(t))
		require.NoError(t, err)
		require.Equal(t, m.Data, got.Data)
		require.Equal(t, m.PPID, got.PPID)
	}
}
