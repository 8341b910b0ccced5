// SPDX-License-Identifier: Apache-2.0

// Command pion is the shim for github.com/pion/sctp: an echo service on a UDP port, and its acts. It speaks the control
// protocol of docs/conformance.md on standard input and output:
//
//	rserpool conformance sctp --control 'go run ./conformance/shim/pion -addr 127.0.0.1'
//
// An association of Pion lives on a net.Conn, and knows no out-of-the-blue packets: here each address and UDP port that
// sends something has one, waiting for its INIT. Any SCTP port is answered; Pion itself connects from 5000 to 5000.
//
// # Limitations
//
// IPv4, one address. Pion does not tell whether a message was unordered: all are echoed ordered.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pion/sctp"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/shim"
)

// sctpPort is what Pion uses on both sides.
const sctpPort = 5000

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "pion:", err)
		os.Exit(1)
	}
}

func run() error {
	addr := flag.String("addr", "127.0.0.1", "local address")
	udp := flag.Uint("udp", 0, "local UDP port; 0: any")
	flag.Parse()
	ip, err := netip.ParseAddr(*addr)
	if err != nil {
		return err
	}
	s, err := listen(netip.AddrPortFrom(ip, uint16(*udp)))
	if err != nil {
		return err
	}
	ready := conformance.Args{
		"addr": *addr, "udp": fmt.Sprint(s.udp.LocalAddr().(*net.UDPAddr).Port), "port": fmt.Sprint(sctpPort),
		"peer-port": fmt.Sprint(sctpPort), "caps": "echo",
	}
	return shim.Serve(context.Background(), os.Stdin, os.Stdout, ready, acts, s)
}

// server is the UDP socket, and who has sent something to it.
type server struct {
	udp *net.UDPConn

	mu    sync.Mutex
	peers map[netip.AddrPort]*peer
}

// peer is an association: with whom is at a UDP address.
type peer struct {
	conn  *packetConn
	assoc *sctp.Association

	mu      sync.Mutex
	streams map[uint16]*sctp.Stream
	gone    map[uint16]bool // streams that were reset
	noread  bool
	read    *sync.Cond
}

func listen(at netip.AddrPort) (*server, error) {
	udp, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
	if err != nil {
		return nil, err
	}
	s := &server{udp: udp, peers: map[netip.AddrPort]*peer{}}
	go s.receive()
	return s, nil
}

// receive gives packets to their associations, and makes one for whoever is new.
func (s *server) receive() {
	buf := make([]byte, 65536)
	for {
		n, from, err := s.udp.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		s.mu.Lock()
		p := s.peers[from]
		if p == nil {
			p = s.newPeer(from)
			go s.serve(p)
		}
		s.mu.Unlock()
		p.conn.deliver(slices.Clone(buf[:n]))
	}
}

// newPeer makes the place for an association. s.mu is held.
func (s *server) newPeer(remote netip.AddrPort) *peer {
	p := &peer{streams: map[uint16]*sctp.Stream{}, gone: map[uint16]bool{}}
	p.read = sync.NewCond(&p.mu)
	p.conn = newPacketConn(s.udp, remote, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.peers[remote] == p {
			delete(s.peers, remote)
		}
	})
	s.peers[remote] = p
	return p
}

func (s *server) serve(p *peer) {
	a, err := sctp.ServerWithOptions(sctp.WithNetConn(p.conn), sctp.WithMTU(1472))
	if err != nil {
		p.conn.Close()
		return
	}
	p.run(a)
}

// run echoes what comes.
func (p *peer) run(a *sctp.Association) {
	p.mu.Lock()
	p.assoc = a
	p.read.Broadcast()
	p.mu.Unlock()
	for {
		st, err := a.AcceptStream()
		if err != nil {
			a.Close()
			return
		}
		p.mu.Lock()
		p.streams[st.StreamIdentifier()] = st
		p.mu.Unlock()
		go p.echo(st)
	}
}

func (p *peer) echo(st *sctp.Stream) {
	buf := make([]byte, 1<<20)
	for {
		p.mu.Lock()
		for p.noread {
			p.read.Wait()
		}
		p.mu.Unlock()
		n, ppid, err := st.ReadSCTP(buf)
		if err != nil {
			return
		}
		if _, err := st.WriteSCTP(buf[:n], ppid); err != nil {
			return
		}
	}
}

// stream is one to send on.
func (p *peer) stream(id uint16) (*sctp.Stream, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.assoc == nil {
		return nil, errors.New("not established")
	}
	if st := p.streams[id]; st != nil {
		return st, nil
	}
	st, err := p.assoc.OpenStream(id, 0)
	if err != nil {
		return nil, err
	}
	p.streams[id] = st
	go p.echo(st)
	return st, nil
}

var acts = []string{"connect", "connect-send", "send", "pr-ttl", "shutdown", "send-shutdown", "abort", "reset", "noread", "read"}

