// SPDX-License-Identifier: Apache-2.0

package service

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/service/scripting"
)

// step sends what there is to send, and takes a message or does what is due.
func (r *Scripter) step(ctx context.Context) error {
	if err := r.flush(ctx); err != nil {
		return err
	}
	m, ok, err := r.u.await(ctx, scripting.PPID, max(0, time.Until(r.element.Deadline())))
	if err != nil {
		return err
	}
	if !ok {
		if err := r.element.HandleTimer(time.Now()); err != nil {
			return r.u.fault(ctx, err)
		}
		return nil
	}
	var a scripting.UserAction
	msg, err := parseScripting(&m)
	if err == nil {
		a, err = r.element.HandleMessage(time.Now(), msg)
	}
	if _, ok := errors.AsType[*scripting.NotReadyError](err); ok {
		return r.retry(ctx, err)
	}
	if err != nil {
		return r.u.fault(ctx, err)
	}
	if _, ok := msg.(*scripting.KeepAliveAck); ok {
		r.u.progress()
	}
	return r.do(ctx, a)
}

// do does what a message asks for.
func (r *Scripter) do(ctx context.Context, a scripting.UserAction) error {
	switch a.Do {
	case scripting.UploadPackage:
		r.s.Progress(ScriptReady)
		if err := r.flush(ctx); err != nil {
			return err
		}
		return r.upload(ctx, r.s.Package)
	case scripting.UploadEnvironment:
		return r.upload(ctx, r.s.Environment)
	case scripting.Started:
		r.s.Progress(ScriptRunning)
	case scripting.Exited:
		r.s.Progress(ScriptExited)
		r.u.progress()
		if status, _ := r.element.Exited(); status != 0 && r.trials+1 < r.s.Trials {
			r.trials++
			return r.retry(ctx, errStatus)
		}
	case scripting.StoreOutput:
		_, err := r.s.Output.Write(a.Data)
		return err
	case scripting.Done:
		r.trials++
		got := r.now()
		r.result = &got
	}
	return nil
}

// retry turns to another element, which is asked after a while.
func (r *Scripter) retry(ctx context.Context, why error) error {
	r.notBefore = time.Now().Add(r.s.RetryDelay)
	return r.u.leave(ctx, why)
}

func (r *Scripter) flush(ctx context.Context) error {
	for m, ok := r.element.Poll(); ok; m, ok = r.element.Poll() {
		if err := r.send(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// send sends a message. An element that does not take it in time is given up.
func (r *Scripter) send(ctx context.Context, m scripting.Message) error {
	b, err := m.AppendBinary(nil)
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, r.s.Config.ReplyTimeout)
	defer cancel()
	err = r.u.send(limited, sctp.Message{PPID: scripting.PPID, Data: b})
	if err != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		return r.u.fault(ctx, scripting.ErrSilent)
	}
	return err
}

// upload sends a file and its end.
func (r *Scripter) upload(ctx context.Context, file io.ReadSeeker) error {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	for data := make([]byte, scripting.MaxData); ; {
		n, err := io.ReadFull(file, data)
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return err
		}
		if err := r.send(ctx, &scripting.Upload{Data: data[:n]}); err != nil {
			return err
		}
		if n == 0 || r.u.sess.Conn().Err() != nil { // which the next message tells of
			r.element.HandleUploaded(time.Now())
			return nil
		}
	}
}

// printable makes something else of what cannot be printed.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsPrint(c) {
			return c
		}
		return '?'
	}, s)
}
