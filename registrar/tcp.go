// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/registrar/engine"
)

// ErrTCP is matched by the error of New if it could not listen to the TCP port.
var ErrTCP = errors.New("no ASAP over TCP")

const (
	// DefaultTCPIdleTimeout is how long a pool user over TCP may be silent. Those that have gone without a word are found
	// earlier, by the keep-alives of TCP.
	DefaultTCPIdleTimeout = time.Hour

	// DefaultTCPReadTimeout is how long a message may take to arrive, from its first byte to its last: T1-ENRPrequest of
	// RFC 5352, Section 7.1. Its sender has given up by then.
	DefaultTCPReadTimeout = 15 * time.Second

	// DefaultMaxTCP bounds the TCP connections: each costs a file descriptor and up to 64 KiB for a message that has not
	// come to its end.
	DefaultMaxTCP = 4096

	// tcpShare is the part of MaxTCP that one address may have: a single host does not keep all others out.
	tcpShare = 4

	// acceptPause is the first pause after an accept that has failed, for want of file descriptors for example; it doubles
	// up to acceptPauseMax.
	acceptPause, acceptPauseMax = 10 * time.Millisecond, time.Second
)

// tcpServer is what a Server has for ASAP over TCP.
type tcpServer struct {
	listeners []net.Listener
	plain     int              // how many of them are not TLS, which come first
	announced []netip.AddrPort // where they are reached without more ado
	secured   []netip.AddrPort // where they are reached by TLS

	// mu guards what follows.
	mu      sync.Mutex
	n       int
	from    map[netip.Addr]int
	full    bool // and that was logged
	refused uint64
}

// openTCP listens where the Config says: on all addresses if the SCTP does, else on each of its addresses.
func (s *Server) openTCP() error {
	s.tcp.from = make(map[netip.Addr]int)
	if l := s.cfg.TCPListener; l != nil {
		s.tcp.listeners = []net.Listener{l}
		return nil
	}
	if s.cfg.TCPPort == 0 {
		return nil
	}
	all, port, err := s.listenTCP(s.cfg.TCPPort)
	s.tcp.listeners = append(s.tcp.listeners, all...)
	if err != nil {
		return fmt.Errorf("registrar: %w: %w", ErrTCP, err)
	}
	s.tcp.announced = s.at(port)
	return nil
}

// listenTCP listens to a port, or to a free one if it is -1, on the addresses of the SCTP. It returns what it has opened,
// also with an error.
func (s *Server) listenTCP(port int) (all []net.Listener, _ int, err error) {
	port = max(port, 0)
	local := s.stack.Addrs()
	hosts := []string{""}
	if s.cfg.Stack != nil || len(s.cfg.LocalAddrs) > 0 {
		hosts = hosts[:0]
		for _, a := range local {
			hosts = append(hosts, a.String())
		}
	}
	for _, h := range hosts {
		l, err := net.Listen("tcp", net.JoinHostPort(h, fmt.Sprint(port)))
		if err != nil {
			return all, 0, err
		}
		all = append(all, l)
		port = l.Addr().(*net.TCPAddr).Port // the same number everywhere
	}
	return all, port, nil
}

// at returns the addresses of the SCTP with a port.
func (s *Server) at(port int) (all []netip.AddrPort) {
	for _, a := range s.stack.Addrs() {
		all = append(all, netip.AddrPortFrom(a, uint16(port)))
	}
	return all
}

// TCPAddrs returns where pool users without SCTP reach the registrar; nothing without Config.TCPPort.
func (s *Server) TCPAddrs() []netip.AddrPort { return slices.Clone(s.tcp.announced) }

// acceptTCP takes connections until its listener is closed.
func (s *Server) acceptTCP(l net.Listener) {
	wait := acceptPause
	for {
		nc, err := l.Accept()
		switch {
		case err == nil:
			wait = acceptPause
			s.work.Go(func() { s.serveTCP(nc) })
		case errors.Is(err, net.ErrClosed) || s.dialling.Err() != nil:
			return
		default:
			s.log.Warn("TCP connections are not accepted", "at", l.Addr().String(), "reason", err)
			pause(s.dialling, wait)
			wait = min(2*wait, acceptPauseMax)
		}
	}
}

// enter counts a connection, and reports false if there are too many.
func (t *tcpServer) enter(from netip.Addr, limit int) (ok, firstRefusal bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if limit >= 0 && (t.n >= limit || from.IsValid() && t.from[from] >= max(1, limit/tcpShare)) {
		firstRefusal, t.full = !t.full, true
		t.refused++
		return false, firstRefusal
	}
	t.n++
	t.from[from]++
	return true, false
}

