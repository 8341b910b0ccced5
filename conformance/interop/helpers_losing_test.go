// SPDX-License-Identifier: Apache-2.0

package interop

import (
	"context"
	"net/netip"
	"sync/atomic"

	"github.com/rserpool/rserpool/sctp/wire"
	"github.com/rserpool/rserpool/udpencap"
)

// A losing network is the host's, on which packets with user data are lost on request, in both
// directions.
type losing struct {
	udpencap.Network
	lose atomic.Bool
	lost atomic.Int64 // of those that came
}

func newLosing() *losing {
	return &losing{Network: udpencap.HostConfig{DisableGSO: true, DisableGRO: true}.Network()}
}

func (l *losing) Listen(ctx context.Context, laddr netip.AddrPort) (udpencap.Socket, error) {
	s, err := l.Network.Listen(ctx, laddr)
	if err != nil {
		return nil, err
	}
	return &losingSocket{s, l}, nil
}

type losingSocket struct {
	udpencap.Socket
	net *losing
}

func (l *losing) loses(packet []byte) bool {
	if !l.lose.Load() || len(packet) < wire.HeaderLen {
		return false
	}
	for c, err := range wire.Chunks(packet[wire.HeaderLen:]) {
		if err == nil && (c.Type == wire.ChunkData || c.Type == wire.ChunkIData) {
			return true
		}
	}
	return false
}

func (s *losingSocket) ReadBatch(dgs []udpencap.Datagram) (int, error) {
	for {
		n, err := s.Socket.ReadBatch(dgs)
		if err != nil {
			return n, err
		}
		kept := 0
		for i := range n {
			if s.net.loses(dgs[i].Data) {
				s.net.lost.Add(1)
				continue
			}
			dgs[kept], dgs[i] = dgs[i], dgs[kept]
			kept++
		}
		if kept > 0 {
			return kept, nil
		}
	}
}

func (s *losingSocket) WriteBatch(dgs []udpencap.Datagram) (int, error) {
	for i := range dgs {
		if s.net.loses(dgs[i].Data) {
			continue
		}
		if _, err := s.Socket.WriteBatch(dgs[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(dgs), nil
}
