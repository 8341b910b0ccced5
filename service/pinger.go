// SPDX-License-Identifier: Apache-2.0

package service

import (
	"context"
	"fmt"
	"time"

	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/service/pingpong"
)

// A Pinger is the user's side of pingpong. It must be used by one goroutine at a time.
type Pinger struct {
	// Timeout is how long an element may take to answer before another one is asked. Default: DefaultTimeout, 5 s.
	Timeout time.Duration

	u    user
	last uint64 // MessageNo that was answered last
}

// NewPinger returns a Pinger for a session with a pool of pingpong elements, which must not be used besides.
func NewPinger(sess *pool.Session) *Pinger { return &Pinger{u: user{sess: sess}} }

// A Pong is an answer that a Pinger has received.
type Pong struct {
	// MessageNo is the number of the Ping, from 1 on; those of a Pinger follow each other.
	MessageNo uint64
	// ReplyNo is the number that the element gave its answer. Those of different elements follow each other, as long as
	// they have been given the cookies of the ones before.
	ReplyNo uint64
	// Element is who has answered.
	Element pool.Element
	// RTT is the time it took, from the Ping that this element was sent.
	RTT time.Duration
}

// Ping sends the next Ping and waits for its Pong. If the element fails, or answers with something else, Ping returns a
// *pool.FailoverError once another one serves the session, which was given the cookie of the first; the next call asks it
// with the same number.
//
// Errors: *pool.FailoverError, which does not end the session; ErrElements; those of pool.Session.Recv and Send.
func (p *Pinger) Ping(ctx context.Context) (Pong, error) {
	start := time.Now()
	no := p.last + 1
	ping := pingpong.Ping{MessageNo: no, Data: fmt.Appendf(nil, "Message: %d, Timestamp: %d", no, start.UnixMicro())}
	b, err := ping.AppendBinary(nil)
	if err != nil {
		return Pong{}, err
	}
	if err := p.u.send(ctx, sctp.Message{PPID: pingpong.PPID, Data: b}); err != nil {
		return Pong{}, err
	}
	p.u.timeout = p.Timeout
	m, err := p.u.recv(ctx, pingpong.PPID)
	if err != nil {
		return Pong{}, err
	}
	pong, err := parsePong(&m, &ping)
	if err != nil {
		return Pong{}, p.u.fault(ctx, err)
	}
	p.u.progress()
	p.last = no
	return Pong{MessageNo: no, ReplyNo: pong.ReplyNo, Element: p.u.sess.Element(), RTT: time.Since(start)}, nil
}

// parsePong returns the answer to a Ping.
func parsePong(m *sctp.Message, ping *pingpong.Ping) (*pingpong.Pong, error) {
	msg, err := pingpong.Parse(m.Data)
	if err != nil {
		return nil, err
	}
	pong, ok := msg.(*pingpong.Pong)
	switch {
	case !ok:
		return nil, fmt.Errorf("pingpong: a ping where a pong was expected")
	case pong.MessageNo != ping.MessageNo:
		return nil, fmt.Errorf("pingpong: pong %d, but %d was sent", pong.MessageNo, ping.MessageNo)
	case string(pong.Data) != string(ping.Data):
		return nil, fmt.Errorf("pingpong: pong %d: its data is not that of the ping", pong.MessageNo)
	}
	return pong, nil
}
