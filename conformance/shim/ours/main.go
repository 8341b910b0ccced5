// SPDX-License-Identifier: Apache-2.0

// Command ours is the shim for this module's own stack, registrar, pool element and pool user. It speaks the control
// protocol of docs/conformance.md on standard input and output:
//
//	rserpool conformance sctp --control 'go run ./conformance/shim/ours -role sctp'
//
// # Limitations
//
// It is for tests: it does whatever standard input says.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/ours"
	"github.com/rserpool/rserpool/conformance/shim"
	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/udpencap"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "ours:", err)
		os.Exit(1)
	}
}

func run() error {
	role := flag.String("role", "sctp", "sctp, registrar, pe or pu")
	addr := flag.String("addr", "127.0.0.1", "local address, several separated by commas")
	spare := flag.String("spare", "", "addresses that addip may add, separated by commas")
	udp := flag.Int("udp", -1, "local UDP port; -1: any")
	port := flag.Uint("port", ours.EchoPort, "SCTP port of the echo service")
	flag.Parse()

	cfg := sctp.Config{EncapPort: *udp, CloseTimeout: -1, Interleaving: true}
	for a := range strings.SplitSeq(*addr, ",") {
		ip, err := netip.ParseAddr(a)
		if err != nil {
			return err
		}
		cfg.LocalAddrs = append(cfg.LocalAddrs, ip)
	}
	ready := conformance.Args{"addr": *addr, "spare": *spare}
	var control conformance.Control
	switch *role {
	case "sctp":
		s, err := ours.NewSCTP(&cfg, uint16(*port))
		if err != nil {
			return err
		}
		defer s.Close()
		control = s
		ready["port"] = fmt.Sprint(*port)
		ready["udp"] = fmt.Sprint(s.Stack().EncapPort())
		ready["caps"] = strings.Join(ours.Caps(conformance.Endpoint), ",")
	case "registrar":
		if *udp < 0 {
			*udp = 0
		}
		r := ours.NewRegistrar(udpencap.Host(), cfg.LocalAddrs[0], uint16(*udp))
		if err := r.Start(nil); err != nil {
			return err
		}
		defer r.Close()
		control = r
		ready["udp"], ready["port"], ready["enrp-port"] = fmt.Sprint(r.EncapPort()), "3863", "9901"
	case "pe", "pu":
		p, err := ours.NewPool(cfg)
		if err != nil {
			return err
		}
		defer p.Close()
		control = p
		ready["udp"] = fmt.Sprint(p.EncapPort())
	default:
		return errors.New("-role is none of sctp, registrar, pe and pu")
	}
	var acts []string
	for act := range conformance.Acts {
		if control.Has(act) {
			acts = append(acts, act)
		}
	}
	return shim.Serve(context.Background(), os.Stdin, os.Stdout, ready, acts, control)
}
