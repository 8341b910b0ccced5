// SPDX-License-Identifier: Apache-2.0

package ours

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/registrar"
	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/udpencap"
)

// Registrar is a registrar that "start" starts anew with another configuration.
type Registrar struct {
	network udpencap.Network
	addr    netip.Addr
	udp     uint16 // 0: any
	tcp     net.Listener

	mu   sync.Mutex
	srv  *registrar.Server
	stop context.CancelFunc
	done chan struct{}
}

// NewRegistrar makes one that has not been started, at UDP port udp; 0 is any free one.
func NewRegistrar(network udpencap.Network, addr netip.Addr, udp uint16) *Registrar {
	return &Registrar{network: network, addr: addr, udp: udp}
}

// EncapPort is the UDP port, once it has been started; it stays the same.
func (r *Registrar) EncapPort() uint16 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.udp
}

// Has implements conformance.Control.
func (r *Registrar) Has(act string) bool { return act == "start" }

// Do implements conformance.Control.
func (r *Registrar) Do(_ context.Context, act string, args conformance.Args) error {
	if act != "start" {
		return fmt.Errorf("unknown act %q", act)
	}
	return r.Start(args)
}

// Start starts it, after it has ended if it runs. The arguments: peers (sctp.ParseAddr's form, blanks between them),
// max-items, max-bad-reports, id.
func (r *Registrar) Start(args conformance.Args) error {
	r.Close()
	cfg := registrar.Config{
		Network: r.network, LocalAddrs: []netip.Addr{r.addr}, EncapPort: int(r.EncapPort()),
		Profile: registrar.ProfileRFC, StopTimeout: -1, TCPListener: r.tcp, Rand: rand.New(rand.NewPCG(3, 4)),
	}
	for _, text := range strings.Fields(args["peers"]) {
		a, err := sctp.ParseAddr(text)
		if err != nil {
			return err
		}
		cfg.Peers = append(cfg.Peers, a)
	}
	var err1, err2, err3 error
	cfg.MaxResolutionItems, err1 = number(args, "max-items", 0)
	cfg.MaxBadPEReport, err2 = number(args, "max-bad-reports", 0)
	cfg.ServerID, err3 = number[uint32](args, "id", 0)
	for _, err := range []error{err1, err2, err3} {
		if err != nil {
			return err
		}
	}
	if cfg.EncapPort == 0 {
		cfg.EncapPort = -1
	}
	srv, err := registrar.New(cfg)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(ctx)
	}()
	r.mu.Lock()
	r.udp = srv.Addr().EncapPort
	r.srv, r.stop, r.done = srv, stop, done
	r.mu.Unlock()
	return nil
}

// Close ends it.
func (r *Registrar) Close() {
	r.mu.Lock()
	stop, done := r.stop, r.done
	r.srv, r.stop, r.done = nil, nil, nil
	r.mu.Unlock()
	if stop != nil {
		stop()
		<-done
	}
}
