// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"github.com/rserpool/rserpool/sctp/assoc"
	"github.com/rserpool/rserpool/sctp/wire"
)

// Authenticated chunks (RFC 4895).
type (
	// An AuthKey is an endpoint pair shared key: a secret of both hosts, and
	// the identifier by which packets name it.
	AuthKey = assoc.AuthKey
	// A ChunkType names chunks in Config.AuthChunks.
	ChunkType = wire.ChunkType
	// An HMACID names an algorithm in Config.AuthHMACs.
	HMACID = wire.HMACID
	// EventAuthKey tells of shared keys (RFC 6458, Section 6.1.8).
	EventAuthKey = assoc.EventAuthKey
	// An AuthIndication is what EventAuthKey reports.
	AuthIndication = assoc.AuthIndication
)

// What EventAuthKey reports.
const (
	AuthKeyNew      = assoc.AuthKeyNew
	AuthKeyFree     = assoc.AuthKeyFree
	AuthUnsupported = assoc.AuthUnsupported
)

// Chunk types that Config.AuthChunks may want to list, and algorithms.
const (
	ChunkData       = wire.ChunkData
	ChunkSack       = wire.ChunkSack
	ChunkHeartbeat  = wire.ChunkHeartbeat
	ChunkAbort      = wire.ChunkAbort
	ChunkShutdown   = wire.ChunkShutdown
	ChunkCookieEcho = wire.ChunkCookieEcho

	HMACSHA1   = wire.HMACSHA1
	HMACSHA256 = wire.HMACSHA256
)

// Errors of the methods of Conn that manage shared keys.
var (
	// ErrNoSuchKey: there is no shared key with the identifier.
	ErrNoSuchKey = assoc.ErrNoSuchKey
	// ErrKeyInUse: the key is the active one or was not deactivated, or there
	// are too many.
	ErrKeyInUse = assoc.ErrKeyInUse
)

// SetAuthKey adds a shared key to the association or replaces the one with its
// identifier (RFC 6458, Section 8.3.3). What is received may use it at once;
// ActivateAuthKey has it used for sending. The Secret is copied.
func (c *Conn) SetAuthKey(key AuthKey) error {
	return c.command(func() error { return c.a.SetAuthKey(key) })
}

// ActivateAuthKey makes a shared key the one for all that is sent from now on
// (RFC 6458, Section 8.1.18). The peer must have it already: see EventAuthKey
// for when it uses it.
func (c *Conn) ActivateAuthKey(id uint16) error {
	return c.command(func() error { return c.a.ActivateAuthKey(id) })
}

// DeactivateAuthKey takes a shared key which is not the active one out of use
// for sending (RFC 6458, Section 8.3.4). The peer may use it on.
func (c *Conn) DeactivateAuthKey(id uint16) error {
	return c.command(func() error { return c.a.DeactivateAuthKey(id) })
}

// DeleteAuthKey deletes a shared key that was deactivated (RFC 6458, Section
// 8.3.5): what the peer authenticates with it is discarded from now on. The null
// key, 0, is there unless Config.AuthKeys says otherwise; while it is, who has
// seen the handshake can forge chunks.
func (c *Conn) DeleteAuthKey(id uint16) error {
	return c.command(func() error { return c.a.DeleteAuthKey(id) })
}

// AuthKey returns the identifier of the shared key for sending.
func (c *Conn) AuthKey() (id uint16) {
	c.command(func() error { id = c.a.ActiveAuthKey(); return nil })
	return id
}

// PeerAuthChunks returns the chunk types that the peer wants authenticated; ok
// is false if it does not authenticate at all.
func (c *Conn) PeerAuthChunks() (types []ChunkType, ok bool) {
	c.command(func() error { types, ok = c.a.PeerAuthChunks(); return nil })
	return types, ok
}

// command lets the engine do something.
func (c *Conn) command(do func() error) error {
	now := c.enter()
	err := do()
	c.leave(now, false)
	return err
}
