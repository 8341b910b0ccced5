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
			err = fmt.Errorf("more than %d files and directories", s.cfg.MaxFiles)
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
	s    *Sandbox
	left int64 // bytes
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
	root := u.s.root
	mode := os.FileMode(h.Mode) & 0o777
	if h.Typeflag == tar.TypeDir {
		return root.MkdirAll(name, mode|0o700)
	}
	if name == "." {
		return fmt.Errorf("%q is not a name", h.Name)
	}
	if err := root.MkdirAll(path.Dir(name), 0o700); err != nil {
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
