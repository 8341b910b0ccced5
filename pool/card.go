// SPDX-License-Identifier: Apache-2.0

package pool

import (
	"errors"
	"fmt"
	"time"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
)

// A BusinessCard (RFC 5352, Section 3.9) is what an element says of its pool to whom it speaks with: the handle, and
// which elements to turn to when it fails, the best one first. It may be read as a last will.
type BusinessCard struct {
	// Handle is that of the pool.
	Handle string
	// Elements are those to fail over to: at least one, and no more than a message of 64 KiB holds.
	Elements []Element
}

// A CardNotice tells that an element has sent a business card. It does not end the session, nor need anything be done.
type CardNotice struct{ Card BusinessCard }

func (e *CardNotice) Error() string {
	return fmt.Sprintf("pool %q: business card with %d elements", e.Card.Handle, len(e.Card.Elements))
}

// maxNotices bounds the notices kept for Recv; older ones are dropped.
const maxNotices = 16

// errNoControl is what messages of ASAP are refused with to those who would take them for data.
var errNoControl = errors.New("pool: there is no control channel: the element is registered as DATA ONLY")

func newCard(m *asap.BusinessCard) *BusinessCard {
	c := &BusinessCard{Handle: string(m.PoolHandle), Elements: make([]Element, len(m.PoolElements))}
	for i, pe := range m.PoolElements {
		c.Elements[i] = newElement(m.PoolHandle, pe)
	}
	return c
}

func (c *BusinessCard) message() (*asap.BusinessCard, error) {
	if err := checkHandle(c.Handle); err != nil {
		return nil, fmt.Errorf("pool: business card: %w", err)
	}
	m := &asap.BusinessCard{PoolHandle: param.PoolHandle(c.Handle)}
	for _, e := range c.Elements {
		m.PoolElements = append(m.PoolElements, e.param())
	}
	if _, err := m.AppendBinary(nil); err != nil {
		return nil, fmt.Errorf("pool: business card: %w", err)
	}
	return m, nil
}

func (c *BusinessCard) encode() ([]byte, error) {
	m, err := c.message()
	if err != nil {
		return nil, err
	}
	return m.AppendBinary(nil)
}

// order puts the elements that the card lists in front. What a registrar has named is alive as far as it knows; the
// others of the card are used only if it may have named a part of the pool.
//
// RFC 5352, Section 3.9, BC2: "If the peer's PE should fail, this preferred list will be used to guide the ASAP Endpoint in
// the selection of an alternate PE."
func (c *BusinessCard) order(named []Element, all bool) []Element {
	if c == nil {
		return named
	}
	known := make(map[uint32]Element, len(named))
	for _, e := range named {
		known[e.ID] = e
	}
	var elems []Element
	used := make(map[uint32]bool)
	add := func(e Element) {
		if !used[e.ID] {
			used[e.ID] = true
			elems = append(elems, e)
		}
	}
	for _, e := range c.Elements {
		if k, ok := known[e.ID]; ok {
			add(k)
		} else if !all && e.Addr() != nil {
			add(e)
		}
	}
	for _, e := range named {
		add(e)
	}
	return elems
}

// populate sees to it that the cache knows a pool.
//
// RFC 5352, Section 3.9, BC1: "if no entry exists in the translation cache of the receiving ASAP Endpoint for the pool handle
// listed within the ASAP_BUSINESS_CARD message, perform an ASAP_HANDLE_RESOLUTION for that pool handle."
func (c *Client) populate(handle string) {
	c.do(func(now time.Time) { c.agent.Populate(now, param.PoolHandle(handle)) })
}
