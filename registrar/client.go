// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rserpool/rserpool/registrar/engine"
	"github.com/rserpool/rserpool/sctp"
)

// A client is the shell's side of an association, with a client or with another registrar, or of a TCP connection: a queue
// of messages to it. Whoever finds messages in it and nobody sending sends them.
type client struct {
	server *Server
	id     uint64
	proto  engine.Protocol
	via    channel

	// listed: it is in a batch, whose end has its messages sent.
	listed atomic.Bool

	mu sync.Mutex
	queue
	spare   queue // memory for the next messages
	sending bool
	gone    bool
}

// A queue has messages, one behind the other, and the end of each.
type queue struct {
	data []byte
	ends []int
}

// maxSpare is how much memory a client keeps for its next messages.
const maxSpare = 16 << 10

// A batch is what has come over an association at once, as far as it matters for the messages that follow it.
type batch struct {
	size   int       // messages, from the first one that has led to something
	own    bool      // there are answers in the queue of the association
	logs   bool      // there is something to be logged
	others []*client // who else is to be told something
	// peer is what is known of the other end, if one of the messages was about that.
	peer *engine.Peer
}

func (b *batch) empty() bool { return !b.own && !b.logs && len(b.others) == 0 && b.peer == nil }

// end sends what the batch has led to. It may wait for its own client, so that who does not read is not read either.
func (b *batch) end(s *Server, c *client) {
	s.sendAll(b.others)
	if b.own {
		c.send()
	}
	s.logEvents()
	clear(b.others)
	*b = batch{others: b.others[:0]}
}

// maxUnsent is how many messages are handled before the first of them is answered.
const maxUnsent = 64

// firstBuffer is the memory for what a client sends; it grows for those who need more.
const firstBuffer = 1 << 10

// serve reads from an association until it ends. It may be one that the engine has wanted.
func (s *Server) serve(conn *sctp.Conn, proto engine.Protocol, connect uint64) {
	c := s.join(&association{Conn: conn, ppid: sctp.PPID(proto.PPID())}, proto, connect)
	if c == nil {
		conn.Abort("not wanted")
		return
	}
	s.leave(c, s.receive(c, conn))
}

// receive hands what comes over an association to the engine. It returns what has ended that. What has arrived together
// is answered together: the answers share packets.
func (s *Server) receive(c *client, conn *sctp.Conn) error {
	buf := make([]byte, firstBuffer)
	var in batch
	defer func() { in.end(s, c) }()
	for {
		ctx := context.Background()
		if !in.empty() {
			ctx = atOnce
		}
		m, err := conn.RecvBuf(ctx, buf)
		if short, ok := errors.AsType[*sctp.ShortBufferError](err); ok {
			if short.Size > maxMessage {
				conn.Abort(fmt.Sprintf("message of %d bytes is longer than %v allows", short.Size, c.proto))
				return err
			}
			buf = make([]byte, max(short.Size, 2*len(buf)))
			continue
		}
		if err != nil || in.size == maxUnsent {
			in.end(s, c)
		}
		switch {
		case errors.Is(err, context.Canceled):
			continue
		case err != nil:
			return err
		case uint32(m.PPID) != c.proto.PPID():
			// RFC 5352, Section 5: "The PPID registered for ASAP SHOULD be used."
			s.otherPPIDs.Add(1)
		default:
			s.handle(c, m.Data, &in)
		}
	}
}

// atOnce is the context of who does not wait.
var atOnce = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// join introduces an association to the engine, unless that does not want it: there are too many.
func (s *Server) join(via channel, proto engine.Protocol, connect uint64) *client {
	wanted := false
	c := &client{server: s, proto: proto, via: via}
	peer := via.peer()
	s.do(func(now time.Time) {
		if s.stopping {
			return // too late
		}
		s.last++
		c.id = s.last
		s.clients[c.id] = c
		if connect != 0 {
			wanted = s.eng.HandleConnected(now, connect, c.id, peer)
		} else {
			wanted = s.eng.HandleAssocUp(now, c.id, proto, peer)
		}
		if !wanted {
			delete(s.clients, c.id)
		}
	})
	if !wanted {
		return nil
	}
	return c
}

