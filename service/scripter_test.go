// SPDX-License-Identifier: Apache-2.0

package service

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha1"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/service/sandbox"
	"github.com/rserpool/rserpool/service/scripting"
)

// workPackage is one with a script, and so many bytes besides.
func workPackage(t *testing.T, script string, more int) *bytes.Reader {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, data := range map[string]string{"ssrun": "#!/bin/sh\n" + script, "more": strings.Repeat("x", more)} {
		require.NoError(t, w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o700, Size: int64(len(data))}))
		_, err := w.Write([]byte(data))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return bytes.NewReader(b.Bytes())
}

// outputFile is an empty one, of which the test reads what is in it.
func outputFile(t *testing.T) (f *os.File, content func() string) {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "output"))
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return f, func() string {
		b, err := os.ReadFile(f.Name())
		require.NoError(t, err)
		return string(b)
	}
}

// scripts runs an element on the host 10.0.0.i.
func (w *world) scripts(i, max int, change func(*Scripting)) *running {
	w.t.Helper()
	if err := sandbox.Supported(); err != nil {
		w.t.Skip(err)
	}
	h, err := NewScripting(ScriptingConfig{AllowScripts: true, Element: scripting.ElementConfig{Info: "host"}, Sandbox: sandbox.Config{Dir: w.t.TempDir()}})
	require.NoError(w.t, err)
	if change != nil {
		change(h)
	}
	srv := &pool.Server{Handle: "ScriptingPool", ID: uint32(i), SpeaksFirst: true, Handler: h}
	Limit(srv, max)
	return w.serve(i, srv)
}

// takes makes scripts take some time instead of being run, and write what they are told.
func takes(d time.Duration, status int, output string) func(*Scripting) {
	return func(h *Scripting) {
		h.run = func(s *sandbox.Sandbox, ctx context.Context, _ string, args ...string) (sandbox.Result, error) {
			if err := pause(ctx, d); err != nil {
				return sandbox.Result{}, err
			}
			return sandbox.Result{Status: status}, s.Put(args[0], strings.NewReader(output))
		}
	}
}

// scripted is Run over failovers, which it returns.
func scripted(t *testing.T, ctx context.Context, r *Scripter) (ScriptResult, []*pool.FailoverError) {
	t.Helper()
	var failovers []*pool.FailoverError
	for {
		result, err := r.Run(ctx)
		f, ok := errors.AsType[*pool.FailoverError](err)
		if !ok {
			require.NoError(t, err)
			return result, failovers
		}
		failovers = append(failovers, f)
	}
}

func newScripter(t *testing.T, sess *pool.Session, s Script) *Scripter {
	t.Helper()
	r, err := NewScripter(sess, s)
	require.NoError(t, err)
	return r
}

// A script is run with an environment, which is uploaded once and then known.
func TestScripting(t *testing.T) {
	environment := strings.Repeat("environment", 10_000)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var h *Scripting
		w.scripts(2, 1, func(s *Scripting) { h = s })
		client := w.client(9)
		for range 2 {
			output, content := outputFile(t)
			var stages []ScriptStage
			sess := w.dial(client, "ScriptingPool")
			r := newScripter(t, sess, Script{
				Package: workPackage(t, `cat "$2" more >"$1"; echo "$#" >>"$1"`, 100_000), Environment: strings.NewReader(environment), Output: output,
				Progress: func(s ScriptStage) { stages = append(stages, s) },
			})
			result, failovers := scripted(t, w.ctx, r)
			require.Empty(t, failovers)
			want := environment + strings.Repeat("x", 100_000) + "4\n"
			require.Equal(t, want, content())
			require.EqualValues(t, 2, result.Element.ID)
			require.Equal(t, ScriptResult{Element: result.Element, Host: "host", Trials: 1, Size: int64(len(want))}, result)
			require.Equal(t, []ScriptStage{ScriptReady, ScriptRunning, ScriptExited}, stages)
			again, err := r.Run(w.ctx)
			require.NoError(t, err)
			require.Equal(t, result, again)
			require.NoError(t, sess.Close())
			data, ok := h.environments.get(scripting.Hash(sha1.Sum([]byte(environment))))
			require.True(t, ok)
			require.Equal(t, environment, string(data))
			time.Sleep(time.Second) // the session ends
			left, err := os.ReadDir(h.cfg.Sandbox.Dir)
			require.NoError(t, err)
			require.Empty(t, left)
		}
	})
}

