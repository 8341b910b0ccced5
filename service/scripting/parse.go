// SPDX-License-Identifier: Apache-2.0

package scripting

import (
	"encoding/binary"
	"fmt"
)

// Parse returns the message in b, which is all of b. Its Data is a part of b.
func Parse(b []byte) (Message, error) {
	if len(b) < header {
		return nil, fmt.Errorf("scripting: a message of %d bytes, less than the %d of its header", len(b), header)
	}
	if n := int(binary.BigEndian.Uint16(b[2:])); n != len(b) {
		return nil, fmt.Errorf("scripting: length field %d in a message of %d bytes", n, len(b))
	}
	body := b[header:]
	switch b[0] {
	case typeNotReady:
		m := &NotReady{}
		if err := size(m, body, 4, 4+MaxInfo); err != nil {
			return nil, err
		}
		m.Reason, m.Info = Reason(binary.BigEndian.Uint32(body)), string(body[4:])
		return m, nil
	case typeReady:
		m := &Ready{Info: string(body)}
		return checked(m, size(m, body, 0, MaxInfo))
	case typeUpload:
		m := &Upload{Data: body}
		return checked(m, size(m, body, 0, MaxData))
	case typeDownload:
		m := &Download{Data: body}
		return checked(m, size(m, body, 0, MaxData))
	case typeKeepAlive:
		m := &KeepAlive{}
		return checked(m, size(m, body, 0, 0))
	case typeKeepAliveAck:
		m := &KeepAliveAck{Bare: len(body) == 0}
		if m.Bare {
			return m, nil
		}
		if err := size(m, body, 4, 4); err != nil {
			return nil, err
		}
		m.Status = binary.BigEndian.Uint32(body)
		return m, nil
	case typeStatus:
		m := &Status{}
		if err := size(m, body, 4, 4); err != nil {
			return nil, err
		}
		m.Status = binary.BigEndian.Uint32(body)
		return m, nil
	case typeEnvironment:
		m := &Environment{UploadNeeded: b[1]&flagUploadNeeded != 0}
		if err := size(m, body, len(m.Hash), len(m.Hash)); err != nil {
			return nil, err
		}
		copy(m.Hash[:], body)
		return m, nil
	}
	return nil, fmt.Errorf("scripting: message type %d is not within 0 to 7", b[0])
}

// checked makes nil of a message that is not valid.
func checked(m Message, err error) (Message, error) {
	if err != nil {
		return nil, err
	}
	return m, nil
}

// size says what is wrong with the size of what follows the header.
func size(m Message, body []byte, least, most int) error {
	switch {
	case len(body) < least:
		return fmt.Errorf("scripting: %s: %d bytes, less than %d", m.name(), header+len(body), header+least)
	case len(body) > most:
		return fmt.Errorf("scripting: %s: %d bytes, more than %d", m.name(), header+len(body), header+most)
	}
	return nil
}
