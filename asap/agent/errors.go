// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rserpool/rserpool/asap/param"
)

var (
	// ErrPoolNotFound is matched by the error of a resolution that the registrar answered with Unknown Pool Handle.
	ErrPoolNotFound = errors.New("no such pool")
	// ErrNoElements is the error of a resolution of a pool that has no element to offer.
	ErrNoElements = errors.New("pool has no usable element")
	// ErrNoRegistrar is matched by the error of a request that found no registrar to answer it.
	ErrNoRegistrar = errors.New("no registrar found")
)

// A RejectedError says that a registrar rejected a request, and why. It matches its Causes with errors.As and, for an
// unknown pool handle, ErrPoolNotFound with errors.Is.
type RejectedError struct {
	Op     string // "registration", "deregistration" or "handle resolution"
	Handle param.PoolHandle
	PEID   uint32 // 0 for a handle resolution
	Causes param.OperationError
}

func (e *RejectedError) Error() string {
	s := fmt.Sprintf("%s of pool %q", e.Op, e.Handle)
	if e.PEID != 0 {
		s = fmt.Sprintf("%s of element %#08x in pool %q", e.Op, e.PEID, e.Handle)
	}
	if len(e.Causes) == 0 {
		return s + " rejected without a reason"
	}
	why := make([]string, len(e.Causes))
	for i, c := range e.Causes {
		why[i] = describeCause(c)
	}
	return s + " rejected: " + strings.Join(why, ", ")
}

// describeCause says in words what the parameter is that a cause quotes, where there are words for it.
func describeCause(c param.Cause) string {
	d := param.NewDecoder(c.Info, &param.Reports{})
	p, ok, err := d.Next()
	if !ok || err != nil {
		return c.String()
	}
	switch {
	case p.IsTransport():
		if t, err := p.Transport(); err == nil {
			return fmt.Sprintf("%v: transport %v", c.Code, t)
		}
	case p.Type == param.TypePolicy:
		if q, err := p.Policy(); err == nil {
			return fmt.Sprintf("%v: policy %v", c.Code, q.Type)
		}
	case p.Type == param.TypePoolHandle:
		if h, err := p.PoolHandle(); err == nil {
			return fmt.Sprintf("%v: pool handle %q", c.Code, h)
		}
	case p.Type == param.TypePoolElement:
		var pe param.PoolElement
		if p.PoolElement(&pe) == nil {
			return fmt.Sprintf("%v: element %#08x at %v", c.Code, pe.ID, pe.UserTransport)
		}
	}
	return c.String()
}

// Is makes an unknown pool handle match ErrPoolNotFound.
func (e *RejectedError) Is(target error) bool {
	return target == ErrPoolNotFound && e.Causes.Has(param.CauseUnknownPoolHandle)
}

// Unwrap returns the causes.
func (e *RejectedError) Unwrap() error { return e.Causes }

// A TimeoutError says that a registrar did not answer a request.
type TimeoutError struct {
	Op       string
	Handle   param.PoolHandle
	Attempts int
	After    time.Duration // of each attempt
}

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("%s of pool %q: no answer from the registrar (%d × %v)", e.Op, e.Handle, e.Attempts, e.After)
}

// Timeout returns true, as that of a net.Error.
func (e *TimeoutError) Timeout() bool { return true }

// A HuntError says why no registrar was found. It matches ErrNoRegistrar.
type HuntError struct {
	Failures []error // one for each registrar that was tried
}

func (e *HuntError) Error() string {
	if len(e.Failures) == 0 {
		return "no registrar found: none is configured, and none has announced itself"
	}
	why := make([]string, len(e.Failures))
	for i, f := range e.Failures {
		why[i] = f.Error()
	}
	return "no registrar found: " + strings.Join(why, "; ")
}

// Unwrap returns ErrNoRegistrar and the failures.
func (e *HuntError) Unwrap() []error { return append([]error{ErrNoRegistrar}, e.Failures...) }

// isRetryElsewhere reports whether another registrar may accept what this one rejected: RSPLIB says so when it did not
// like the addresses of the association.
func isRetryElsewhere(c param.OperationError) bool {
	return c.Has(param.CauseRSPLIBNoASAPAddresses) || c.Has(param.CauseRSPLIBNoUserAddresses)
}

var errExpired = errors.New("the registration life has ended")
