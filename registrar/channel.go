// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"context"

	"github.com/rserpool/rserpool/registrar/engine"
	"github.com/rserpool/rserpool/sctp"
)

// A channel carries the messages of a client: an association or a TCP connection.
type channel interface {
	// sendBatch sends messages that lie one behind the other, with the end of each. One goroutine at a time calls it.
	sendBatch(ctx context.Context, data []byte, ends []int) error
	// Shutdown ends it in order, and returns when the peer has done its part.
	Shutdown(ctx context.Context) error
	// Abort ends it at once.
	Abort(reason string) error
	Close() error
	// peer returns what the engine wants to know of the other end.
	peer() engine.Peer
	remote() string
}

// association is the channel of SCTP.
type association struct {
	*sctp.Conn
	ppid  sctp.PPID
	batch []sctp.Message // of whoever is sending
}

func (a *association) sendBatch(ctx context.Context, data []byte, ends []int) error {
	from := 0
	a.batch = a.batch[:0]
	for _, to := range ends {
		a.batch = append(a.batch, sctp.Message{PPID: a.ppid, Data: data[from:to]})
		from = to
	}
	_, err := a.SendBatch(ctx, a.batch)
	return err
}

func (a *association) remote() string { return a.RemoteAddr().String() }

func (a *association) peer() engine.Peer { return peerOf(a.Conn) }
