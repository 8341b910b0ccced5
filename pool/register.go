// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"math"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/rserpool/rserpool/asap/agent"
	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/pool/policy"
)

// A Registration is what an element is registered with. Only Handle is needed.
type Registration struct {
	// Handle is that of the pool: 1 to 65531 bytes, at most 32 if RSPLIB is around.
	Handle string
	// ID is the PE Identifier. Default: a random one (RFC 5352, Section 3.1, R2.2).
	ID uint32
	// Policy is that of the pool, with the element's own weight or load. Default: policy.RoundRobin{}.
	Policy policy.Policy
	// Addrs are the addresses at which the element is reached. Default: all of the stack. They must be among those.
	Addrs []netip.Addr
	// Port is the SCTP port at which the element is reached. Default: that of the Client, for which a Server is needed.
	Port uint16
	// Transport is for elements that are not reached by the SCTP of this stack; it then stands for Addrs and Port.
	Transport param.Transport
	// DataOnly says that the element takes no ASAP messages, such as cookies, on its associations. All elements of a
	// pool must agree; those of RSPLIB do take them.
	DataOnly bool
	// Interval is that of re-registrations. Default: Config.ASAP.T4Reregistration, 30 s.
	Interval time.Duration
	// Life is how long registrars keep the element without hearing of it. Default: three times Interval. Negative: for
	// ever.
	Life time.Duration
}

// A RegistrationState is the state of a registration.
type RegistrationState uint8

const (
	// Registering: no registrar has accepted the registration yet.
	Registering RegistrationState = iota
	// RegistrationUp: a registrar has accepted it.
	RegistrationUp
	// RegistrationDown: the registrar that had accepted it is gone, or has let it expire; another is being asked.
	RegistrationDown
	// RegistrationOver: the element was rejected or deregistered. Nothing follows.
	RegistrationOver
)

func (s RegistrationState) String() string {
	switch s {
	case Registering:
		return "registering"
	case RegistrationUp:
		return "up"
	case RegistrationDown:
		return "down"
	case RegistrationOver:
		return "over"
	}
	return "invalid"
}

// A RegistrationEvent is a change of a registration.
type RegistrationEvent struct {
	State RegistrationState
	// Err says why it is down or over; nil after Deregister.
	Err error
	// Warnings are what the registrar remarked while accepting it.
	Warnings param.OperationError
}

// maxEvents bounds the events kept for NextEvent; older ones are dropped.
const maxEvents = 16

// Registered is an element that is kept registered until it is deregistered.
type Registered struct {
	c   *Client
	key agent.Key

	settled chan struct{} // closed by the first success or the end
	over    chan struct{} // closed at the end
	signal  chan struct{} // something happened; has room for one

	// mu comes after that of the Client.
	mu     sync.Mutex
	reg    agent.Registration
	own    bool // with the addresses of the stack, whatever they are
	policy policy.Policy
	told   policy.Policy // that the registrar knows
	state  RegistrationState
	err    error
	events []RegistrationEvent
}

// Register registers an element, and keeps it registered with whatever registrar there is until Deregister. It waits
// until a registrar has accepted or rejected it. If the context ends before, it is withdrawn.
//
// Errors: *RejectedError, *TimeoutError if Config.ASAP.MaxRegAttempt says so, ErrNeedsSCTP, ErrNoSCTP, the context's.
func (c *Client) Register(ctx context.Context, r Registration) (*Registered, error) {
	fail := func(err error) (*Registered, error) {
		return nil, fmt.Errorf("pool: register in %.32q: %w", r.Handle, err)
	}
	if err := ctx.Err(); err != nil {
		return fail(err)
	}
	if err := checkHandle(r.Handle); err != nil {
		return nil, fmt.Errorf("pool: register: %w", err)
	}
	if err := c.needsSCTP(); err != nil {
		return fail(err)
	}
	ar := c.registration(&r)
	reg := &Registered{
		c: c, key: ar.Key, reg: ar, policy: r.Policy, told: r.Policy,
		own:     r.Transport.Protocol == 0 && len(r.Addrs) == 0,
		settled: make(chan struct{}), over: make(chan struct{}), signal: make(chan struct{}, 1),
	}
	var err error
	open := c.do(func(now time.Time) {
		if c.elements[ar.Key] != nil {
			err = fmt.Errorf("element %s is registered already", idString(ar.ID))
			return
		}
		if err = c.agent.Register(now, ar); err == nil {
			c.elements[ar.Key] = reg
		}
	})
	switch {
	case !open:
		return fail(errClosed)
	case err != nil:
		return fail(err)
	}
	select {
	case <-reg.settled:
		if err := reg.Err(); err != nil {
			return fail(err)
		}
		return reg, nil
	case <-ctx.Done():
		c.do(func(now time.Time) {
			delete(c.elements, ar.Key)
			c.agent.Deregister(now, ar.Key)
		})
		return fail(ctx.Err())
	}
}

