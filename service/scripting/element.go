// SPDX-License-Identifier: Apache-2.0

package scripting

import (
	"crypto/sha1"
	"errors"
	"fmt"
	"hash"
	"time"
)

// The defaults of times are RSPLIB's.
const (
	DefaultTransmitTimeout     = 30 * time.Second
	DefaultElementKeepAlive    = 15 * time.Second
	DefaultElementKeepAliveAck = 10 * time.Second
	DefaultMaxPackage          = 64 << 20 // bytes
	DefaultMaxEnvironment      = 64 << 20 // bytes
)

// An ElementConfig says how an Element works. Zero is the default of a field.
type ElementConfig struct {
	// Info is what a user is told of the host, at most MaxInfo bytes.
	Info string
	// TransmitTimeout is how long a user may take from one part of an upload to the next. Default: DefaultTransmitTimeout.
	TransmitTimeout time.Duration
	// KeepAliveInterval is how long after the last sign of the user he is asked whether he still waits, and KeepAliveTimeout
	// how long he may take to answer. Default: DefaultElementKeepAlive, DefaultElementKeepAliveAck.
	KeepAliveInterval, KeepAliveTimeout time.Duration
	// MaxPackage and MaxEnvironment are how many bytes he may upload. Default: DefaultMaxPackage, DefaultMaxEnvironment.
	MaxPackage, MaxEnvironment int64
}

// Validate says what is wrong with the configuration.
func (c *ElementConfig) Validate() error {
	switch {
	case len(c.Info) > MaxInfo:
		return fmt.Errorf("scripting: Info has %d bytes, more than %d", len(c.Info), MaxInfo)
	case c.TransmitTimeout < 0, c.KeepAliveInterval < 0, c.KeepAliveTimeout < 0:
		return fmt.Errorf("scripting: a time is negative")
	case c.MaxPackage < 0, c.MaxEnvironment < 0:
		return fmt.Errorf("scripting: a limit is negative")
	}
	return nil
}

func (c *ElementConfig) defaults() {
	or(&c.TransmitTimeout, DefaultTransmitTimeout)
	or(&c.KeepAliveInterval, DefaultElementKeepAlive)
	or(&c.KeepAliveTimeout, DefaultElementKeepAliveAck)
	or(&c.MaxPackage, DefaultMaxPackage)
	or(&c.MaxEnvironment, DefaultMaxEnvironment)
}

// or sets what is zero.
func or[T comparable](v *T, to T) {
	var zero T
	if *v == zero {
		*v = to
	}
}

// What an Element says of a user who is not there any more: the session is to be ended.
var (
	ErrUploadTimeout    = errors.New("scripting: the upload does not go on")
	ErrKeepAliveTimeout = errors.New("scripting: the user does not answer")
)

// An ElementDo is what an element has to do because of a message.
type ElementDo uint8

// What there is to do.
const (
	ElementNothing   ElementDo = iota
	StorePackage               // Data is the next part of the work package
	LookUp                     // say by HandleLookup whether there is an environment with that Hash
	StoreEnvironment           // Data is the next part of the environment
	Run                        // the upload is complete: run the script, and call HandleExit
)

// An ElementAction is what an element has to do.
type ElementAction struct {
	Do   ElementDo
	Data []byte
	Hash Hash
}

// An Element is the side of a pool element of one session.
type Element struct {
	cfg   ElementConfig
	state elementState
	due   time.Time
	asked bool // a KeepAlive was sent
	owed  bool // a KeepAliveAck, for which RSPLIB's users are not ready before the Status
	out   []Message

	left    int64 // bytes that may still be uploaded of what is being uploaded
	query   *Hash
	missing bool // the environment is to be uploaded
	sum     hash.Hash
}

type elementState uint8

const (
	uploadingPackage elementState = iota
	uploadingEnvironment
	working
	downloading
)

// NewElement returns the side of an element that is ready. The configuration must be valid.
func NewElement(now time.Time, cfg ElementConfig) *Element {
	cfg.defaults()
	return &Element{cfg: cfg, due: now.Add(cfg.TransmitTimeout), left: cfg.MaxPackage, out: []Message{&Ready{Info: cfg.Info}}}
}

