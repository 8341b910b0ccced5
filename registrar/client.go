// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/registrar/engine"
	"github.com/rserpool/rserpool/sctp"
)

// A client is the shell's side of an association: a queue of messages to it. Whoever finds messages in it and nobody
// sending sends them.
type client struct {
	server *Server
	id     uint64
	conn   *sctp.Conn

	mu      sync.Mutex
	data    []byte // the messages, one behind the other
	ends    []int  // of each
	sending bool
	gone    bool
}

// firstBuffer is the memory for what a client sends; it grows for those who need more.
const firstBuffer = 1 << 10

// serve reads from an association until it ends.
func (s *Server) serve(conn *sctp.Conn) {
	c := s.join(conn)
	if c == nil {
		conn.Abort("too many associations")
		return
	}
	defer s.leave(c)
	buf := make([]byte, firstBuffer)
	for {
		m, err := conn.RecvBuf(context.Background(), buf)
		if short, ok := errors.AsType[*sctp.ShortBufferError](err); ok {
			if short.Size > maxMessage {
				conn.Abort(fmt.Sprintf("message of %d bytes is longer than ASAP allows", short.Size))
				return
			}
			buf = make([]byte, max(short.Size, 2*len(buf)))
			continue
		}
		if err != nil {
			return
		}
		// RFC 5352, Section 5: "The PPID registered for ASAP SHOULD be used."
		if m.PPID != asap.PPID {
			s.otherPPIDs.Add(1)
			continue
		}
		s.handle(c, m.Data)
	}
}

// join introduces an association to the engine, unless there are too many.
func (s *Server) join(conn *sctp.Conn) *client {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	c := &client{server: s, id: s.last, conn: conn}
	if !s.eng.HandleAssocUp(s.now(), c.id, engine.ProtocolASAP, peerOf(conn)) {
		return nil
	}
	s.clients[c.id] = c
	return c
}

// leave tells the engine that an association has ended. Nothing of it stays behind.
func (s *Server) leave(c *client) {
	s.mu.Lock()
	s.eng.HandleAssocLost(s.now(), c.id)
	delete(s.clients, c.id)
	send, _ := s.drain(nil)
	s.mu.Unlock()
	s.sendAll(send)
	c.drop()
	c.conn.Close() // the peer has begun its end or seen it; if not, it was given up here
}

// peerOf returns what the engine wants to know of a peer.
func peerOf(conn *sctp.Conn) engine.Peer {
	a := conn.RemoteAddr()
	return engine.Peer{Addrs: a.IPs, Port: a.Port, EncapPort: a.EncapPort}
}

// handle lets the engine work on a message, and sends the answer.
func (s *Server) handle(c *client, b []byte) {
	needsPeer := engine.NeedsPeer(b)
	var peer engine.Peer
	if needsPeer {
		peer = peerOf(c.conn)
	}
	s.mu.Lock()
	if needsPeer {
		s.eng.HandlePeer(c.id, peer)
	}
	s.eng.HandleASAP(s.now(), c.id, b)
	send, own := s.drain(c)
	s.mu.Unlock()
	s.sendAll(send)
	if own {
		c.send() // here, so that who does not read is not read either
	}
}

// push queues a message. If there is no room left it reports false.
func (c *client) push(b []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		return true
	}
	if len(c.data)+len(b) > maxQueue {
		return false
	}
	c.data = append(c.data, b...)
	c.ends = append(c.ends, len(c.data))
	return true
}

// drop forgets the queue; nothing more gets into it.
func (c *client) drop() {
	c.mu.Lock()
	c.gone, c.data, c.ends = true, nil, nil
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
	var data []byte
	var ends []int
	for len(c.ends) > 0 {
		c.data, data = data[:0], c.data
		c.ends, ends = ends[:0], c.ends
		c.mu.Unlock()
		c.sendBatch(data, ends)
		c.mu.Lock()
	}
	c.sending = false
	c.mu.Unlock()
}

func (c *client) sendBatch(data []byte, ends []int) {
	ctx, cancel := context.WithTimeout(context.Background(), c.server.cfg.SendTimeout)
	defer cancel()
	from := 0
	for _, to := range ends {
		err := c.conn.Send(ctx, sctp.Message{PPID: asap.PPID, Data: data[from:to]})
		from = to
		if err == nil {
			continue
		}
		if errors.Is(err, context.DeadlineExceeded) {
			c.tooSlow()
		}
		c.drop() // the reader will hear of it
		return
	}
}

// tooSlow ends an association whose client does not read.
func (c *client) tooSlow() {
	c.server.slow.Add(1)
	c.server.log.Warn("association aborted: the client does not read", "peer", c.conn.RemoteAddr().String())
	c.conn.Abort("does not read")
}