// Has implements conformance.Control.
func (s *server) Has(act string) bool { return slices.Contains(acts, act) }

// Do implements conformance.Control. An association is found by the tester's address, if it is given, or else it is the
// only one that is established.
func (s *server) Do(ctx context.Context, act string, args conformance.Args) error {
	if act == "connect" || act == "connect-send" {
		return s.connect(ctx, act, args)
	}
	p, err := s.find(ctx, args)
	if err != nil {
		return err
	}
	switch act {
	case "send", "pr-ttl":
		return p.send(args)
	case "shutdown":
		go p.assoc.Shutdown(context.WithoutCancel(ctx))
	case "send-shutdown":
		if err := p.send(args); err != nil {
			return err
		}
		go p.assoc.Shutdown(context.WithoutCancel(ctx))
	case "abort":
		go p.assoc.Abort(args["reason"])
	case "reset":
		if args["streams"] == "" || args["dir"] != "out" && args["dir"] != "" {
			return conformance.ErrUnsupported
		}
		for text := range strings.SplitSeq(args["streams"], ",") {
			id, err := strconv.ParseUint(text, 10, 16)
			if err != nil {
				return err
			}
			p.mu.Lock()
			gone := p.gone[uint16(id)]
			p.mu.Unlock()
			if gone {
				return conformance.ErrUnsupported // a stream is gone with its reset
			}
			st, err := p.stream(uint16(id))
			if err != nil {
				return err
			}
			if err := st.Close(); err != nil {
				return err
			}
			p.mu.Lock()
			p.gone[uint16(id)] = true
			p.mu.Unlock()
		}
	case "noread", "read":
		p.mu.Lock()
		p.noread = act == "noread"
		p.read.Broadcast()
		p.mu.Unlock()
	}
	return nil
}

// find waits a little for an association that is about to be established.
func (s *server) find(ctx context.Context, args conformance.Args) (*peer, error) {
	for end := time.Now().Add(2 * time.Second); ; {
		p, err := s.look(args)
		if err == nil || ctx.Err() != nil || time.Now().After(end) {
			return p, err
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (s *server) look(args conformance.Args) (*peer, error) {
	ip, err1 := netip.ParseAddr(args["addr"])
	udp, err2 := strconv.ParseUint(args["udp"], 10, 16)
	if err1 != nil || err2 != nil {
		return nil, errors.New("addr and udp are needed")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.peers[netip.AddrPortFrom(ip, uint16(udp))]
	if p == nil {
		return nil, fmt.Errorf("no association with %s, UDP port %d", ip, udp)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.assoc == nil {
		return nil, errors.New("the association is not established")
	}
	return p, nil
}

func (s *server) connect(ctx context.Context, act string, args conformance.Args) error {
	ip, err1 := netip.ParseAddr(strings.Split(args["addr"], ",")[0])
	udp, err2 := strconv.ParseUint(args["udp"], 10, 16)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	if args["port"] != strconv.Itoa(sctpPort) {
		return fmt.Errorf("only SCTP port %d can be connected to", sctpPort)
	}
	s.mu.Lock()
	remote := netip.AddrPortFrom(ip, uint16(udp))
	if old := s.peers[remote]; old != nil {
		delete(s.peers, remote)
		go old.conn.Close()
	}
	p := s.newPeer(remote)
	s.mu.Unlock()
	go func() {
		a, err := sctp.ClientContext(context.WithoutCancel(ctx), sctp.WithNetConn(p.conn), sctp.WithMTU(1472))
		if err != nil {
			p.conn.Close()
			return
		}
		go p.run(a)
		if act == "connect-send" {
			p.mu.Lock()
			for p.assoc == nil {
				p.read.Wait()
			}
			p.mu.Unlock()
			_ = p.send(args)
		}
	}()
	return nil
}

func (p *peer) send(args conformance.Args) error {
	n := func(name string, def int) int {
		if v, err := strconv.Atoi(args[name]); err == nil {
			return v
		}
		return def
	}
	st, err := p.stream(uint16(n("stream", 0)))
	if err != nil {
		return err
	}
	kind, value := sctp.ReliabilityTypeReliable, uint32(0)
	if ttl := n("ttl", 0); ttl > 0 {
		kind, value = sctp.ReliabilityTypeTimed, uint32(ttl)
	}
	st.SetReliabilityParams(args["unordered"] != "", kind, value)
	data := bytes.Repeat([]byte{'x'}, n("size", 100))
	for range n("count", 1) {
		_, err := st.WriteSCTP(data, sctp.PayloadProtocolIdentifier(n("ppid", 0)))
		if errors.Is(err, sctp.ErrStreamClosed) {
			return conformance.ErrUnsupported // a stream is gone with its reset
		}
		if err != nil {
			return err
		}
	}
	return nil
}
