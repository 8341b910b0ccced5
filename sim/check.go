// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"errors"
	"fmt"

	"github.com/rserpool/rserpool/asap/agent"
	"github.com/rserpool/rserpool/registrar/engine"
)

// Converged says why the scope is not as it should be after a while of peace: all registrars that are up know each other,
// have the same handlespace and agree on the checksums; every pool element that is up is in it, owned by one of them, which
// is the one it has an association with, and nothing else is.
func (w *World) Converged() error {
	var up []*Registrar
	ids := make(map[uint32]*Registrar)
	for _, r := range w.registrars {
		if r.h.up {
			up = append(up, r)
			ids[r.eng.ServerID()] = r
		}
	}
	alive := make(map[agent.Key]bool)
	for _, p := range w.elements {
		for _, k := range p.Keys {
			if p.h.up {
				alive[k] = true
			}
		}
	}
	var first *Registrar
	var want []string
	for _, r := range up {
		if err := w.checkPeers(r, ids); err != nil {
			return err
		}
		var have []string
		for _, pool := range r.eng.Snapshot().Pools {
			for i := range pool.Elements {
				el := &pool.Elements[i]
				if !alive[agent.Key{Handle: pool.Handle, ID: el.ID}] {
					return fmt.Errorf("%v has %s/%x, which is dead", r.h.addr, pool.Handle, el.ID)
				}
				home := ids[el.HomeID]
				if home == nil {
					return fmt.Errorf("%v has %s/%x with home %08x, which is dead", r.h.addr, pool.Handle, el.ID, el.HomeID)
				}
				if (home == r) != (el.Assoc != 0) {
					return fmt.Errorf("%v has %s/%x with home %08x and association %d", r.h.addr, pool.Handle, el.ID, el.HomeID, el.Assoc)
				}
				have = append(have, fmt.Sprintf("%s/%x at %08x %v %v", pool.Handle, el.ID, el.HomeID, el.UserTransport, el.Policy.Type))
			}
		}
		if len(have) != len(alive) {
			err := fmt.Errorf("%v has %d elements of %d", r.h.addr, len(have), len(alive))
			if owned(up) == len(alive) {
				err = fmt.Errorf("%w: %w", err, ErrUnseen)
			}
			return err
		}
		if first == nil {
			first, want = r, have
			continue
		}
		for i := range want {
			if want[i] != have[i] {
				return fmt.Errorf("%v has %s, but %v %s", first.h.addr, want[i], r.h.addr, have[i])
			}
		}
	}
	return nil
}

// ErrUnseen is in the error of Converged if a registrar lacks elements of another one, and the PE checksums of the two are
// the same nevertheless: 16 bits cannot tell all handlespaces apart (RFC 5353, Section 3.6.2). The next re-registrations
// put it right.
var ErrUnseen = errors.New("its checksums are right")

// owned is how many elements are owned by a registrar.
func owned(up []*Registrar) (n int) {
	for _, r := range up {
		for _, pool := range r.eng.Snapshot().Pools {
			for i := range pool.Elements {
				if pool.Elements[i].HomeID == r.eng.ServerID() {
					n++
				}
			}
		}
	}
	return n
}

func (w *World) checkPeers(r *Registrar, ids map[uint32]*Registrar) error {
	peers := r.eng.Peers()
	if len(peers) != len(ids)-1 {
		return fmt.Errorf("%v has %d peers of %d: %+v", r.h.addr, len(peers), len(ids)-1, peers)
	}
	for _, p := range peers {
		q := ids[p.ID]
		switch {
		case q == nil || p.State != engine.PeerActive || p.Assoc == 0:
			return fmt.Errorf("%v has peer %08x, %v, over association %d", r.h.addr, p.ID, p.State, p.Assoc)
		case p.Checksum != q.eng.Checksum():
			return fmt.Errorf("%v has checksum %v of %v, which has %v", r.h.addr, p.Checksum, q.h.addr, q.eng.Checksum())
		}
	}
	return nil
}
