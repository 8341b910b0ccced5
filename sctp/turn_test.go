// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// echo sends back what comes to b until the association ends.
func echo(b *Conn) {
	for {
		m, err := b.Recv(context.Background())
		if err != nil || b.Send(context.Background(), m) != nil {
			return
		}
	}
}

// ask is one question and its answer.
func ask(t *testing.T, ctx context.Context, a *Conn) {
	t.Helper()
	require.NoError(t, a.Send(ctx, text("question")))
	m, err := a.Recv(ctx)
	require.NoError(t, err)
	require.Equal(t, "question", string(m.Data))
}

// asking returns an association whose Recv reads the socket, since it did
// nothing but ask questions, and the other end, which answers them.
func asking(t *testing.T, cfg Config) (a, b *Conn) {
	t.Helper()
	a, b = loopbackAt(t, cfg, "127.0.0.1", "127.0.0.2")
	go echo(b)
	askUntilDirect(t, a)
	return a, b
}

func askUntilDirect(t *testing.T, a *Conn) *turn {
	t.Helper()
	for range 100_000 {
		ask(t, t.Context(), a)
		if d := a.stack.direct.Load(); d != nil && d.users() > 10 {
			return d
		}
	}
	t.Fatal("the goroutine of the socket never steps back")
	return nil
}

func (t *turn) users() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.taken
}

func (t *turn) who() holder {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.holder
}

// receiving starts a Recv and returns when it is its turn to read.
func receiving(t *testing.T, ctx context.Context, a *Conn) <-chan error {
	t.Helper()
	d := askUntilDirect(t, a)
	end := make(chan error, 1)
	go func() {
		_, err := a.Recv(ctx)
		end <- err
	}()
	for d.who() != heldByUser {
		select {
		case err := <-end:
			t.Fatalf("Recv ended: %v", err)
		case <-time.After(100 * time.Microsecond):
		}
		if d.who() == heldByGoroutine { // it took too long to get there
			return nil
		}
	}
	return end
}

// inTurn is receiving, until the Recv was in time.
func inTurn(t *testing.T, ctx context.Context, a, b *Conn) <-chan error {
	t.Helper()
	for {
		if end := receiving(t, ctx, a); end != nil {
			return end
		}
		require.NoError(t, b.Send(t.Context(), text("go on")))
	}
}

func ended(t *testing.T, end <-chan error) error {
	t.Helper()
	select {
	case err := <-end:
		return err
	case <-time.After(10 * time.Second):
		t.Fatal("Recv does not end")
		return nil
	}
}

func TestRecvReadsTheSocketUntilItsContextEnds(t *testing.T) {
	a, b := asking(t, Config{})
	for range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		end := inTurn(t, ctx, a, b)
		cancel()
		require.ErrorIs(t, ended(t, end), context.Canceled)
		ask(t, t.Context(), a)
	}
}

func TestRecvReadsTheSocketUntilClosed(t *testing.T) {
	for name, closeIt := range map[string]func(a, b *Conn){
		"Close":       func(a, b *Conn) { a.Close() },
		"Abort":       func(a, b *Conn) { a.Abort("") },
		"Stack.Close": func(a, b *Conn) { a.stack.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			a, b := asking(t, Config{})
			end := inTurn(t, t.Context(), a, b)
			closeIt(a, b)
			require.ErrorIs(t, ended(t, end), net.ErrClosed)
		})
	}
	t.Run("peer", func(t *testing.T) {
		a, b := asking(t, Config{})
		end := inTurn(t, t.Context(), a, b)
		b.Abort("enough")
		var e *AbortError
		require.ErrorAs(t, ended(t, end), &e)
		<-a.Done()
		a.inbox.mu.Lock()
		defer a.inbox.mu.Unlock()
		require.Nil(t, a.inbox.watched)
	})
}

// Someone who asks and then does other things keeps nobody waiting.
func TestNobodyReadsForLong(t *testing.T) {
	a, b := asking(t, Config{})
	d := askUntilDirect(t, a)
	ctx := within(t, 10*time.Second)
	for range 1000 {
		require.NoError(t, b.Send(ctx, Message{Data: make([]byte, 1000)}))
	}
	require.NoError(t, b.Shutdown(ctx), "a acknowledges all without a Recv")
	require.Equal(t, heldByGoroutine, d.who())
	for range 1000 {
		m, err := a.Recv(ctx)
		require.NoError(t, err)
		require.Len(t, m.Data, 1000)
	}
}

// A Recv that reads does so for other associations, too, and then no more.
func TestRecvReadsForOthers(t *testing.T) {
	a, b := asking(t, Config{})
	l, err := b.stack.Listen(0)
	require.NoError(t, err)
	ctx := within(t, 20*time.Second)
	a2, err := a.stack.Dial(ctx, l.Addr())
	require.NoError(t, err)
	b2, err := l.Accept(ctx)
	require.NoError(t, err)
	for range 3 {
		end := inTurn(t, ctx, a, b)
		require.NoError(t, b2.Send(ctx, text("to another")))
		m, err := a2.Recv(ctx)
		require.NoError(t, err)
		require.Equal(t, "to another", string(m.Data))
		require.NoError(t, b.Send(ctx, text("and now you")))
		require.NoError(t, ended(t, end))
	}
}

// What comes through another socket ends the wait, and the end of the socket
// that a Recv reads does not end the association.
func TestRecvReadsOneOfTwoSockets(t *testing.T) {
	a, b := asking(t, Config{})
	ctx := within(t, 20*time.Second)
	d := askUntilDirect(t, a)
	here := d.sock.LocalAddr().Addr()
	other := netip.MustParseAddr("127.0.0.1")
	if here == other {
		other = netip.MustParseAddr("127.0.0.2")
	}
	for b.SetPrimary(other) != nil { // not confirmed yet
		ask(t, ctx, a)
	}
	end := inTurn(t, ctx, a, b)
	require.NoError(t, b.Send(ctx, text("by another way")))
	require.NoError(t, ended(t, end))

	end = inTurn(t, ctx, a, b)
	require.NoError(t, a.stack.RemoveAddr(ctx, here))
	require.NoError(t, b.Send(ctx, text("by the way that is left")))
	require.NoError(t, ended(t, end))
	ask(t, ctx, a)
}
