// SPDX-License-Identifier: Apache-2.0

package service

import (
	"context"
	"os"
	"time"

	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/service/sandbox"
	"github.com/rserpool/rserpool/service/scripting"
)

// The names of files are RSPLIB's: scripts may know them.
const (
	scriptName      = "ssrun"
	outputName      = "output.data"
	environmentName = "environment.data"
)

// A scriptSession is one of Scripting.
type scriptSession struct {
	h       *Scripting
	conn    *pool.ServerConn
	box     *sandbox.Sandbox
	element *scripting.Element
	files   map[scripting.ElementDo]*os.File // what was uploaded, by what it is for
	cached  []byte                           // the environment, if it was there
	ended   chan scriptEnd
	running bool
}

// A scriptEnd is how a script has ended.
type scriptEnd struct {
	result sandbox.Result
	err    error
}

func newScriptSession(h *Scripting, conn *pool.ServerConn, box *sandbox.Sandbox) *scriptSession {
	return &scriptSession{
		h: h, conn: conn, box: box, element: scripting.NewElement(time.Now(), h.cfg.Element),
		files: map[scripting.ElementDo]*os.File{}, ended: make(chan scriptEnd, 1),
	}
}

// close removes what there was.
func (s *scriptSession) close() {
	for _, f := range s.files {
		f.Close()
	}
	if err := s.box.Close(); err != nil {
		s.h.cfg.Log.Error("the directory of a script is not removed", "error", err)
	}
}

// serve serves the session to its end. It returns what the client does wrong.
func (s *scriptSession) serve(ctx context.Context, first *sctp.Message) error {
	ctx, cancel := context.WithCancel(ctx)
	msgs, stopped := s.read(ctx, first)
	defer func() {
		cancel()
		<-stopped
		if s.running {
			<-s.ended
		}
	}()
	for {
		if err := s.flush(ctx); err != nil {
			return nil
		}
		select {
		case m, ok := <-msgs:
			if !ok {
				return nil
			}
			if err := s.handle(ctx, m); err != nil {
				return err
			}
		case <-s.timer():
			if err := s.element.HandleTimer(time.Now()); err != nil {
				return err
			}
		case end := <-s.ended:
			s.running = false
			if ctx.Err() == nil {
				s.finish(ctx, end, msgs)
			}
			return nil
		}
	}
}

// read receives messages until the session ends.
func (s *scriptSession) read(ctx context.Context, m *sctp.Message) (<-chan sctp.Message, <-chan struct{}) {
	msgs, stopped := make(chan sctp.Message), make(chan struct{})
	go func() {
		defer close(stopped)
		defer close(msgs)
		for {
			if m == nil {
				got, err := s.conn.Recv(ctx)
				if err != nil {
					return
				}
				m = &got
			}
			select {
			case msgs <- *m:
				m = nil
			case <-ctx.Done():
				return
			}
		}
	}()
	return msgs, stopped
}

// timer returns when something is due.
func (s *scriptSession) timer() <-chan time.Time {
	if at := s.element.Deadline(); !at.IsZero() {
		return time.After(time.Until(at))
	}
	return nil
}

func (s *scriptSession) flush(ctx context.Context) error {
	for m, ok := s.element.Poll(); ok; m, ok = s.element.Poll() {
		if err := replyScripting(ctx, s.conn, m); err != nil {
			return err
		}
	}
	return nil
}

// handle takes a message and does what it wants.
func (s *scriptSession) handle(ctx context.Context, m sctp.Message) error {
	msg, err := parseScripting(&m)
	if err != nil {
		return err
	}
	a, err := s.element.HandleMessage(time.Now(), msg)
	if err != nil {
		return err
	}
	switch a.Do {
	case scripting.StorePackage, scripting.StoreEnvironment:
		return s.store(a)
	case scripting.LookUp:
		var found bool
		s.cached, found = s.h.environments.get(a.Hash)
		s.element.HandleLookup(found)
	case scripting.Run:
		s.running = true
		go func() {
			r, err := s.run(ctx)
			s.ended <- scriptEnd{r, err}
		}()
	}
	return nil
}

// store writes a part of what is uploaded.
func (s *scriptSession) store(a scripting.ElementAction) (err error) {
	f := s.files[a.Do]
	if f == nil {
		name := "package"
		if a.Do == scripting.StoreEnvironment {
			name = "environment"
		}
		if f, err = s.box.Scratch(name); err != nil {
			return err
		}
		s.files[a.Do] = f
	}
	_, err = f.Write(a.Data)
	return err
}
