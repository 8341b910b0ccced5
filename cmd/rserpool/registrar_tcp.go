// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/registrar"
)

// tcpFlags are those of the registrar that are about ASAP over TCP.
type tcpFlags struct {
	port   string
	flags  *pflag.FlagSet
	gaveUp bool // somebody else has the port
}

func (f *tcpFlags) add(fl *pflag.FlagSet, c *registrar.Config) {
	f.flags = fl
	fl.StringVar(&f.port, "tcp-port", strconv.Itoa(asap.Port), "TCP `port` for ASAP with pool users that have no SCTP; any, or off")
	fl.IntVar(&c.MaxTCP, "max-tcp", registrar.DefaultMaxTCP, "TCP connections, a quarter of them from one address; negative: no bound")
	fl.DurationVar(&c.TCPIdleTimeout, "tcp-idle-timeout", registrar.DefaultTCPIdleTimeout, "time a TCP connection may be silent")
}

func (f *tcpFlags) parse(c *registrar.Config) error {
	switch f.port {
	case "off":
		c.TCPPort = 0
	case "any":
		c.TCPPort = -1
	default:
		n, err := strconv.ParseUint(f.port, 10, 16)
		if err != nil || n == 0 {
			return fmt.Errorf("--tcp-port: %q is not a port, any or off", f.port)
		}
		c.TCPPort = int(n)
	}
	return nil
}

// open makes the registrar. If somebody else has the TCP port and nobody has asked for it, there is no TCP: a second
// registrar on a host works as well without.
func (f *tcpFlags) open(cfg registrar.Config) (*registrar.Server, error) {
	srv, err := registrar.New(cfg)
	if !errors.Is(err, registrar.ErrTCP) || f.flags == nil || f.flags.Changed("tcp-port") {
		return srv, err
	}
	cfg.Logger.Warn("pool users without SCTP are not served", "reason", err)
	cfg.TCPPort, f.gaveUp = 0, true
	return registrar.New(cfg)
}

// tcpText spells where a registrar is reached by TCP or TLS, as --registrar takes it.
func tcpText(scheme string, all []netip.AddrPort) string {
	hosts := make([]string, len(all))
	for i, a := range all {
		hosts[i] = a.Addr().String()
		if a.Addr().Is6() {
			hosts[i] = "[" + hosts[i] + "]"
		}
	}
	return fmt.Sprintf("%s://%s:%d", scheme, strings.Join(hosts, ","), all[0].Port())
}
