// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"slices"
	"time"

	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/sctp"
)

// settleTime bounds the wait for registrars to know new addresses of the stack by ADD-IP (RFC 5061), before elements are
// registered with them: registrars reject addresses that the association does not have.
const settleTime = 5 * time.Second

// followAddrs registers elements anew when the addresses of the stack change, unless they were registered with addresses
// of their own.
func (c *Client) followAddrs() {
	addrs := c.stack.Addrs()
	for {
		changed := c.stack.AddrsChanged()
		if now := c.stack.Addrs(); !slices.Equal(now, addrs) {
			c.waitForLinks()
			addrs = now
			if len(addrs) > 0 {
				c.registerAnew()
			}
			continue
		}
		select {
		case <-changed:
		case <-c.ctx.Done():
			return
		}
	}
}

// waitForLinks waits until the registrars know our addresses.
func (c *Client) waitForLinks() {
	var conns []*sctp.Conn
	c.do(func(time.Time) {
		for _, l := range c.links {
			if a, ok := l.conn.(association); ok {
				conns = append(conns, a.Conn)
			}
		}
	})
	ctx, cancel := context.WithTimeout(c.ctx, settleTime)
	defer cancel()
	for _, conn := range conns {
		if conn.WaitAddrs(ctx) != nil {
			return
		}
	}
}

// registerAnew tells registrars the addresses there are now.
func (c *Client) registerAnew() {
	addrs := c.stack.Addrs()
	addrs = addrs[:min(len(addrs), param.MaxAddrs)]
	c.do(func(now time.Time) {
		for key, r := range c.elements {
			if r.own {
				// An error means that it is about to be deregistered.
				_ = c.agent.UpdateAddrs(now, key, addrs)
			}
		}
	})
}