// A script that runs for long is begun again when its element leaves or is killed. Neither side thinks that the other one is
// gone meanwhile.
func TestScriptingBeginsAgain(t *testing.T) {
	for _, kill := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			elements := map[uint32]*running{2: w.scripts(2, 1, takes(time.Hour, 0, "done")), 3: w.scripts(3, 1, takes(time.Hour, 0, "done"))}
			output, content := outputFile(t)
			sess := w.dial(w.client(9), "ScriptingPool")
			first := sess.Element().ID
			time.AfterFunc(10*time.Minute, func() {
				if kill {
					elements[first].kill(t)
				} else {
					elements[first].stop()
				}
			})
			start := time.Now()
			result, failovers := scripted(t, w.ctx, newScripter(t, sess, Script{Package: workPackage(t, "", 10), Output: output}))
			require.Len(t, failovers, 1)
			require.Equal(t, !kill, failovers[0].Left())
			require.Equal(t, 5-first, result.Element.ID)
			require.Equal(t, 1, result.Trials)
			require.Equal(t, "done", content())
			require.InDelta(t, 70, time.Since(start).Minutes(), 1)
		})
	}
}

// An element that has no room says so, and the user comes again, or finds another one.
func TestScriptingNotReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.scripts(2, 1, takes(10*time.Second, 0, ""))
		client := w.client(9)
		busy := newScripter(t, w.dial(client, "ScriptingPool"), Script{Package: workPackage(t, "", 0), Output: nobody{}})
		over := make(chan struct{})
		go func() {
			defer close(over)
			scripted(t, w.ctx, busy)
		}()
		time.Sleep(time.Second)
		require.Equal(t, &scripting.NotReady{Reason: scripting.FullyLoaded, Info: "host"}, w.firstOf(8))
		_, failovers := scripted(t, w.ctx, newScripter(t, w.dial(client, "ScriptingPool"), Script{Package: workPackage(t, "", 0), Output: nobody{}}))
		require.Greater(t, len(failovers), maxVain)
		for _, f := range failovers { // whoever ends the association first
			require.True(t, f.Left() || strings.Contains(f.Error(), `the element "host" is not ready: fully loaded`), "%v", f)
		}
		<-over
	})
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.scripts(2, 1, func(h *Scripting) { h.cfg.Sandbox.Dir += "/none" })
		require.Equal(t, &scripting.NotReady{Reason: scripting.OutOfResources, Info: "host"}, w.firstOf(8))
	})
}

// firstOf returns the first message of the element on the host 10.0.0.2 to the host 10.0.0.i.
func (w *world) firstOf(i int) scripting.Message {
	w.t.Helper()
	c := w.client(i)
	elems, err := c.Resolve(w.ctx, "ScriptingPool")
	require.NoError(w.t, err)
	conn, err := c.Stack().Dial(w.ctx, elems[0].Addr())
	require.NoError(w.t, err)
	defer conn.Close()
	m, err := conn.Recv(w.ctx)
	require.NoError(w.t, err)
	msg, err := parseScripting(&m)
	require.NoError(w.t, err)
	return msg
}

// nobody takes an output.
type nobody struct{}

func (nobody) Write(b []byte) (int, error)    { return len(b), nil }
func (nobody) Seek(int64, int) (int64, error) { return 0, nil }
func (nobody) Truncate(int64) error           { return nil }

// A script that fails is tried again; the output of the last trial counts.
func TestScriptFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.scripts(2, 1, takes(time.Second, 7, "failed"))
		client := w.client(9)
		for trials := 1; trials <= 3; trials++ {
			output, content := outputFile(t)
			result, failovers := scripted(t, w.ctx, newScripter(t, w.dial(client, "ScriptingPool"), Script{
				Package: workPackage(t, "", 0), Output: output, Trials: trials,
			}))
			require.Len(t, failovers, trials-1)
			require.EqualValues(t, 7, result.Status)
			require.Equal(t, trials, result.Trials)
			require.Equal(t, "failed", content())
		}
		for _, p := range []io.ReadSeeker{bytes.NewReader(nil), strings.NewReader("not a tar file")} {
			result, _ := scripted(t, w.ctx, newScripter(t, w.dial(client, "ScriptingPool"), Script{Package: p, Output: nobody{}, Trials: 1}))
			require.EqualValues(t, 1, result.Status)
		}
	})
}

