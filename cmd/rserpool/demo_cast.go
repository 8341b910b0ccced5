// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/registrar"
	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/udpencap"
)

const demoPool = "EchoPool"

// timing is that of all associations: the algorithms are those of RFC 9260, with shorter times for a short show.
var demoTiming = sctp.Config{
	RTOInitial: 200 * time.Millisecond, RTOMin: 100 * time.Millisecond, RTOMax: 400 * time.Millisecond,
	AssociationMaxRetrans: 5, PathMaxRetrans: 2,
	HeartbeatInterval: 300 * time.Millisecond,
	SackDelay:         20 * time.Millisecond,
	CloseTimeout:      500 * time.Millisecond,
	EncapPort:         -1, // everybody has a UDP port of their own
}

// newStack returns a stack on the addresses, with a switch on its network.
func newDemoStack(addrs []netip.Addr) (*sctp.Stack, *cable, error) {
	cfg := demoTiming
	c := newCable(udpencap.Host())
	cfg.Network, cfg.LocalAddrs = c, addrs
	s, err := sctp.NewStack(&cfg)
	return s, c, err
}

// startRegistrar runs a registrar until the context ends.
func (d *demoShow) startRegistrar(ctx context.Context) (*sctp.Addr, error) {
	stack, _, err := newDemoStack(d.addrs)
	if err != nil {
		return nil, err
	}
	srv, err := registrar.New(registrar.Config{
		Stack: stack, ASAPPort: -1, AnnounceInterval: -1, Logger: d.cfg.Logger,
		KeepAliveInterval: time.Second, KeepAliveTimeout: time.Second, StopTimeout: 500 * time.Millisecond,
	})
	if err != nil {
		stack.Close()
		return nil, err
	}
	d.work.Go(func() {
		defer stack.Close()
		if err := srv.Serve(ctx); err != nil {
			d.say("the registrar failed: %v", err)
		}
	})
	return srv.Addr(), nil
}

// newClient returns a client on a stack of its own.
func (d *demoShow) newClient() (*pool.Client, *cable, error) {
	stack, c, err := newDemoStack(d.addrs)
	if err != nil {
		return nil, nil, err
	}
	client, err := pool.NewClient(&pool.Config{
		Stack: stack, Registrars: []string{d.registrar.String()}, Logger: d.cfg.Logger,
		ASAP:           pool.ASAPConfig{T1ENRPRequest: time.Second, T2Registration: time.Second, T4Reregistration: 2 * time.Second},
		ConnectTimeout: time.Second, RetryDelay: 50 * time.Millisecond,
	})
	if err != nil {
		stack.Close()
		return nil, nil, err
	}
	return client, c, nil
}

// An element is a pool element of the show.
type demoElement struct {
	name  string
	id    uint32
	cable *cable
	stack *sctp.Stack
	stop  context.CancelFunc
}

// startElement runs an element until the context ends, and returns when it is registered.
func (d *demoShow) startElement(ctx context.Context, name string, id uint32) (*demoElement, error) {
	client, c, err := d.newClient()
	if err != nil {
		return nil, err
	}
	e := &demoElement{name: name, id: id, cable: c, stack: client.Stack()}
	ctx, e.stop = context.WithCancel(ctx)
	srv := &pool.Server{Handle: demoPool, ID: id, Handler: pool.Echo, DrainTimeout: 500 * time.Millisecond}
	failed := make(chan error, 1)
	d.work.Go(func() {
		defer client.Stack().Close()
		defer client.Close()
		failed <- srv.Serve(ctx, client)
	})
	select {
	case <-srv.Ready():
		d.say("element %s has registered: %v", name, client.Addr())
		return e, nil
	case err := <-failed:
		if err == nil {
			err = ctx.Err()
		}
		return nil, fmt.Errorf("element %s: %w", name, err)
	}
}

// crash ends the element as the end of its process would: its stack aborts what there is.
func (e *demoElement) crash() {
	e.stack.Close()
	e.stop()
}

// silence leaves the element running, but nobody hears of it any more.
func (e *demoElement) silence() { e.cable.CutAll() }
