// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"errors"
	"log/slog"
	"net"
	"slices"
	"time"

	"github.com/rserpool/rserpool/udpencap"
)

// announceSize is the longest announcement read: an Ethernet frame has no more.
const announceSize = 1500

// listenAnnounces joins the groups in which registrars announce themselves. It fails only if that was asked for: the
// absence of multicast is normal on many hosts.
func (c *Client) listenAnnounces() error {
	var sockets []udpencap.Socket
	for _, g := range c.cfg.groups {
		s, err := c.cfg.Network.ListenMulticast(c.ctx, g, c.localAddrs())
		if err != nil {
			if c.cfg.mustJoin {
				return err
			}
			c.log.Log(c.ctx, slog.LevelDebug, "no announcements from this group", "group", g.String(), "error", err)
			continue
		}
		sockets = append(sockets, s)
	}
	for _, s := range sockets {
		c.work.Go(func() {
			<-c.ctx.Done()
			s.Close()
		})
		c.work.Go(func() { c.readAnnounces(s) })
	}
	return nil
}

// announceErrors is how many errors in a row end the reading of a socket: it is broken then.
const announceErrors = 100

func (c *Client) readAnnounces(s udpencap.Socket) {
	dgs := make([]udpencap.Datagram, 1)
	buf := make([]byte, announceSize)
	for failed := 0; failed < announceErrors; {
		dgs[0].Data = buf[:cap(buf)]
		n, err := s.ReadBatch(dgs)
		if err != nil {
			if c.ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return
			}
			failed++
			continue
		}
		failed = 0
		if n == 1 {
			size := dgs[0].SegmentSize
			if size == 0 {
				size = max(1, len(dgs[0].Data))
			}
			for one := range slices.Chunk(dgs[0].Data, size) {
				c.do(func(now time.Time) { c.agent.HandleAnnounce(now, dgs[0].Src, one) })
			}
		}
	}
	c.log.Warn("announcements are not received any more", "group", s.LocalAddr().String())
}
