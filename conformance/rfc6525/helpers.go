// SPDX-License-Identifier: Apache-2.0

package rfc6525

import (
	"strconv"
	"time"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/tester"
	"github.com/rserpool/rserpool/sctp/wire"
)

// settle is when an exchange is over.
const settle = 250 * time.Millisecond

// reconfiguring is what T says to have RE-CONFIG negotiated.
var reconfiguring = tester.Setup{Extensions: []wire.ChunkType{wire.ChunkReconfig}}

// A conn is an association with RE-CONFIG.
type conn struct {
	*tester.Assoc
	// seq is the next Request Sequence Number of T.
	seq wire.Seq
	// last is what T has of S's requests: the one before S's first.
	last wire.Seq
}

func reconfigurable(t *conformance.T, a *tester.Assoc) *conn {
	t.NeedExtension(a, wire.ChunkReconfig)
	return &conn{Assoc: a, seq: wire.Seq(a.NextTSN), last: wire.Seq(a.Peer.InitialTSN) - 1}
}

func dial(t *conformance.T) *conn { return reconfigurable(t, t.Dial(reconfiguring)) }

func establish(t *conformance.T) *conn { return reconfigurable(t, t.Establish(reconfiguring)) }

// reconfig sends a RE-CONFIG chunk with one or two parameters.
func (c *conn) reconfig(params ...[]byte) {
	var r wire.Reconfig
	for _, p := range params {
		r.Params = append(r.Params, p...)
	}
	c.Send(r.Append(nil))
}

// outgoing is an Outgoing SSN Reset Request, with the next sequence number.
func (c *conn) outgoing(streams ...uint16) []byte {
	r := wire.StreamReset{RequestSeq: c.next(), ResponseSeq: c.last, LastTSN: c.NextTSN - 1, Streams: streams}
	return r.Append(nil)
}

// next takes a sequence number.
func (c *conn) next() wire.Seq {
	c.seq++
	return c.seq - 1
}

// answer sends a response.
func (c *conn) answer(seq wire.Seq, result wire.ReconfigResult) {
	r := wire.ReconfigResponse{ResponseSeq: seq, Result: result}
	c.reconfig(r.Append(nil))
}

// A response is one that S has sent.
type response struct {
	wire.ReconfigResponse
	param wire.Param
	chunk *tester.Chunk
}

// params are those of a RE-CONFIG chunk.
func params(c *tester.Chunk) (all []wire.Param) {
	for b := c.Value; len(b) > 0; {
		p, rest, err := wire.NextParam(b)
		if err != nil {
			break
		}
		all = append(all, p)
		b = rest
	}
	return all
}

// find is the first parameter of a type in a RE-CONFIG chunk, or nil.
func find(c *tester.Chunk, typ wire.ParamType) *wire.Param {
	for _, p := range params(c) {
		if p.Type == typ {
			return &p
		}
	}
	return nil
}

// with matches a RE-CONFIG chunk that has a parameter of a type.
func with(typ wire.ParamType) tester.Match {
	return tester.Is(wire.ChunkReconfig).Where("with "+typ.String(), func(c *tester.Chunk) bool { return find(c, typ) != nil })
}

// expectResponse waits for the response to a request of T.
func (c *conn) expectResponse(seq wire.Seq) (r response) {
	c.Expect(tester.Is(wire.ChunkReconfig).Where("with the response to request "+strconv.FormatUint(uint64(seq), 10), func(k *tester.Chunk) bool {
		p := find(k, wire.ParamReconfigResponse)
		if p == nil {
			return false
		}
		resp, err := p.ReconfigResponse()
		r = response{resp, *p, k}
		return err == nil && resp.ResponseSeq == seq
	}))
	return r
}

// ask sends the request that has the last sequence number and waits for the response.
func (c *conn) ask(params ...[]byte) response {
	c.reconfig(params...)
	return c.expectResponse(c.seq - 1)
}

// perform has S reset T's outgoing streams.
func (c *conn) perform(t *conformance.T, streams ...uint16) {
	r := c.ask(c.outgoing(streams...))
	t.Check(r.Result == wire.ReconfigPerformed, "result 1 (Success - Performed)", "%v", r.Result)
	for i := range uint16(16) {
		if len(streams) == 0 {
			c.SetSSN(i, 0)
		}
	}
	for _, s := range streams {
		c.SetSSN(s, 0)
	}
}

// again sends messages on streams and waits for the echo of each.
func (c *conn) again(streams ...uint16) {
	for _, s := range streams {
		text := []byte("echo on stream " + strconv.Itoa(int(s)))
		c.SendData(s, text)
		c.ExpectEcho(text)
	}
}

// rest waits until nothing is under way.
func (c *conn) rest(t *conformance.T) {
	t.Sleep(settle)
	c.Drain()
}

// expectReset waits for S's Outgoing SSN Reset Request.
func (c *conn) expectReset(t *conformance.T) (r wire.StreamReset, k *tester.Chunk) {
	k = c.Expect(with(wire.ParamOutgoingReset))
	if err := find(k, wire.ParamOutgoingReset).StreamReset(&r); err != nil {
		t.Fail("a well-formed Outgoing SSN Reset Request", "%v", err)
	}
	return r, k
}

// sends has S send messages on a stream.
func sends(t *conformance.T, c *conn, stream, count int) {
	t.Act(c.Assoc, "send", "stream", strconv.Itoa(stream), "count", strconv.Itoa(count), "size", "20")
}

// resets has S ask for a reset of its outgoing streams.
func resets(t *conformance.T, c *conn, streams string) {
	t.Act(c.Assoc, "reset", "streams", streams, "dir", "out")
}
