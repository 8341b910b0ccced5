// SPDX-License-Identifier: Apache-2.0

package service

import (
	"errors"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/service/sandbox"
	"github.com/rserpool/rserpool/service/scripting"
)

// Scripts of others are not run unless that is asked for.
func TestScriptsAreNotAllowed(t *testing.T) {
	_, err := NewScripting(ScriptingConfig{})
	require.ErrorIs(t, err, ErrScriptsNotAllowed)
	srv := &pool.Server{}
	require.ErrorIs(t, Configure(srv, "scripting", 1, nil), ErrScriptsNotAllowed)
	require.Nil(t, srv.Handler)
	if sandbox.Supported() != nil {
		_, err = NewScripting(ScriptingConfig{AllowScripts: true})
		require.ErrorIs(t, err, sandbox.ErrUnsupported)
		return
	}
	h, err := NewScripting(ScriptingConfig{AllowScripts: true})
	require.NoError(t, err)
	require.NotEmpty(t, h.cfg.Element.Info)
	for _, c := range []ScriptingConfig{
		{AllowScripts: true, Element: scripting.ElementConfig{MaxPackage: -1}}, {AllowScripts: true, Sandbox: sandbox.Config{MaxFiles: -1}},
	} {
		_, err = NewScripting(c)
		require.ErrorContains(t, err, "service: ")
	}
}

func TestScriptingRefuses(t *testing.T) {
	upload := message(t, &scripting.Upload{Data: make([]byte, 100)})
	wrong := upload
	wrong.Data = append([]byte(nil), upload.Data...)
	wrong.Data[3] = 3
	for _, c := range []refusal{
		{sctp.Message{Data: []byte("x")}, "scripting: a message with PPID 0, not 35"},
		{wrong, "scripting: length field 3 in a message of 104 bytes"},
		{message(t, &scripting.Ready{}), "scripting: ready, which is out of place"},
		{upload, "scripting: the work package has more than 99 bytes"},
		{message(t, &scripting.KeepAlive{}), "scripting: the upload does not go on"},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.scripts(2, 1, func(h *Scripting) { h.cfg.Element.MaxPackage = 99 })
			elems, err := w.client(9).Resolve(w.ctx, "ScriptingPool")
			require.NoError(t, err)
			s := w.stack(w.host(8))
			defer s.Close()
			conn, err := s.Dial(w.ctx, elems[0].Addr())
			require.NoError(t, err)
			require.NoError(t, conn.Send(w.ctx, c.m))
			for err == nil {
				_, err = conn.Recv(w.ctx)
			}
			abort, ok := errors.AsType[*sctp.AbortError](err)
			require.True(t, ok, "%v", err)
			require.True(t, abort.Peer)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestEnvironmentsAreBounded(t *testing.T) {
	c := newEnvironments(10, 3)
	put := func(n byte, size int) { c.put(scripting.Hash{n}, make([]byte, size)) }
	has := func() (hashes []byte) {
		for _, e := range c.kept {
			hashes = append(hashes, e.hash[0])
		}
		return hashes
	}
	put(1, 1)
	put(2, 2)
	put(3, 3)
	put(4, 4)
	require.Equal(t, []byte{2, 3, 4}, has())
	_, ok := c.get(scripting.Hash{2})
	require.True(t, ok)
	put(3, 3)
	require.Equal(t, []byte{4, 2, 3}, has(), "what was used last is kept longest")
	put(5, 8)
	require.Equal(t, []byte{5}, has())
	put(6, 11)
	require.Equal(t, []byte{5}, has())
	put(7, 10)
	require.Equal(t, []byte{7}, has())
	require.EqualValues(t, 10, c.size)
	_, ok = c.get(scripting.Hash{1})
	require.False(t, ok)
	c = newEnvironments(-1, -1)
	put(1, 0)
	require.Empty(t, c.kept)
}
