// SPDX-License-Identifier: Apache-2.0

package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/service/sandbox"
	"github.com/rserpool/rserpool/service/scripting"
)

// Scripting is a pool.Handler that runs the scripts which clients upload: see packages scripting and sandbox. It needs
// pool.Server.SpeaksFirst, and begins as Daytime does. Who sends what does not belong to the protocol, or too much, is
// aborted, and told why. When the server drains, or the client leaves, the script is killed; see pool.Server.Linger.
//
// Whoever reaches a registrar of the pool, or the element itself, can have any program run by the user that runs this
// process: RSerPool has no authentication, and a sandbox is not a wall.
type Scripting struct {
	cfg          ScriptingConfig
	environments *environments
	// run is sandbox.Sandbox.Run, but for tests.
	run func(s *sandbox.Sandbox, ctx context.Context, program string, args ...string) (sandbox.Result, error)
}

// A ScriptingConfig is that of a Scripting.
type ScriptingConfig struct {
	// AllowScripts says that it is known what that means. Without it, there is no Scripting.
	AllowScripts bool
	// Element says how much clients may upload, and how long they may take. Info is the name of the host by default.
	Element scripting.ElementConfig
	// Sandbox says how much scripts may do.
	Sandbox sandbox.Config
	// CacheSize and CacheEntries are how large all environments may be that are kept in memory, in bytes, and how many there
	// may be. Negative: none is kept. Default: 128 MiB and 16, which are RSPLIB's.
	CacheSize    int64
	CacheEntries int
	// Log receives what clients do wrong (Warn), and which scripts were run (Info). Default: nothing is logged.
	Log *slog.Logger
}

// The defaults are RSPLIB's.
const (
	defaultCacheSize    = 128 << 20
	defaultCacheEntries = 16
)

// ErrScriptsNotAllowed is matched by the error of what would run scripts without having been told that it may.
var ErrScriptsNotAllowed = errors.New("service: scripts of others are run only if ScriptingConfig.AllowScripts says so")

// NewScripting returns a handler for a server. It fails if scripts are not allowed, or cannot be run on this system:
// ErrScriptsNotAllowed, sandbox.ErrUnsupported.
func NewScripting(cfg ScriptingConfig) (*Scripting, error) {
	if !cfg.AllowScripts {
		return nil, ErrScriptsNotAllowed
	}
	err := errors.Join(sandbox.Supported(), cfg.Element.Validate(), cfg.Sandbox.Validate())
	if err == nil && cfg.Sandbox.Isolation == sandbox.Require {
		err = sandbox.Isolated()
	}
	if err != nil {
		return nil, fmt.Errorf("service: %w", err)
	}
	if cfg.Element.Info == "" {
		host, _ := os.Hostname()
		cfg.Element.Info = strings.ToValidUTF8(host[:min(len(host), scripting.MaxInfo-1)], "?")
	}
	if cfg.CacheSize == 0 {
		cfg.CacheSize = defaultCacheSize
	}
	if cfg.CacheEntries == 0 {
		cfg.CacheEntries = defaultCacheEntries
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Scripting{cfg: cfg, environments: newEnvironments(cfg.CacheSize, cfg.CacheEntries), run: (*sandbox.Sandbox).Run}, nil
}

func configureScripting(*pool.Server, int, *slog.Logger) error { return ErrScriptsNotAllowed }

// ServeSession implements pool.Handler.
func (h *Scripting) ServeSession(ctx context.Context, conn *pool.ServerConn) {
	serveBegun(ctx, conn, h)
}

func (h *Scripting) begin(ctx context.Context, conn *pool.ServerConn) (*sctp.Message, bool) {
	return open(ctx, conn, silence)
}

// full implements refuser.
func (h *Scripting) full(ctx context.Context, conn *pool.ServerConn) {
	h.notReady(ctx, conn, scripting.FullyLoaded)
}

func (h *Scripting) notReady(ctx context.Context, conn *pool.ServerConn, why scripting.Reason) {
	_ = replyScripting(ctx, conn, &scripting.NotReady{Reason: why, Info: h.cfg.Element.Info})
}

func replyScripting(ctx context.Context, conn *pool.ServerConn, m scripting.Message) error {
	b, err := m.AppendBinary(nil)
	if err != nil {
		return err
	}
	return reply(ctx, conn, sctp.Message{PPID: scripting.PPID, Data: b})
}

func parseScripting(m *sctp.Message) (scripting.Message, error) {
	if m.PPID != scripting.PPID {
		return nil, fmt.Errorf("scripting: a message with PPID %d, not %d", m.PPID, scripting.PPID)
	}
	return scripting.Parse(m.Data)
}

func (h *Scripting) serve(ctx context.Context, conn *pool.ServerConn, first *sctp.Message) {
	box, err := sandbox.New(h.cfg.Sandbox)
	if err != nil {
		h.cfg.Log.Error("no directory for a script", "error", err)
		h.notReady(ctx, conn, scripting.OutOfResources)
		return
	}
	s := newScriptSession(h, conn, box)
	defer s.close()
	if err := s.serve(ctx, first); err != nil {
		refuse(h.cfg.Log, conn, err)
	}
}
