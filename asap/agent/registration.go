// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
)

// A Key names a pool element.
type Key struct {
	Handle param.PoolHandle
	ID     uint32 // PE Identifier
}

// A Registration is a pool element as it wants to be registered.
type Registration struct {
	Key
	// Transport is the user transport: where pool users reach the element.
	Transport param.Transport
	// EncapPort is the UDP port (RFC 6951) of an SCTP transport; 0 is 9899.
	EncapPort uint16
	Policy    param.Policy
	// Interval is that of re-registrations. 0: Config.T4Reregistration, or less if Life demands it.
	Interval time.Duration
	// Life is how long a registrar keeps the element without hearing of it. 0: three times Interval. Negative: for
	// ever. See Config.LifeInSeconds for its unit on the wire.
	Life time.Duration
}

// timing returns the interval of re-registrations and the Registration Life for the wire.
//
// RFC 5352, Section 7.1: "T4-reregistration [...] is normally set to 10 minutes or 20 seconds less than the Lifetime
// parameter used in the registration request (whichever is less)."
func (r *Registration) timing(cfg *Config) (t4 time.Duration, life uint32) {
	t4 = r.Interval
	if t4 == 0 {
		t4 = cfg.T4Reregistration
		if r.Life > 0 {
			t4 = min(t4, max(r.Life-lifeMargin, r.Life/lifeFactor))
		}
	}
	l := r.Life
	if l == 0 {
		l = lifeFactor * t4
	}
	if l < 0 {
		return t4, param.LifeInfinite
	}
	unit := time.Millisecond
	if cfg.LifeInSeconds {
		unit = time.Second
	}
	// Rounded up, and positive also for those who read it as signed.
	return t4, uint32(min((l+unit-1)/unit, math.MaxInt32))
}

func (r *Registration) check(cfg *Config) error {
	switch {
	case r.ID == 0:
		return fmt.Errorf("agent: register in pool %.32q: PE Identifier is 0", r.Handle)
	case r.Interval < 0 || r.Interval > 0 && r.Interval < minReregistration:
		return fmt.Errorf("agent: register in pool %.32q: re-registration interval %v is less than %v", r.Handle, r.Interval, minReregistration)
	case r.Transport.Protocol == param.SCTP && r.Transport.Port == 0:
		return fmt.Errorf("agent: register in pool %.32q: transport %v has no port", r.Handle, r.Transport)
	}
	if _, err := r.message(cfg, nil).AppendBinary(nil); err != nil {
		return fmt.Errorf("agent: register in pool %.32q: %w", r.Handle, err)
	}
	return nil
}

// message formulates the ASAP_REGISTRATION for a link; nil means none in particular.
//
// RFC 5352, Section 3.1, R2: "the PE's ASAP Endpoint MUST formulate an ASAP_REGISTRATION message, as defined in Section
// 2.2.1."
func (r *Registration) message(cfg *Config, l *link) *asap.Registration {
	_, life := r.timing(cfg)
	t := r.Transport
	if l != nil {
		t.Addrs = l.usable(t.Addrs)
	}
	return &asap.Registration{
		PoolHandle: r.Handle,
		PoolElement: param.PoolElement{
			ID: r.ID, Life: life, UserTransport: t, Policy: r.Policy, EncapPort: r.EncapPort,
		},
	}
}

// usable returns those of an element's addresses that its association with the registrar can have, or all of them if that
// leaves none.
//
// RFC 5352, Section 2.2.1: "the IP address(es) of the PE that is registered within the Pool Element parameter MUST be a
// subset of the IP address(es) used in the SCTP association": those of the loopback interface are not, in one that leaves
// the host, and those of an address family are not which the registrar has no address of.
func (l *link) usable(addrs []netip.Addr) []netip.Addr {
	local := l.addr.isLoopback()
	left := slices.DeleteFunc(slices.Clone(addrs), func(ip netip.Addr) bool {
		return ip.IsLoopback() && !local || !slices.ContainsFunc(l.peer, func(p netip.Addr) bool { return p.Unmap().Is4() == ip.Unmap().Is4() })
	})
	if len(left) == 0 {
		return addrs
	}
	return left
}