// Environment returns the hash of the environment that the user has asked for.
func (e *Element) Environment() (h Hash, ok bool) {
	if e.query == nil {
		return h, false
	}
	return *e.query, true
}

// HandleMessage takes a message. It fails if a user does not send such a thing, or too much.
func (e *Element) HandleMessage(now time.Time, m Message) (ElementAction, error) {
	switch m := m.(type) {
	case *Upload:
		if e.state < working {
			return e.upload(now, m.Data)
		}
	case *Environment:
		if e.state == uploadingPackage && e.query == nil {
			h := m.Hash
			e.query = &h
			return ElementAction{Do: LookUp, Hash: h}, nil
		}
	case *KeepAlive:
		if e.state < working {
			e.owed = true
		} else {
			e.send(&KeepAliveAck{})
		}
		return ElementAction{}, nil
	case *KeepAliveAck:
		if e.state == working {
			e.asked, e.due = false, now.Add(e.cfg.KeepAliveInterval)
		}
		if e.state >= working {
			return ElementAction{}, nil
		}
	}
	return ElementAction{}, fmt.Errorf("scripting: %s, which is out of place", m.name())
}

// upload takes a part of the package or of the environment.
func (e *Element) upload(now time.Time, data []byte) (ElementAction, error) {
	e.due = now.Add(e.cfg.TransmitTimeout)
	if e.left -= int64(len(data)); e.left < 0 {
		if e.state == uploadingPackage {
			return ElementAction{}, fmt.Errorf("scripting: the work package has more than %d bytes", e.cfg.MaxPackage)
		}
		return ElementAction{}, fmt.Errorf("scripting: the environment has more than %d bytes", e.cfg.MaxEnvironment)
	}
	switch {
	case e.state == uploadingPackage && len(data) > 0:
		return ElementAction{Do: StorePackage, Data: data}, nil
	case e.state == uploadingPackage && e.missing:
		e.state, e.left, e.sum = uploadingEnvironment, e.cfg.MaxEnvironment, sha1.New()
		return ElementAction{}, nil
	case e.state == uploadingEnvironment && len(data) > 0:
		e.sum.Write(data)
		return ElementAction{Do: StoreEnvironment, Data: data}, nil
	case e.state == uploadingEnvironment && Hash(e.sum.Sum(nil)) != *e.query:
		return ElementAction{}, fmt.Errorf("scripting: the environment has SHA-1 %x, but %x was asked for", e.sum.Sum(nil), *e.query)
	}
	e.state, e.due = working, now.Add(e.cfg.KeepAliveInterval)
	e.send(&Status{})
	if e.owed {
		e.owed = false
		e.send(&KeepAliveAck{})
	}
	return ElementAction{Do: Run}, nil
}

// HandleLookup says whether there is the environment that was asked for.
func (e *Element) HandleLookup(found bool) {
	e.missing = !found
	e.send(&Environment{Hash: *e.query, UploadNeeded: !found})
}

// HandleExit says that the script has ended. Then Download messages are to be sent, after what Poll returns.
func (e *Element) HandleExit(status uint32) {
	e.state, e.due = downloading, time.Time{}
	e.send(&Status{Status: status})
}

// Deadline returns when HandleTimer is to be called, the zero time if nothing is due.
func (e *Element) Deadline() time.Time { return e.due }

// HandleTimer does what is due. It fails with ErrUploadTimeout or ErrKeepAliveTimeout.
func (e *Element) HandleTimer(now time.Time) error {
	switch {
	case e.due.IsZero() || now.Before(e.due):
	case e.state < working:
		return ErrUploadTimeout
	case e.asked:
		return ErrKeepAliveTimeout
	default:
		e.asked, e.due = true, now.Add(e.cfg.KeepAliveTimeout)
		e.send(&KeepAlive{})
	}
	return nil
}

func (e *Element) send(m Message) { e.out = append(e.out, m) }

// Poll returns the next message to send, if there is one.
func (e *Element) Poll() (Message, bool) { return pop(&e.out) }

func pop(out *[]Message) (m Message, ok bool) {
	if len(*out) == 0 {
		return nil, false
	}
	m = (*out)[0]
	if *out = (*out)[1:]; len(*out) == 0 {
		*out = nil
	}
	return m, true
}
