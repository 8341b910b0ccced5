// SPDX-License-Identifier: Apache-2.0

//go:build unix

package sandbox

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func newSandbox(t *testing.T, cfg Config) *Sandbox {
	t.Helper()
	cfg.Dir = t.TempDir()
	s, err := New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, s.Close())
		left, err := os.ReadDir(cfg.Dir)
		require.NoError(t, err)
		require.Empty(t, left, "nothing is left")
	})
	return s
}

func script(t *testing.T, s *Sandbox, text string) {
	t.Helper()
	require.NoError(t, s.Put("ssrun", strings.NewReader("#!/bin/sh\n"+text)))
}

func content(t *testing.T, s *Sandbox, name string) string {
	t.Helper()
	f, err := s.Open(name)
	require.NoError(t, err)
	defer f.Close()
	b, err := io.ReadAll(f)
	require.NoError(t, err)
	return string(b)
}

func TestRun(t *testing.T) {
	t.Setenv("SECRET", "of this process")
	for _, isolation := range []Isolation{Auto, Off} {
		s := newSandbox(t, Config{Isolation: isolation})
		script(t, s, `env | sort; echo "$# <$1> <$2>"; pwd; echo error >&2; mkdir d; mv ssrun d/; echo text >"$1"; cat; exit 7`)
		r, err := s.Run(t.Context(), "ssrun", "out put", "")
		require.NoError(t, err)
		require.Equal(t, 7, r.Status, r.Printed)
		require.NotZero(t, r.Took)
		require.NotContains(t, r.Printed, "SECRET")
		require.Contains(t, r.Printed, "HOME="+s.workDir()+"\n")
		require.Contains(t, r.Printed, "2 <out put> <>\n"+s.workDir()+"\nerror\n")
		require.Equal(t, "text\n", content(t, s, "out put"))
	}
}

func TestRunFails(t *testing.T) {
	s := newSandbox(t, Config{})
	_, err := s.Run(t.Context(), "ssrun")
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, s.Put("ssrun", strings.NewReader("#!/no/such/interpreter\n")))
	r, err := s.Run(t.Context(), "ssrun")
	require.NoError(t, err)
	require.Contains(t, []int{126, 127}, r.Status)
	script(t, s, "kill -KILL $$")
	r, err = s.Run(t.Context(), "ssrun")
	require.NoError(t, err)
	require.Equal(t, 128+9, r.Status)
}

// What runs for too long is killed, and so is what the context ends: with all that it has started.
func TestRunIsKilled(t *testing.T) {
	for _, isolation := range []Isolation{Auto, Off} {
		s := newSandbox(t, Config{TimeLimit: 300 * time.Millisecond, Isolation: isolation})
		script(t, s, "sleep 1000 & wait")
		start := time.Now()
		r, err := s.Run(t.Context(), "ssrun")
		require.NoError(t, err)
		require.Equal(t, StatusTimeLimit, r.Status)
		require.Less(t, time.Since(start), 60*time.Second)

		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		s = newSandbox(t, Config{Isolation: isolation})
		script(t, s, "sleep 1000")
		_, err = s.Run(ctx, "ssrun")
		require.ErrorIs(t, err, context.Canceled)
	}
}

// What a script leaves in the background ends with it.
func TestNothingIsLeftBehind(t *testing.T) {
	for _, isolation := range []Isolation{Auto, Off} {
		s := newSandbox(t, Config{Isolation: isolation})
		require.NoError(t, os.MkdirAll(s.workDir()+"/sub", 0o700))
		script(t, s, "mkfifo pipe; (exec 3>pipe; sleep 1000) & exec 4<pipe; exit 0")
		r, err := s.Run(t.Context(), "ssrun")
		require.NoError(t, err)
		require.Zero(t, r.Status, r.Printed)
		// Who opens a pipe that nobody writes to waits; it is opened here without, and read up to its end.
		f, err := os.OpenFile(s.workDir()+"/pipe", os.O_RDONLY|nonblock, 0)
		require.NoError(t, err)
		_, err = io.ReadAll(f)
		require.NoError(t, err, "the writer is gone")
		require.NoError(t, f.Close())
	}
}

func TestFilesAreLimited(t *testing.T) {
	s := newSandbox(t, Config{MaxFile: 1024})
	script(t, s, `head -c 100000 /dev/zero >"$1"; exit $?`)
	r, err := s.Run(t.Context(), "ssrun", "out")
	require.NoError(t, err)
	require.NotZero(t, r.Status)
	require.Len(t, content(t, s, "out"), 1024)
}

