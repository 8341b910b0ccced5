// SPDX-License-Identifier: Apache-2.0

package service

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"

	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/service/sandbox"
	"github.com/rserpool/rserpool/service/scripting"
)

// run unpacks what was uploaded and runs the script in it. Its arguments are RSPLIB's: the names of the output and of the
// environment, which is empty if there is none, and of a keyring and a trust database, which there never are.
func (s *scriptSession) run(ctx context.Context) (sandbox.Result, error) {
	archive := s.files[scripting.StorePackage]
	if archive == nil {
		return sandbox.Result{}, errors.New("the work package is empty")
	}
	if _, err := archive.Seek(0, io.SeekStart); err != nil {
		return sandbox.Result{}, err
	}
	if err := s.box.Unpack(archive); err != nil {
		return sandbox.Result{}, err
	}
	environment := ""
	if hash, ok := s.element.Environment(); ok {
		environment = environmentName
		if err := s.putEnvironment(hash); err != nil {
			return sandbox.Result{}, err
		}
	}
	if err := ctx.Err(); err != nil {
		return sandbox.Result{}, err
	}
	return s.h.run(s.box, ctx, scriptName, outputName, environment, "", "")
}

// putEnvironment puts the environment where the script finds it, and keeps it for the next one.
func (s *scriptSession) putEnvironment(hash scripting.Hash) error {
	f := s.files[scripting.StoreEnvironment]
	if f == nil { // it was there, or is empty
		return s.box.Put(environmentName, bytes.NewReader(s.cached))
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if s.h.environments.fits(info.Size()) {
		data, err := readFrom(f, info.Size())
		if err != nil {
			return err
		}
		s.h.environments.put(hash, data)
	}
	return s.box.Put(environmentName, io.NewSectionReader(f, 0, info.Size()))
}

func readFrom(f *os.File, size int64) ([]byte, error) {
	data := make([]byte, size)
	_, err := io.ReadFull(io.NewSectionReader(f, 0, size), data)
	return data, err
}

// finish tells how the script has ended, and sends its output.
func (s *scriptSession) finish(ctx context.Context, end scriptEnd, msgs <-chan sctp.Message) {
	status := end.result.Status
	log := s.h.cfg.Log.With("client", s.conn.RemoteAddr().String(), "took", end.result.Took)
	if end.err != nil {
		log.Warn("script not run", "error", end.err)
		status = 1
	} else {
		log.Info("script has ended", "status", status, "printed", end.result.Printed)
	}
	s.element.HandleExit(uint32(status))
	output, err := s.box.Open(outputName)
	if err == nil {
		defer output.Close()
	} else if !errors.Is(err, os.ErrNotExist) {
		log.Warn("no output of a script", "error", err)
	}
	for data := make([]byte, scripting.MaxData); ; {
		n := 0
		if output != nil {
			n, _ = io.ReadFull(output, data)
		}
		if s.flush(ctx) != nil || replyScripting(ctx, s.conn, &scripting.Download{Data: data[:n]}) != nil || n == 0 {
			return
		}
		select {
		case m, ok := <-msgs: // the client may ask whether it goes on
			if !ok || s.handle(ctx, m) != nil {
				return
			}
		default:
		}
	}
}