func (t *tcpServer) leave(from netip.Addr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.n--
	t.full = false
	if t.from[from]--; t.from[from] == 0 {
		delete(t.from, from)
	}
}

// serveTCP reads from a connection until it ends.
func (s *Server) serveTCP(nc net.Conn) {
	t := &tcpConn{Conn: nc, ended: make(chan struct{})}
	from := hostOf(nc.RemoteAddr())
	ok, first := s.tcp.enter(from, s.live.Load().MaxTCP)
	if !ok {
		if first {
			s.log.Warn("TCP connections are refused: there are too many", "from", t.remote())
		}
		t.Abort("too many")
		return
	}
	defer s.tcp.leave(from)
	if err := s.handshake(nc); err != nil {
		s.badHandshakes.Add(1)
		s.log.Debug("TCP connection closed", "peer", t.remote(), "reason", err)
		t.closeRefused()
		return
	}
	c := s.join(t, engine.ProtocolASAP, 0)
	if c == nil {
		t.Abort("not wanted")
		return
	}
	err := s.receiveTCP(c, t)
	close(t.ended)
	if errors.Is(err, asap.ErrNotASAP) {
		s.notASAP.Add(1)
		s.log.Debug("TCP connection closed", "peer", t.remote(), "reason", err)
	}
	s.leave(c, err)
}

// handshake does that of TLS, if there is one, in the time of a message: else it would have that of an idle connection.
func (s *Server) handshake(nc net.Conn) error {
	h, ok := nc.(interface{ HandshakeContext(context.Context) error })
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(s.dialling, s.live.Load().TCPReadTimeout)
	defer cancel()
	return h.HandshakeContext(ctx)
}

// receiveTCP hands the messages of a stream to the engine. What has arrived together is answered together.
func (s *Server) receiveTCP(c *client, t *tcpConn) error {
	var in asap.Splitter
	var deadline time.Time // of a message that has begun to arrive
	for {
		until := deadline
		if until.IsZero() {
			until = time.Now().Add(s.live.Load().TCPIdleTimeout)
		}
		t.SetReadDeadline(until)
		n, err := t.Read(in.Space())
		in.Fill(n)
		var now batch
		for {
			m, bad := in.Next()
			if bad != nil {
				now.end(s, c)
				return bad
			}
			if m == nil {
				break
			}
			deadline = time.Time{}
			if s.handle(c, m, &now); now.size == maxUnsent {
				now.end(s, c)
			}
		}
		now.end(s, c)
		if err != nil {
			return err
		}
		if in.Pending() && deadline.IsZero() {
			deadline = time.Now().Add(s.live.Load().TCPReadTimeout)
		}
	}
}

// hostOf returns the address of a peer; what is not one of an IP network has none.
func hostOf(a net.Addr) netip.Addr {
	if a == nil {
		return netip.Addr{}
	}
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}

// tcpConn is the channel of TCP, or of what a TCPListener has put over it.
type tcpConn struct {
	net.Conn
	ended   chan struct{} // closed when nothing is read any more
	writing sync.Mutex
}

func (t *tcpConn) peer() engine.Peer {
	p := engine.Peer{TCP: true}
	if a := hostOf(t.RemoteAddr()); a.IsValid() {
		p.Addrs = []netip.Addr{a}
	}
	return p
}

func (t *tcpConn) remote() string {
	if t.secured() {
		return "tls://" + t.RemoteAddr().String()
	}
	return "tcp://" + t.RemoteAddr().String()
}

// sendBatch writes all messages at once: each is a multiple of 4 bytes long, so that nothing need be between them.
func (t *tcpConn) sendBatch(ctx context.Context, data []byte, _ []int) error {
	t.writing.Lock()
	defer t.writing.Unlock()
	if at, ok := ctx.Deadline(); ok {
		t.SetWriteDeadline(at)
	}
	_, err := t.Write(data)
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		return context.DeadlineExceeded
	}
	t.Close() // the reader hears of it
	return err
}

// Shutdown says that nothing follows, and waits until the peer has said so, too.
func (t *tcpConn) Shutdown(ctx context.Context) error {
	if at, ok := ctx.Deadline(); ok {
		t.SetWriteDeadline(at) // of what is being written, too
	}
	t.writing.Lock()
	w, ok := t.Conn.(interface{ CloseWrite() error })
	if ok {
		ok = w.CloseWrite() == nil
	}
	t.writing.Unlock()
	if !ok {
		return t.Close()
	}
	select {
	case <-t.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Abort resets the connection, where that can be said.
func (t *tcpConn) Abort(string) error {
	raw := t.raw() // TLS would try to say goodbye
	if l, ok := raw.(interface{ SetLinger(int) error }); ok {
		l.SetLinger(0)
	}
	return raw.Close()
}
