// SPDX-License-Identifier: Apache-2.0

package asap

import (
	"fmt"

	"github.com/rserpool/rserpool/asap/param"
)

// finish completes a message; an error names it.
func finish(m Message, e *param.Encoder) ([]byte, error) {
	b, err := e.Finish()
	if err != nil {
		return b, fmt.Errorf("asap: cannot encode %v: %w", m.Type(), err)
	}
	return b, nil
}

// appendHandleAndID appends a message that is nothing but a Pool Handle and a PE Identifier.
func appendHandleAndID(b []byte, m Message, h param.PoolHandle, peID uint32) ([]byte, error) {
	e := param.NewEncoder(b, uint8(m.Type()), 0)
	e.PoolHandle(h)
	e.PEIdentifier(peID)
	return finish(m, &e)
}

// flag returns bit if on.
func flag(on bool, bit uint8) uint8 {
	if on {
		return bit
	}
	return 0
}
