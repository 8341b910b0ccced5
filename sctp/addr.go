// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/rserpool/rserpool/udpencap"
)

// An Addr is the address of an SCTP endpoint: its IP addresses, its SCTP port
// and the UDP port it is reached at. Its text form is
//
//	10.0.0.1,10.1.0.1:5000
//	[2001:db8::1],10.0.0.1:5000
//	10.0.0.1:5000/9900
//
// with the UDP port behind the slash, unless it is 9899. It is a net.Addr.
type Addr struct {
	// IPs are the addresses, the preferred one first. None stands for all
	// addresses of the host where something listens.
	IPs []netip.Addr
	// Port is the SCTP port.
	Port uint16
	// EncapPort is the UDP port of the encapsulation (RFC 6951). 0: 9899.
	EncapPort uint16
}

// Network returns "sctp".
func (a *Addr) Network() string { return "sctp" }

// String returns the text form, which ParseAddr reads.
func (a *Addr) String() string {
	if a == nil {
		return "<nil>"
	}
	var b strings.Builder
	for i, ip := range a.IPs {
		if i > 0 {
			b.WriteByte(',')
		}
		if ip.Is4() {
			b.WriteString(ip.String())
		} else {
			fmt.Fprintf(&b, "[%v]", ip)
		}
	}
	fmt.Fprintf(&b, ":%d", a.Port)
	if p := a.encapPort(); p != udpencap.DefaultPort {
		fmt.Fprintf(&b, "/%d", p)
	}
	return b.String()
}

func (a *Addr) encapPort() uint16 {
	if a.EncapPort == 0 {
		return udpencap.DefaultPort
	}
	return a.EncapPort
}

// transports returns the peer's addresses with the UDP port.
func (a *Addr) transports() []netip.AddrPort {
	r := make([]netip.AddrPort, len(a.IPs))
	for i, ip := range a.IPs {
		r[i] = netip.AddrPortFrom(ip.Unmap(), a.encapPort())
	}
	return r
}

// check says what makes the address unfit for Dial.
func (a *Addr) check() error {
	switch {
	case a == nil:
		return fmt.Errorf("no address")
	case len(a.IPs) == 0:
		return fmt.Errorf("no IP address given")
	case a.Port == 0:
		return fmt.Errorf("SCTP port is 0")
	}
	for _, ip := range a.IPs {
		if why := unusable(ip); why != "" {
			return fmt.Errorf("%v %s", ip, why)
		}
	}
	return nil
}

// unusable says why an address cannot be that of an SCTP endpoint.
func unusable(ip netip.Addr) string {
	switch {
	case !ip.IsValid():
		return "is no IP address"
	case ip.IsUnspecified():
		return "is the unspecified address"
	case ip.IsMulticast():
		return "is a multicast address"
	case ip.Zone() != "":
		return "has a zone; link-local addresses are not usable with SCTP"
	}
	return ""
}

// ParseAddr reads the text form of an Addr.
func ParseAddr(s string) (*Addr, error) {
	a, names, err := parseAddr(s)
	if err != nil {
		return nil, err
	}
	for _, n := range names {
		ip, err := netip.ParseAddr(n)
		if err != nil {
			return nil, addrError(s, "%q is not an IP address", n)
		}
		if err := a.add(s, ip); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// ResolveAddr reads the text form of an Addr in which host names may stand
// for IP addresses. A name stands for all its addresses.
func ResolveAddr(ctx context.Context, s string) (*Addr, error) {
	a, names, err := parseAddr(s)
	if err != nil {
		return nil, err
	}
	for _, n := range names {
		ips, err := []netip.Addr{}, error(nil)
		if ip, perr := netip.ParseAddr(n); perr == nil {
			ips = append(ips, ip)
		} else if ips, err = net.DefaultResolver.LookupNetIP(ctx, "ip", n); err != nil {
			return nil, fmt.Errorf("sctp: address %q: %w", s, err)
		}
		for _, ip := range ips {
			if slices.Contains(a.IPs, ip.Unmap()) && len(ips) > 1 {
				continue // two names of one host
			}
			if err := a.add(s, ip); err != nil {
				return nil, err
			}
		}
	}
	return a, nil
}

func (a *Addr) add(s string, ip netip.Addr) error {
	ip = ip.Unmap()
	if ip.Zone() != "" {
		return addrError(s, "%v %s", ip, unusable(ip))
	}
	if slices.Contains(a.IPs, ip) {
		return addrError(s, "%v is listed twice", ip)
	}
	a.IPs = append(a.IPs, ip)
	return nil
}

// parseAddr splits the text form into ports and the names before them.
func parseAddr(s string) (*Addr, []string, error) {
	var a Addr
	rest, udp, hasUDP := strings.Cut(s, "/")
	if hasUDP {
		p, err := parsePort(udp)
		if err != nil || p == 0 {
			return nil, nil, addrError(s, "UDP port %q is not within 1 to 65535", udp)
		}
		a.EncapPort = p
	}
	i := strings.LastIndexByte(rest, ':')
	if i < 0 || strings.HasSuffix(rest, "]") {
		return nil, nil, addrError(s, "no SCTP port; want ADDRESS[,ADDRESS...]:PORT[/UDPPORT]")
	}
	p, err := parsePort(rest[i+1:])
	if err != nil {
		return nil, nil, addrError(s, "SCTP port %q is not within 0 to 65535", rest[i+1:])
	}
	a.Port = p
	if i == 0 {
		return &a, nil, nil
	}
	names := strings.Split(rest[:i], ",")
	for k, n := range names {
		if in, ok := strings.CutPrefix(n, "["); ok {
			in, ok = strings.CutSuffix(in, "]")
			if !ok || !strings.Contains(in, ":") {
				return nil, nil, addrError(s, "%q is not an IPv6 address in brackets", n)
			}
			names[k] = in
		} else if strings.Contains(n, ":") {
			return nil, nil, addrError(s, "%q: an IPv6 address must be in brackets", n)
		} else if n == "" {
			return nil, nil, addrError(s, "an address in the list is empty")
		}
	}
	return &a, names, nil
}

func parsePort(s string) (uint16, error) {
	if s == "" || s[0] == '+' {
		return 0, strconv.ErrSyntax
	}
	n, err := strconv.ParseUint(s, 10, 16)
	return uint16(n), err
}

func addrError(s, format string, args ...any) error {
	return fmt.Errorf("sctp: address %q: %s", s, fmt.Sprintf(format, args...))
}
