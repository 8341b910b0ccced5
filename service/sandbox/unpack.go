// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"archive/tar"
	"bufio"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Unpack unpacks an archive into the script's directory: tar, plain or compressed by gzip or bzip2. It fails if something
// in it would be elsewhere, is neither a file, a directory nor a link, or is more than the configuration allows.
func (s *Sandbox) Unpack(r io.Reader) error {
	r, err := decompressed(r)
	if err != nil {
		return fmt.Errorf("sandbox: archive: %w", err)
	}
	u := unpacking{s: s, left: s.cfg.MaxUnpacked}
	archive := tar.NewReader(r)
	u.files = s.cfg.MaxFiles
	for n := 0; ; n++ {
		h, err := archive.Next()
		switch {
		case err == io.EOF && n > 0:
			if err = u.rest(r); err == nil {
				return nil
			}
		case err == io.EOF:
			err = errors.New("it is empty")
		case err == nil && n >= s.cfg.MaxFiles:
			err = u.tooMany()
		case err == nil:
			err = u.entry(h, archive)
		}
		if err != nil {
			return fmt.Errorf("sandbox: archive: %w", err)
		}
	}
}

// decompressed finds out what an archive is compressed by.
func decompressed(r io.Reader) (io.Reader, error) {
	b := bufio.NewReader(r)
	magic, err := b.Peek(3)
	switch {
	case err != nil && err != io.EOF:
		return nil, err
	case len(magic) >= 2 && magic[0] == 0x1f && magic[1] == 0x8b:
		return gzip.NewReader(b)
	case string(magic) == "BZh":
		return bzip2.NewReader(b), nil
	}
	return b, nil
}

type unpacking struct {
	s     *Sandbox
	left  int64 // bytes
	files int   // and directories that may still be made
}

// maxName bounds a name in bytes. It is what systems take, and bounds how deep directories are: the work to remove them
// grows with the square of that.
const maxName = 4096

// mkdirAll makes a directory and those above it. Each that is new counts, whether the archive has an entry for it or not.
func (u *unpacking) mkdirAll(name string, mode os.FileMode) error {
	if name == "." {
		return nil
	}
	if info, err := u.s.root.Stat(name); err == nil && info.IsDir() {
		return nil
	}
	for i := 0; i < len(name); i++ {
		if name[i] != '/' {
			continue
		}
		if err := u.mkdir(name[:i], 0o700); err != nil {
			return err
		}
	}
	return u.mkdir(name, mode)
}

func (u *unpacking) mkdir(name string, mode os.FileMode) error {
	if info, err := u.s.root.Stat(name); err == nil && info.IsDir() {
		return nil
	}
	if err := u.count(); err != nil {
		return err
	}
	return u.s.root.Mkdir(name, mode)
}

// count counts something that is made.
func (u *unpacking) count() error {
	if u.files--; u.files < 0 {
		return u.tooMany()
	}
	return nil
}

func (u *unpacking) tooMany() error {
	return fmt.Errorf("more than %d files and directories", u.s.cfg.MaxFiles)
}

// entry makes what a header says.
func (u *unpacking) entry(h *tar.Header, r io.Reader) error {
	if h.Typeflag == tar.TypeXGlobalHeader {
		return nil
	}
	name := path.Clean(h.Name)
	if !filepath.IsLocal(filepath.FromSlash(name)) || strings.ContainsRune(name, 0) {
		return fmt.Errorf("%q is elsewhere", h.Name)
	}
	if len(name) > maxName {
		return fmt.Errorf("%.32q is a name of %d bytes, more than %d", name, len(name), maxName)
	}
	root := u.s.root
	mode := os.FileMode(h.Mode) & 0o777
	if h.Typeflag == tar.TypeDir {
		return u.mkdirAll(name, mode|0o700)
	}
	if name == "." {
		return fmt.Errorf("%q is not a name", h.Name)
	}
	if err := u.mkdirAll(path.Dir(name), 0o700); err != nil {
		return err
	}
	if err := u.count(); err != nil {
		return err
	}
	if err := root.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	switch h.Typeflag {
	case tar.TypeReg:
		return u.file(name, mode|0o600, r)
	case tar.TypeSymlink:
		if path.IsAbs(h.Linkname) || !filepath.IsLocal(filepath.FromSlash(path.Join(path.Dir(name), h.Linkname))) {
			return fmt.Errorf("%q is a link to %q, which is elsewhere", h.Name, h.Linkname)
		}
		return root.Symlink(h.Linkname, name)
	case tar.TypeLink:
		return root.Link(path.Clean(h.Linkname), name)
	}
	return fmt.Errorf("%q is of type %q: neither a file, a directory nor a link", h.Name, h.Typeflag)
}

// rest reads what is after the end, which tells whether what is compressed is complete.
func (u *unpacking) rest(r io.Reader) error {
	n, err := io.Copy(io.Discard, io.LimitReader(r, u.s.cfg.MaxUnpacked+1))
	if err == nil && n > u.s.cfg.MaxUnpacked {
		err = u.tooMuch()
	}
	return err
}

func (u *unpacking) tooMuch() error { return fmt.Errorf("more than %d bytes", u.s.cfg.MaxUnpacked) }

func (u *unpacking) file(name string, mode os.FileMode, r io.Reader) error {
	f, err := u.s.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	n, err := io.Copy(f, io.LimitReader(r, u.left+1))
	if u.left -= n; err == nil && u.left < 0 {
		err = u.tooMuch()
	}
	return errors.Join(err, f.Close())
}