// leave tells the engine that an association has ended. Nothing of it stays behind.
func (s *Server) leave(c *client, end error) {
	how := engine.LossEnded
	if _, silent := errors.AsType[*sctp.LostError](end); silent {
		how = engine.LossSilent
	}
	s.do(func(now time.Time) {
		delete(s.clients, c.id)
		if !s.stopping {
			s.eng.HandleAssocLost(now, c.id, how)
		}
	})
	c.drop()
	c.via.Close() // the peer has begun its end or seen it; if not, it was given up here
}

// peerOf returns what the engine wants to know of a peer.
func peerOf(conn *sctp.Conn) engine.Peer {
	a := conn.RemoteAddr()
	p := engine.Peer{Addrs: a.IPs, Port: a.Port, EncapPort: a.EncapPort}
	for _, path := range conn.Paths() {
		if path.Primary {
			p.RTT = path.SRTT
		}
	}
	return p
}

// handle lets the engine work on a message of a batch.
func (s *Server) handle(c *client, m []byte, in *batch) {
	needsPeer := engine.NeedsPeer(m)
	if needsPeer && in.peer == nil {
		p := c.via.peer()
		in.peer = &p
	}
	s.mu.Lock()
	if needsPeer {
		s.eng.HandlePeer(c.id, *in.peer)
	}
	if c.proto == engine.ProtocolENRP {
		s.eng.HandleENRP(s.now(), c.id, m)
	} else {
		s.eng.HandleASAP(s.now(), c.id, m)
	}
	var own bool
	in.others, own = s.drain(c, in.others)
	in.logs = in.logs || len(s.unlogged) > 0
	s.mu.Unlock()
	in.own = in.own || own
	if !in.empty() {
		in.size++
	}
}

// push queues a message. If there is no room left it reports false.
func (c *client) push(b []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		return true
	}
	if len(c.data)+len(b) > c.maxQueue() {
		return false
	}
	c.data = append(c.data, b...)
	c.ends = append(c.ends, len(c.data))
	return true
}

func (c *client) maxQueue() int {
	if c.proto == engine.ProtocolENRP {
		return maxPeerQueue
	}
	return maxQueue
}

// drop forgets the queue; nothing more gets into it.
func (c *client) drop() {
	c.mu.Lock()
	c.gone, c.queue, c.spare = true, queue{}, queue{}
	c.mu.Unlock()
}

// send sends what is in the queue, unless someone is at it.
func (c *client) send() {
	c.mu.Lock()
	if c.sending {
		c.mu.Unlock()
		return
	}
	c.sending = true
	for len(c.ends) > 0 {
		now := c.queue
		c.queue = queue{c.spare.data[:0], c.spare.ends[:0]}
		c.mu.Unlock()
		c.sendBatch(now.data, now.ends)
		c.mu.Lock()
		if c.spare = (queue{}); cap(now.data) <= maxSpare && !c.gone {
			c.spare = now
		}
	}
	c.sending = false
	c.mu.Unlock()
}

func (c *client) sendBatch(data []byte, ends []int) {
	ctx, cancel := context.WithTimeout(context.Background(), c.server.live.Load().SendTimeout)
	defer cancel()
	err := c.via.sendBatch(ctx, data, ends)
	if err == nil {
		return
	}
	if errors.Is(err, context.DeadlineExceeded) {
		c.tooSlow()
	}
	c.drop() // the reader will hear of it
}

// tooSlow ends an association whose client does not read.
func (c *client) tooSlow() {
	c.server.slow.Add(1)
	c.server.log.Warn("association aborted: the client does not read", "peer", c.via.remote())
	c.via.Abort("does not read")
}
