// SPDX-License-Identifier: Apache-2.0

package enrp

import (
	"fmt"

	"github.com/rserpool/rserpool/asap/param"
)

// begin starts a message with its fixed part.
func begin(b []byte, m parser, flags uint8) param.Encoder {
	e := param.NewEncoder(b, uint8(m.Type()), flags)
	h := m.header()
	e.Uint32(h.Sender)
	e.Uint32(h.Receiver)
	return e
}

// finish completes a message; an error names it.
func finish(m Message, e *param.Encoder) ([]byte, error) {
	b, err := e.Finish()
	if err != nil {
		return b, fmt.Errorf("enrp: cannot encode %v: %w", m.Type(), err)
	}
	return b, nil
}

// element appends a pool element with all that a peer needs to take it over.
func element(e *param.Encoder, pe *param.PoolElement) {
	switch {
	case pe.HomeID == 0:
		e.Fail(param.TypePoolElement, "has no home server")
	case pe.ASAPTransport == nil:
		e.Fail(param.TypePoolElement, "has no ASAP transport")
	}
	e.PoolElement(pe)
}

// flag returns bit if on.
func flag(on bool, bit uint8) uint8 {
	if on {
		return bit
	}
	return 0
}
