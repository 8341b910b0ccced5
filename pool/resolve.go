// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/rserpool/rserpool/asap/agent"
	"github.com/rserpool/rserpool/asap/param"
)

// Errors of resolutions and sessions, to be matched with errors.Is. A registrar's rejection is a *RejectedError, a
// registrar that does not answer a *TimeoutError.
var (
	// ErrPoolNotFound: no element is registered under the handle.
	ErrPoolNotFound = agent.ErrPoolNotFound
	// ErrNoElements: the pool has no element that can be used.
	ErrNoElements = agent.ErrNoElements
	// ErrNoRegistrar: there is no registrar to ask.
	ErrNoRegistrar = agent.ErrNoRegistrar
)

// A RejectedError says that a registrar rejected a request, and why.
type RejectedError = agent.RejectedError

// A TimeoutError says that a registrar did not answer a request.
type TimeoutError = agent.TimeoutError

// Resolve returns elements of a pool, the one to use first in front: several calls take them in the order that the
// policy of the pool demands. What was resolved within Config.ASAP.StaleCacheValue is used without asking a registrar.
//
// Errors: *RejectedError (matches ErrPoolNotFound), ErrNoElements, ErrNoRegistrar, *TimeoutError, the context's.
func (c *Client) Resolve(ctx context.Context, handle string) ([]Element, error) {
	return c.resolveFor(ctx, handle, false)
}

// ResolveFresh is Resolve that always asks a registrar.
func (c *Client) ResolveFresh(ctx context.Context, handle string) ([]Element, error) {
	return c.resolveFor(ctx, handle, true)
}

func (c *Client) resolveFor(ctx context.Context, handle string, fresh bool) ([]Element, error) {
	elems, err := c.resolveWith(ctx, handle, agent.ResolveOptions{Fresh: fresh})
	if err != nil {
		return nil, fmt.Errorf("pool: %w", err)
	}
	return elems, nil
}

// resolveWith returns errors that say for themselves what they are about.
func (c *Client) resolveWith(ctx context.Context, handle string, o agent.ResolveOptions) ([]Element, error) {
	waited := func(err error) ([]Element, error) {
		return nil, fmt.Errorf("handle resolution of pool %.32q: %w", handle, err)
	}
	if err := ctx.Err(); err != nil {
		return waited(err)
	}
	if err := checkHandle(handle); err != nil {
		return nil, err
	}
	answer := make(chan agent.EventResolved, 1)
	var id agent.ResolveID
	var err error
	open := c.do(func(now time.Time) {
		id, err = c.agent.Resolve(now, param.PoolHandle(handle), o)
		if err == nil {
			c.waiting[id] = answer
		}
	})
	switch {
	case !open:
		return waited(errClosed)
	case err != nil:
		return nil, err
	}
	select {
	case e, ok := <-answer:
		if !ok {
			return waited(errClosed)
		}
		if e.Err != nil {
			return nil, e.Err
		}
		elems := make([]Element, len(e.Elements))
		for i, pe := range e.Elements {
			elems[i] = newElement(e.Handle, pe)
		}
		return elems, nil
	case <-ctx.Done():
		found, hunt := true, error(nil)
		c.do(func(time.Time) {
			delete(c.waiting, id)
			c.agent.Cancel(id)
			_, found = c.agent.Home()
			hunt = c.hunt
		})
		if !found {
			return waited(fmt.Errorf("%w: %w", cmp.Or(hunt, ErrNoRegistrar), ctx.Err()))
		}
		return waited(ctx.Err())
	}
}

// ReportUnreachable tells the registrar that an element could not be reached, and does not use it again before the
// registrar names it anew. Report each failure once, and only of elements that were to be used: registrars remove an
// element that is reported too often (RFC 5352, Section 3.5).
func (c *Client) ReportUnreachable(ctx context.Context, handle string, id uint32) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !c.do(func(now time.Time) {
		c.agent.ReportUnreachable(now, agent.Key{Handle: param.PoolHandle(handle), ID: id})
	}) {
		return fmt.Errorf("pool: report of element %s: %w", idString(id), errClosed)
	}
	return nil
}

// hasHome reports whether there is a registrar to ask.
func (c *Client) hasHome() (ok bool) {
	c.do(func(time.Time) { _, ok = c.agent.Home() })
	return ok
}

// items is how many elements a resolution asks for.
func (c *Client) items() int {
	if c.cfg.ASAP.Items == 0 {
		return agent.DefaultItems
	}
	return int(min(c.cfg.ASAP.Items, math.MaxInt32))
}

// PurgeCache forgets what is known of a pool, so that the next resolution asks a registrar (CachePurgeRequest, RFC 5352,
// Section 6.4).
func (c *Client) PurgeCache(handle string) {
	c.do(func(time.Time) { c.agent.Purge(param.PoolHandle(handle)) })
}

// drop does not use an element again before the registrar names it anew.
func (c *Client) drop(handle string, id uint32) {
	c.do(func(time.Time) { c.agent.Drop(agent.Key{Handle: param.PoolHandle(handle), ID: id}) })
}

// checkHandle says what is wrong with a handle, so that nothing need be sent to find out.
func checkHandle(h string) error {
	switch {
	case h == "":
		return errors.New("the pool handle is empty")
	case len(h) > param.MaxPoolHandle:
		return fmt.Errorf("the pool handle %.32q... has %d bytes, more than %d", h, len(h), param.MaxPoolHandle)
	}
	return nil
}