// A namespace has no network and no other processes, and Landlock leaves only the directory to write to.
func TestIsolation(t *testing.T) {
	if err := Isolated(); err != nil {
		t.Logf("not isolated: %v", err)
		_, err = newSandboxWithScript(t, Config{Isolation: Require}, ":").Run(t.Context(), "ssrun")
		require.Error(t, err)
		return
	}
	outside := filepath.Join(t.TempDir(), "outside")
	require.NoError(t, os.WriteFile(outside, []byte("secret"), 0o666))
	s := newSandboxWithScript(t, Config{Isolation: Require}, `
grep -cv Iface /proc/net/route >routes
cat `+outside+` && exit 1
echo x >>`+outside+` && exit 2
[ $$ -le 3 ] || exit 3
(setsid sleep 1000 &)
echo x >here && mkdir d && mv here d/there && rm d/there || exit 4
echo x >/dev/null || exit 5
exit 0`)
	r, err := s.Run(t.Context(), "ssrun")
	require.NoError(t, err)
	require.Zero(t, r.Status, r.Printed)
	require.Equal(t, "0\n", content(t, s, "routes"))
	b, err := os.ReadFile(outside)
	require.NoError(t, err)
	require.Equal(t, "secret", string(b))
	// This process is as it was.
	require.NoError(t, os.WriteFile(outside, []byte("x"), 0o666))
}

func newSandboxWithScript(t *testing.T, cfg Config, text string) *Sandbox {
	s := newSandbox(t, cfg)
	script(t, s, text)
	return s
}

// What is opened is a file inside, whatever the script has put there.
func TestOpen(t *testing.T) {
	s := newSandboxWithScript(t, Config{}, `mkdir dir locked; mkfifo pipe; ln -s /etc/passwd absolute; ln -s ../scratch-secret up; echo x >file; ln -s file link
mkdir locked/in; echo y >locked/in/file; chmod 0 locked/in locked`)
	f, err := s.Scratch("secret")
	require.NoError(t, err)
	require.NoError(t, f.Close())
	r, err := s.Run(t.Context(), "ssrun")
	require.NoError(t, err)
	require.Zero(t, r.Status, r.Printed)
	require.Equal(t, "x\n", content(t, s, "link"))
	for _, name := range []string{"dir", "pipe", "absolute", "up", "../scratch-secret", "/etc/passwd", "none"} {
		_, err := s.Open(name)
		require.Error(t, err, name)
	}
	require.NoError(t, s.Put("absolute", strings.NewReader("new")))
	require.Equal(t, "new", content(t, s, "absolute"))
	require.NoError(t, s.Put("dir", strings.NewReader("new")))
	require.Error(t, s.Put("../x", strings.NewReader("new")))
}

// archive makes a tar file.
func archive(t *testing.T, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		data := ""
		if h.Typeflag == tar.TypeReg {
			data = "data of " + h.Name
			h.Size = int64(len(data))
		}
		require.NoError(t, w.WriteHeader(&h))
		_, err := w.Write([]byte(data))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

func compressed(t *testing.T, b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write(b)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.Bytes()
}

func TestUnpack(t *testing.T) {
	b := archive(t,
		tar.Header{Typeflag: tar.TypeDir, Name: "./", Mode: 0o755},
		tar.Header{Typeflag: tar.TypeReg, Name: "./ssrun", Mode: 0o4755},
		tar.Header{Typeflag: tar.TypeReg, Name: "d/e/f", Mode: 0},
		tar.Header{Typeflag: tar.TypeSymlink, Name: "d/link", Linkname: "../ssrun"},
		tar.Header{Typeflag: tar.TypeLink, Name: "hard", Linkname: "./d/e/f"},
		tar.Header{Typeflag: tar.TypeReg, Name: "ssrun", Mode: 0o700},
	)
	for i, b := range [][]byte{b, compressed(t, b)} {
		s := newSandbox(t, Config{})
		require.NoError(t, s.Unpack(bytes.NewReader(b)))
		require.Equal(t, "data of ssrun", content(t, s, "d/link"), "the last one counts")
		require.Equal(t, "data of d/e/f", content(t, s, "hard"))
		info, err := os.Stat(filepath.Join(s.workDir(), "ssrun"))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o700), info.Mode())
		if i == 0 {
			continue // the end of what is plain may be missing
		}
		for n := 0; n < len(b); n += 1 + len(b)/20 {
			require.Error(t, newSandbox(t, Config{}).Unpack(bytes.NewReader(b[:n])), "%d bytes", n)
		}
		require.Error(t, newSandbox(t, Config{}).Unpack(bytes.NewReader(b[:len(b)-1])), "the checksum is cut")
	}
	bz, err := hex.DecodeString("425a683931415926535977e73ffe0000777b90c9800040400077000000e0609e00040000082000543281309b53013d0492993d407a8c1060fa9b672420b388489b4e188c70ee810c2608ee48455f6602e1717ae1d033c2efe1c1b4457855a9240e8bb9229c28483bf39fff00")
	require.NoError(t, err)
	s := newSandbox(t, Config{})
	require.NoError(t, s.Unpack(bytes.NewReader(bz)))
	require.Equal(t, "hi", content(t, s, "a"))
	require.Error(t, newSandbox(t, Config{}).Unpack(bytes.NewReader(bz[:len(bz)-20])))
}

