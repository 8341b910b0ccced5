// SPDX-License-Identifier: Apache-2.0

package registrars

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/enrp"
	"github.com/rserpool/rserpool/sctp"
)

// batch is how many updates a Peer sends before it asks whether all before have been applied, and batches how many it has
// under way.
const (
	batch   = 40
	batches = 4
	// firstOfPeer is the first pool element of a Peer.
	firstOfPeer = 1 << 30
)

// A Peer is another registrar for the one that is measured, as far as that must see.
type Peer struct {
	conn    *sctp.Conn
	self    netip.Addr
	id      uint32
	port    uint16
	answers chan struct{} // a presence that was asked for
	ended   chan struct{} // after err was set
	err     error
}

// DialPeer sets up an association from the SCTP port, which must be listened at. A registrar believes a presence that comes
// from where it says that its sender is.
func DialPeer(ctx context.Context, stack *sctp.Stack, port uint16, to *sctp.Addr) (*Peer, error) {
	c, err := stack.DialFrom(ctx, port, to)
	if err != nil {
		return nil, err
	}
	p := &Peer{conn: c, self: stack.Addrs()[0], id: 0x0badcafe, port: port,
		answers: make(chan struct{}, 2*batches), ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		p.err = p.read(context.WithoutCancel(ctx))
	}()
	if err := p.present(ctx, true); err != nil {
		return nil, err
	}
	return p, p.answered(ctx)
}

// Close leaves without a word.
func (p *Peer) Close() {
	p.conn.Abort("done")
	<-p.ended
}

func (p *Peer) send(ctx context.Context, m enrp.Message) error {
	b, err := m.AppendBinary(nil)
	if err != nil {
		return err
	}
	return p.conn.Send(ctx, sctp.Message{PPID: enrp.PPID, Data: b})
}

// present says that this peer is there and owns nothing.
func (p *Peer) present(ctx context.Context, reply bool) error {
	none := param.PEChecksum(0xffff)
	return p.send(ctx, &enrp.Presence{
		Header: enrp.Header{Sender: p.id}, ReplyRequired: reply, Checksum: &none,
		Server: &param.ServerInformation{ID: p.id, Transport: param.Transport{
			Protocol: param.SCTP, Port: p.port, Addrs: []netip.Addr{p.self}, Use: param.DataPlusControl}},
	})
}

// read takes all that the registrar says, its updates among that, and answers what wants to be answered.
func (p *Peer) read(ctx context.Context) error {
	buf := make([]byte, 1<<16)
	for {
		r, err := p.conn.RecvBuf(ctx, buf)
		if err != nil {
			return err
		}
		if len(r.Data) > 0 && enrp.MessageType(r.Data[0]) == enrp.TypeHandleUpdate {
			continue
		}
		m, _, err := enrp.Parse(r.Data)
		if err != nil {
			return err
		}
		switch m := m.(type) {
		case *enrp.Presence:
			if m.ReplyRequired {
				err = p.present(ctx, false)
				break
			}
			select {
			case p.answers <- struct{}{}:
			default:
			}
		case *enrp.ListRequest:
			err = p.send(ctx, &enrp.ListResponse{Header: enrp.Header{Sender: p.id, Receiver: m.Sender}})
		case *enrp.HandleTableRequest:
			err = p.send(ctx, &enrp.HandleTableResponse{Header: enrp.Header{Sender: p.id, Receiver: m.Sender}})
		}
		if err != nil {
			return err
		}
	}
}

// answered waits for a presence.
func (p *Peer) answered(ctx context.Context) error {
	select {
	case <-p.answers:
		return nil
	case <-p.ended:
		return p.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Updates tells of pool elements that come and go for a while, and counts both. After each batch it owns nothing.
func (p *Peer) Updates(ctx context.Context, d time.Duration) (Load, error) {
	msgs := make([]sctp.Message, batch)
	for i := range batch / 2 {
		pe := element(firstOfPeer+uint32(i), p.self, p.id)
		pe.ASAPTransport = &param.Transport{Protocol: param.SCTP, Port: 5000, Addrs: []netip.Addr{p.self}}
		m := &enrp.HandleUpdate{Header: enrp.Header{Sender: p.id}, PoolHandle: handle, PoolElement: pe}
		for k, action := range map[int]enrp.UpdateAction{i: enrp.AddPE, batch/2 + i: enrp.DelPE} {
			m.Action = action
			b, err := m.AppendBinary(nil)
			if err != nil {
				return Load{}, err
			}
			msgs[k] = sctp.Message{PPID: enrp.PPID, Data: b}
		}
	}
	resent := resent(p.conn)
	begin := time.Now()
	sent, applied := 0, 0
	for {
		for ; sent-applied < batches && time.Since(begin) < d; sent++ {
			if _, err := p.conn.SendBatch(ctx, msgs); err != nil {
				return Load{}, err
			}
			if err := p.present(ctx, true); err != nil {
				return Load{}, err
			}
		}
		if applied == sent {
			return Load{applied * batch, time.Since(begin), resent()}, nil
		}
		if err := p.answered(ctx); err != nil {
			return Load{}, fmt.Errorf("after %d batches: %w", applied, err)
		}
		applied++
	}
}