// registration fills in the defaults.
func (c *Client) registration(r *Registration) agent.Registration {
	for r.ID == 0 {
		// RFC 5352, Section 3.1, R2.2: "Fill in the PE identifier using a good-quality randomly generated number"
		var b [4]byte
		rand.Read(b[:])
		r.ID = binary.BigEndian.Uint32(b[:])
	}
	if r.Policy == nil {
		r.Policy = policy.RoundRobin{}
	}
	ar := agent.Registration{
		Key:       agent.Key{Handle: param.PoolHandle(r.Handle), ID: r.ID},
		Transport: r.Transport,
		Policy:    r.Policy.Param(), Interval: r.Interval, Life: r.Life,
	}
	if r.Transport.Protocol != 0 {
		return ar
	}
	ar.Transport = param.Transport{Protocol: param.SCTP, Port: r.Port, Addrs: r.Addrs, Use: param.DataPlusControl}
	if r.DataOnly {
		ar.Transport.Use = param.DataOnly
	}
	if r.Port == 0 {
		ar.Transport.Port = c.port
	}
	if len(r.Addrs) == 0 {
		addrs := c.stack.Addrs()
		ar.Transport.Addrs = addrs[:min(len(addrs), param.MaxAddrs)]
	}
	if p := c.stack.EncapPort(); p != param.DefaultEncapPort {
		ar.EncapPort = p
	}
	return ar
}

// ID returns the PE Identifier.
func (r *Registered) ID() uint32 { return r.key.ID }

// Handle returns the handle of the pool.
func (r *Registered) Handle() string { return string(r.key.Handle) }

// State returns the state of the registration.
func (r *Registered) State() RegistrationState {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state
}

// Err returns why the registration is over, or nil.
func (r *Registered) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// Done returns a channel that is closed when the registration is over.
func (r *Registered) Done() <-chan struct{} { return r.over }

// UpdatePolicy tells the registrar a new policy value at once. The policy type must be that of the pool.
func (r *Registered) UpdatePolicy(p policy.Policy) error {
	if p == nil {
		return fmt.Errorf("pool: update of element %s: the policy is nil", idString(r.key.ID))
	}
	var err error
	open := r.c.do(func(now time.Time) {
		if err = r.c.agent.UpdatePolicy(now, r.key, p.Param()); err == nil {
			r.mu.Lock()
			r.policy, r.told = p, p
			r.mu.Unlock()
		}
	})
	if !open {
		return fmt.Errorf("pool: update of element %s: %w", idString(r.key.ID), errClosed)
	}
	return err
}

// loadStep is the least change of a load that is told at once: 1 %. An element whose load is never the same twice does
// not need a registrar's time for each of them.
const loadStep = math.MaxUint32 / 100