// An archive gets nothing outside of its directory, and no more than it may.
func TestUnpackRefuses(t *testing.T) {
	file := func(name string) tar.Header { return tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o600} }
	link := func(name, to string) tar.Header {
		return tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: to}
	}
	for _, c := range []struct {
		name    string
		headers []tar.Header
		want    string
	}{
		{"nothing", nil, "it is empty"},
		{"up", []tar.Header{file("../x")}, `"../x" is elsewhere`},
		{"up from below", []tar.Header{file("a/../../x")}, `"a/../../x" is elsewhere`},
		{"absolute", []tar.Header{file("/tmp/x")}, `"/tmp/x" is elsewhere`},
		{"itself", []tar.Header{file(".")}, `"." is not a name`},
		{"link up", []tar.Header{link("l", "../x")}, `"l" is a link to "../x", which is elsewhere`},
		{"absolute link", []tar.Header{link("l", "/etc/passwd")}, `"l" is a link to "/etc/passwd", which is elsewhere`},
		{"link to above by links", []tar.Header{link("d/l", "."), link("m", "d/l/../.."), file("m/x")}, ""},
		{"hard link", []tar.Header{{Typeflag: tar.TypeLink, Name: "l", Linkname: "/etc/passwd"}}, ""},
		{"hard link up", []tar.Header{{Typeflag: tar.TypeLink, Name: "l", Linkname: "../../x"}}, ""},
		{"device", []tar.Header{{Typeflag: tar.TypeChar, Name: "null", Devmajor: 1, Devminor: 3}}, `"null" is of type '3': neither a file`},
		{"pipe", []tar.Header{{Typeflag: tar.TypeFifo, Name: "p"}}, `"p" is of type '6': neither a file`},
		{"bytes", []tar.Header{file(strings.Repeat("a", 60)), file(strings.Repeat("b", 60))}, "more than 100 bytes"},
		{"files", []tar.Header{file("a"), file("b"), file("c"), file("d")}, "more than 3 files and directories"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSandbox(t, Config{MaxUnpacked: 100, MaxFiles: 3})
			err := s.Unpack(bytes.NewReader(archive(t, c.headers...)))
			require.ErrorContains(t, err, "sandbox: archive: ")
			require.ErrorContains(t, err, c.want)
			left, err := os.ReadDir(s.dir)
			require.NoError(t, err)
			require.Len(t, left, 1, "nothing is outside")
		})
	}
	s := newSandbox(t, Config{})
	require.ErrorContains(t, s.Unpack(strings.NewReader("\x1f\x8bno")), "sandbox: archive: ")
	require.ErrorContains(t, s.Unpack(strings.NewReader("BZh9no")), "sandbox: archive: ")
	require.ErrorContains(t, s.Unpack(strings.NewReader("no")), "sandbox: archive: ")
}

func TestValidate(t *testing.T) {
	for _, c := range []Config{{TimeLimit: -1}, {MaxFile: -1}, {MaxUnpacked: -1}, {MaxFiles: -1}, {Isolation: 3}} {
		_, err := New(c)
		require.ErrorContains(t, err, "sandbox: ")
	}
	_, err := New(Config{Dir: "/no/such/directory"})
	require.Error(t, err)
}

// FuzzUnpack wants: no panic, nothing outside of the directory, and no more in it than is allowed.
func FuzzUnpack(f *testing.F) {
	t := &testing.T{}
	f.Add(archive(t, tar.Header{Typeflag: tar.TypeReg, Name: "a/b", Mode: 0o700}, tar.Header{Typeflag: tar.TypeSymlink, Name: "c", Linkname: "a"},
		tar.Header{Typeflag: tar.TypeReg, Name: "c/d"}, tar.Header{Typeflag: tar.TypeLink, Name: "e", Linkname: "a/b"}))
	f.Add(archive(t, tar.Header{Typeflag: tar.TypeSymlink, Name: "l", Linkname: ".."}, tar.Header{Typeflag: tar.TypeReg, Name: "l/x"}))
	f.Add(compressed(t, archive(t, tar.Header{Typeflag: tar.TypeDir, Name: "d"})))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := newSandbox(t, Config{MaxUnpacked: 10_000, MaxFiles: 10})
		_ = s.Unpack(bytes.NewReader(b))
		left, err := os.ReadDir(s.dir)
		require.NoError(t, err)
		require.Len(t, left, 1)
		size := int64(0)
		require.NoError(t, filepath.WalkDir(s.workDir(), func(_ string, d os.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				info, err := d.Info()
				require.NoError(t, err)
				size += info.Size()
			}
			return err
		}))
		require.LessOrEqual(t, size, int64(10*10_000), "links count again")
	})
}