// The element ends the script of a user who is gone.
func TestScriptOfNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		ended := make(chan error, 1)
		w.scripts(2, 1, func(h *Scripting) {
			h.run = func(_ *sandbox.Sandbox, ctx context.Context, _ string, _ ...string) (sandbox.Result, error) {
				err := pause(ctx, 100*time.Hour)
				ended <- err
				return sandbox.Result{}, err
			}
		})
		sess := w.dial(w.client(9), "ScriptingPool")
		r := newScripter(t, sess, Script{Package: workPackage(t, "", 0), Output: nobody{}})
		ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
		defer cancel()
		_, err := r.Run(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, <-ended, context.Canceled, "he has not answered a keep-alive")
	})
}

// message is what an element sends.
func message(t *testing.T, m scripting.Message) sctp.Message {
	b, err := m.AppendBinary(nil)
	require.NoError(t, err)
	return sctp.Message{PPID: scripting.PPID, Data: b}
}

// Elements that do not do what they should are left, and at last that is an error.
func TestScripterGivesHostileElementsUp(t *testing.T) {
	ready, status := message(t, &scripting.Ready{Info: "host"}), message(t, &scripting.Status{})
	for _, c := range []struct {
		name string
		msgs []sctp.Message
		want string
		is   error
	}{
		{"silent", nil, "scripting: the element does not answer", ErrElements},
		{"silent later", []sctp.Message{ready}, "scripting: the element does not answer", ErrElements},
		{"silent at last", []sctp.Message{ready, status}, "scripting: the element does not answer", ErrElements},
		{"PPID", []sctp.Message{{PPID: 34, Data: []byte("x")}}, "a message with PPID 34, not 35", ErrElements},
		{"length", []sctp.Message{{PPID: 35, Data: []byte{2, 0, 0, 3}}}, "scripting: length field 3 in a message of 4 bytes", ErrElements},
		{"order", []sctp.Message{status}, "scripting: status, which is out of place", ErrElements},
		{"too much", []sctp.Message{ready, status, status, message(t, &scripting.Download{Data: make([]byte, 101)})},
			"scripting: the output has more than 100 bytes", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.serve(2, &pool.Server{Handle: "ScriptingPool", ID: 2, SpeaksFirst: true, Handler: pool.HandlerFunc(
					func(ctx context.Context, conn *pool.ServerConn) {
						if o, err := conn.Opening(ctx, silence); err != nil || o != pool.OpeningSilence {
							return
						}
						for _, m := range c.msgs {
							_ = conn.Send(ctx, m)
						}
						<-conn.Conn().Done()
					})})
				r := newScripter(t, w.dial(w.client(9), "ScriptingPool"), Script{
					Package: workPackage(t, "", 0), Output: nobody{}, Config: scripting.UserConfig{MaxOutput: 100},
				})
				_, err := r.Run(w.ctx)
				for n := 0; isFailover(err) && n < 2*maxVain; n++ {
					require.ErrorContains(t, err, c.want)
					_, err = r.Run(w.ctx)
				}
				require.ErrorContains(t, err, c.want)
				if c.is != nil {
					require.ErrorIs(t, err, c.is)
				}
			})
		})
	}
}

// Elements of RSPLIB leave without a word if there is no output.
func TestNoOutput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.serve(2, &pool.Server{Handle: "ScriptingPool", ID: 2, SpeaksFirst: true, Handler: pool.HandlerFunc(
			func(ctx context.Context, conn *pool.ServerConn) {
				if o, err := conn.Opening(ctx, silence); err != nil || o != pool.OpeningSilence {
					return
				}
				for _, m := range []scripting.Message{&scripting.Ready{Info: "host"}, &scripting.Status{}, &scripting.Status{}} {
					_ = conn.Send(ctx, message(t, m))
				}
				time.Sleep(time.Second)
			})})
		r := newScripter(t, w.dial(w.client(9), "ScriptingPool"), Script{Package: workPackage(t, "", 0), Output: nobody{}, Trials: 2})
		_, err := r.Run(w.ctx)
		require.True(t, isFailover(err))
		result, err := r.Run(w.ctx)
		require.ErrorIs(t, err, ErrNoOutput)
		require.EqualValues(t, 2, result.Element.ID)
		require.Equal(t, 2, result.Trials)
	})
}

func TestScripterNeedsItsFiles(t *testing.T) {
	closed, err := os.Create(filepath.Join(t.TempDir(), "x"))
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	_, err = NewScripter(nil, Script{Environment: closed})
	require.ErrorContains(t, err, "service: the environment: ")
	_, err = NewScripter(nil, Script{Config: scripting.UserConfig{MaxOutput: -1}})
	require.ErrorContains(t, err, "service: scripting: ")
	require.Equal(t, "a?b?", printable("a\x1bb\n"))
}
