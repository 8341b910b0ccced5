// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rserpool/rserpool/asap/param"
)

// RFC 5352, Section 2.1: "*all* ASAP messages exchanged between an ENRP server and a PE MUST use SCTP as transport, while
// ASAP messages exchanged between an ENRP server and a PU MUST use either SCTP or TCP as transport."

// ErrNeedsSCTP is matched by what says that a pool element cannot use a registrar that is reached by TCP.
var ErrNeedsSCTP = errors.New("pool elements reach registrars by SCTP only")

var errNoSCTP = errors.New("there is no SCTP")

// unfit says why an address is not tried now, or nil.
func (a *Agent) unfit(addr Addr) error {
	switch {
	case !addr.TCP && a.cfg.NoSCTP:
		return errNoSCTP
	case addr.TCP && len(a.elements) > 0:
		return ErrNeedsSCTP
	}
	return nil
}

// unfits says of each registrar that is not tried now why.
func (a *Agent) unfits() (errs []error) {
	for _, c := range a.hunt.candidates {
		if err := a.unfit(c.addr); err != nil {
			errs = append(errs, fmt.Errorf("registrar %v: %w", c.addr, err))
		}
	}
	return errs
}

// leaveTCP gives up what is reached by TCP, because there is a pool element now.
func (a *Agent) leaveTCP(now time.Time) {
	h := &a.hunt
	tcp := func(l *link) bool { return l.addr.TCP }
	for _, l := range h.attempts {
		if tcp(l) {
			a.disconnect(l, ErrNeedsSCTP.Error())
		}
	}
	h.attempts = slices.DeleteFunc(h.attempts, tcp)
	if l := a.home; l != nil && tcp(l) {
		a.disconnect(l, ErrNeedsSCTP.Error())
		a.homeless(now, l, ErrNeedsSCTP)
	}
	a.advanceHunt(now)
}

// announcedTransport reports whether a transport in an announcement is one to be tried. A registrar that is reached by both
// is reached by SCTP if there is SCTP.
//
// RFC 5352, Section 2.2.10: "Only SCTP and TCP Transport parameters are allowed for use within the SERVER_ANNOUNCE
// message."
func (a *Agent) announcedTransport(t *param.Transport) bool {
	want := param.SCTP
	if a.cfg.NoSCTP {
		want = param.TCP
	}
	return t.Protocol == want && t.Port != 0
}