// SetLoad sets the load of the element, a number from 0 to 1. The registrar is told at once if it differs by 0.01 or more
// from what it knows, or else with the next re-registration. It does nothing if the policy has no load.
func (r *Registered) SetLoad(load float64) error {
	if err := checkLoad(load); err != nil {
		return err
	}
	r.mu.Lock()
	p, told := r.policy, r.told
	r.mu.Unlock()
	q := policy.WithLoad(p, policy.Fraction(load))
	if q.Param() == p.Param() {
		return nil
	}
	if a, b := q.Param().Load, told.Param().Load; max(a, b)-min(a, b) >= loadStep {
		return r.UpdatePolicy(q)
	}
	var err error
	if !r.c.do(func(time.Time) {
		if err = r.c.agent.NotePolicy(r.key, q.Param()); err == nil {
			r.mu.Lock()
			r.policy = q
			r.mu.Unlock()
		}
	}) {
		return fmt.Errorf("pool: update of element %s: %w", idString(r.key.ID), errClosed)
	}
	return err
}

// Element returns the element as it registers, for a business card for example.
func (r *Registered) Element() Element {
	r.mu.Lock()
	defer r.mu.Unlock()
	return newElement(r.key.Handle, param.PoolElement{
		ID: r.key.ID, UserTransport: r.reg.Transport, EncapPort: r.reg.EncapPort, Policy: r.policy.Param(),
	})
}

func checkLoad(load float64) error {
	if !(load >= 0 && load <= 1) { // NaN is neither
		return fmt.Errorf("pool: load %v is not a number from 0 to 1", load)
	}
	return nil
}

// Deregister takes the element out of the pool, and waits until the registrar has confirmed it. If the context ends
// before, the registrar is left to find out.
func (r *Registered) Deregister(ctx context.Context) error {
	open := r.c.do(func(now time.Time) {
		if r.c.elements[r.key] == r {
			r.c.agent.Deregister(now, r.key)
		}
	})
	if !open {
		return fmt.Errorf("pool: deregister from %q: %w", r.key.Handle, errClosed)
	}
	select {
	case <-r.over:
		return r.Err()
	case <-ctx.Done():
		r.c.do(func(time.Time) {
			if r.c.elements[r.key] == r {
				delete(r.c.elements, r.key)
				r.c.agent.Forget(r.key)
				r.end(ctx.Err())
			}
		})
		return fmt.Errorf("pool: deregister from %q: %w", r.key.Handle, ctx.Err())
	}
}

// NextEvent waits for the next change of the registration. The last 16 are kept for it. After the one that says that
// it is over, it returns net.ErrClosed.
func (r *Registered) NextEvent(ctx context.Context) (RegistrationEvent, error) {
	for {
		r.mu.Lock()
		if len(r.events) > 0 {
			e := r.events[0]
			r.events = r.events[1:]
			r.mu.Unlock()
			return e, nil
		}
		over := r.state == RegistrationOver
		r.mu.Unlock()
		if over {
			return RegistrationEvent{}, net.ErrClosed
		}
		select {
		case <-r.signal:
		case <-r.over:
		case <-ctx.Done():
			return RegistrationEvent{}, ctx.Err()
		}
	}
}

func (r *Registered) push(e RegistrationEvent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.state == RegistrationOver {
		return
	}
	if r.state == Registering && e.State != RegistrationDown {
		close(r.settled)
	}
	if e.State != RegistrationDown || r.state != Registering {
		r.state = e.State
	}
	if len(r.events) == maxEvents {
		r.events = r.events[1:]
	}
	r.events = append(r.events, e)
	if e.State == RegistrationOver {
		r.err = e.Err
		close(r.over)
	}
	select {
	case r.signal <- struct{}{}:
	default:
	}
}

func (r *Registered) registered(e agent.EventRegistered) {
	r.mu.Lock()
	r.told = r.policy
	r.mu.Unlock()
	if e.First || len(e.Warnings) > 0 {
		r.push(RegistrationEvent{State: RegistrationUp, Warnings: e.Warnings})
	}
}

func (r *Registered) unregistered(e agent.EventUnregistered) {
	if !e.Final {
		r.push(RegistrationEvent{State: RegistrationDown, Err: e.Err})
		return
	}
	delete(r.c.elements, r.key)
	r.c.agent.Forget(r.key)
	r.end(e.Err)
}

// end is the last thing that happens.
func (r *Registered) end(err error) { r.push(RegistrationEvent{State: RegistrationOver, Err: err}) }
