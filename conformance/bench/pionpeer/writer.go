// SPDX-License-Identifier: Apache-2.0

package pionpeer

import "github.com/pion/sctp"

const (
	// HighWater is how many bytes a [Writer] lets a stream queue and leave unacknowledged before
	// it waits: so that the peer's window is kept full.
	HighWater = ReceiveBuffer
	// LowWater is what must be left of them when it goes on.
	LowWater = HighWater / 2
)

// A Writer sends messages on one stream and waits while too much is queued, which Pion's own
// Write does not. It is for one goroutine.
type Writer struct {
	stream *sctp.Stream
	over   <-chan struct{}
	low    chan struct{}
}

// NewWriter returns a Writer on a stream, of which it takes the BufferedAmountLow callback.
// Write gives up waiting when over is closed.
func NewWriter(s *sctp.Stream, over <-chan struct{}) *Writer {
	w := &Writer{stream: s, over: over, low: make(chan struct{}, 1)}
	s.SetBufferedAmountLowThreshold(LowWater)
	s.OnBufferedAmountLow(func() {
		select {
		case w.low <- struct{}{}:
		default:
		}
	})
	return w
}

// Write sends one message. It returns sctp.ErrAssociationClosed if the wait for room was given up.
func (w *Writer) Write(data []byte, ppid uint32) error {
	for w.stream.BufferedAmount() >= HighWater {
		select {
		case <-w.low:
		case <-w.over:
			return sctp.ErrAssociationClosed
		}
	}
	_, err := w.stream.WriteSCTP(data, sctp.PayloadProtocolIdentifier(ppid))
	return err
}
