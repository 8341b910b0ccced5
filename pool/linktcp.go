// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/agent"
	"github.com/rserpool/rserpool/sctp"
)

// ErrNeedsSCTP is matched by the error of a registration if only registrars that are reached by TCP are configured.
//
// RFC 5352, Section 2.1: "*all* ASAP messages exchanged between an ENRP server and a PE MUST use SCTP as transport".
var ErrNeedsSCTP = agent.ErrNeedsSCTP

// ErrNoSCTP is matched by the error of what Config.NoSCTP makes impossible: sessions, servers and registrations.
var ErrNoSCTP = errors.New("the client has no SCTP")

// tcpScheme begins the address of a registrar that is reached by TCP.
const tcpScheme = "tcp://"

// tlsScheme is tcpScheme with TLS.
const tlsScheme = "tls://"

// tcpTry is how long one of several addresses of a registrar may take before the next is tried.
const tcpTry = 2 * time.Second

// tcpDialer finds out within some ten seconds that a registrar has gone without a word, also while nothing is asked.
var tcpDialer = net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 2 * time.Second, Count: 3}}

// parseRegistrar reads an item of Config.Registrars.
func parseRegistrar(s string) (agent.Addr, error) {
	rest, tcp := strings.CutPrefix(s, tcpScheme)
	rest, secure := strings.CutPrefix(rest, tlsScheme)
	if strings.Contains(rest, "://") || tcp && secure {
		return agent.Addr{}, fmt.Errorf("%q: an address begins with %q, %q or with no scheme", s, tcpScheme, tlsScheme)
	}
	tcp = tcp || secure
	a, err := sctp.ParseAddr(rest)
	switch {
	case err != nil:
		return agent.Addr{}, err
	case len(a.IPs) == 0 || a.Port == 0:
		return agent.Addr{}, fmt.Errorf("%q: an address and a port are needed", s)
	case tcp && strings.Contains(rest, "/"):
		return agent.Addr{}, fmt.Errorf("%q: TCP has no UDP port", s)
	}
	return agent.Addr{TCP: tcp, TLS: secure, IPs: a.IPs, Port: a.Port, EncapPort: a.EncapPort}, nil
}

// needsSCTP says why no element can be registered, or nil.
func (c *Client) needsSCTP() error {
	if c.stack == nil {
		return ErrNoSCTP
	}
	if len(c.cfg.groups) > 0 || len(c.cfg.registrars) == 0 {
		return nil
	}
	for _, r := range c.cfg.registrars {
		if !r.TCP {
			return nil
		}
	}
	return fmt.Errorf("%w, and all that are configured are reached by TCP", ErrNeedsSCTP)
}

// localAddrs returns the addresses of the stack, or those of the host.
func (c *Client) localAddrs() []netip.Addr {
	if c.stack != nil {
		return c.stack.Addrs()
	}
	addrs, _ := c.cfg.Network.Addrs() // none means all
	return addrs
}

// A carrier carries the messages of a link: an association or a TCP connection.
type carrier interface {
	send(ctx context.Context, data []byte) error
	// recv returns the next message of ASAP, valid until the next call, and io.EOF after a graceful end.
	recv(ctx context.Context) ([]byte, error)
	peer() []netip.Addr
	Done() <-chan struct{}
	Shutdown(ctx context.Context) error
	Abort(reason string) error
	Close() error
}

// association is the carrier of SCTP.
type association struct{ *sctp.Conn }

func (a association) send(ctx context.Context, data []byte) error {
	return a.Send(ctx, sctp.Message{PPID: asap.PPID, Data: data})
}

func (a association) recv(ctx context.Context) ([]byte, error) {
	for {
		m, err := a.Recv(ctx)
		if err != nil || m.PPID == asap.PPID {
			return m.Data, err
		}
	}
}

func (a association) peer() []netip.Addr { return a.RemoteAddr().IPs }

// dialLink sets up what a Connect asks for.
func (c *Client) dialLink(ctx context.Context, to agent.Addr) (carrier, error) {
	if to.TCP {
		return c.dialTCP(ctx, to)
	}
	conn, err := c.stack.DialFrom(ctx, c.port, sctpAddr(to))
	if err != nil {
		return nil, err
	}
	return association{conn}, nil
}

// dialTCP tries the addresses of a registrar one after the other.
func (c *Client) dialTCP(ctx context.Context, to agent.Addr) (carrier, error) {
	var errs []error
	for i, ip := range to.IPs {
		one, cancel := ctx, context.CancelFunc(func() {})
		if i < len(to.IPs)-1 {
			one, cancel = context.WithTimeout(ctx, tcpTry)
		}
		conn, err := c.cfg.DialTCP(one, "tcp", netip.AddrPortFrom(ip, to.Port).String())
		if err == nil && to.TLS {
			conn, err = c.secure(one, conn, ip)
		}
		cancel()
		if err == nil {
			return &tcpLink{conn: conn, ip: ip, done: make(chan struct{})}, nil
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, errors.Join(errs...)
}

// tcpLink is the carrier of TCP, or of what Config.DialTCP has put over it.
type tcpLink struct {
	conn net.Conn
	ip   netip.Addr
	in   asap.Splitter
	once sync.Once
	done chan struct{}
}

func (t *tcpLink) send(ctx context.Context, data []byte) error {
	stop := context.AfterFunc(ctx, func() { t.conn.SetWriteDeadline(time.Unix(1, 0)) })
	defer stop()
	_, err := t.conn.Write(data) // a multiple of 4 bytes: there is no padding to be added
	return err
}

func (t *tcpLink) recv(ctx context.Context) ([]byte, error) {
	stop := context.AfterFunc(ctx, func() { t.conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	for {
		m, err := t.in.Next()
		if m != nil || err != nil {
			return m, err
		}
		n, err := t.conn.Read(t.in.Space())
		t.in.Fill(n)
		if n == 0 && err != nil {
			return nil, err
		}
	}
}

func (t *tcpLink) peer() []netip.Addr { return []netip.Addr{t.ip} }

func (t *tcpLink) Done() <-chan struct{} { return t.done }

// Shutdown sends what was written, then a FIN.
func (t *tcpLink) Shutdown(context.Context) error { return t.Close() }

func (t *tcpLink) Abort(string) error { return t.Close() }

func (t *tcpLink) Close() error {
	t.once.Do(func() { close(t.done) })
	return t.conn.Close()
}
