// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// ErrUnsupported is matched by the errors of a system on which scripts cannot be run.
var ErrUnsupported = errors.New("sandbox: scripts cannot be run on this system")

// The defaults.
const (
	DefaultTimeLimit   = time.Hour
	DefaultMaxFile     = 256 << 20 // bytes
	DefaultMaxUnpacked = 256 << 20 // bytes
	DefaultMaxFiles    = 10_000
)

// An Isolation says whether scripts get namespaces of their own and Landlock.
type Isolation uint8

// What there is.
const (
	Auto    Isolation = iota // as far as the system allows it
	Require                  // or they are not run
	Off                      // they do not, for those that need the network for example
)

// A Config is that of a Sandbox. Zero is the default of a field.
type Config struct {
	// Dir is where the directory is made. Default: that of os.TempDir.
	Dir string
	// TimeLimit is how long a script may run. Default: DefaultTimeLimit.
	TimeLimit time.Duration
	// MaxFile is how large a file may be that a script writes, in bytes. Default: DefaultMaxFile.
	MaxFile int64
	// MaxUnpacked is how large everything in an archive may be, in bytes. Default: DefaultMaxUnpacked.
	MaxUnpacked int64
	// MaxFiles is how many files and directories may be in it, those above others that it does not name as well. Default:
	// DefaultMaxFiles.
	MaxFiles int
	// Isolation is that of scripts.
	Isolation Isolation
}

// Validate says what is wrong with the configuration.
func (c *Config) Validate() error {
	switch {
	case c.TimeLimit < 0, c.MaxFile < 0, c.MaxUnpacked < 0, c.MaxFiles < 0:
		return errors.New("sandbox: a limit is negative")
	case c.Isolation > Off:
		return fmt.Errorf("sandbox: there is no isolation %d", c.Isolation)
	}
	return nil
}

func (c *Config) defaults() {
	if c.TimeLimit == 0 {
		c.TimeLimit = DefaultTimeLimit
	}
	if c.MaxFile == 0 {
		c.MaxFile = DefaultMaxFile
	}
	if c.MaxUnpacked == 0 {
		c.MaxUnpacked = DefaultMaxUnpacked
	}
	if c.MaxFiles == 0 {
		c.MaxFiles = DefaultMaxFiles
	}
}

// A Sandbox is a directory with a script. It must be used by one goroutine at a time.
type Sandbox struct {
	cfg  Config
	dir  string   // of this process; the script's is below
	root *os.Root // the script's
}

// work is the name of the script's directory.
const work = "work"

// New makes the directory. Close removes it.
func New(cfg Config) (*Sandbox, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg.defaults()
	dir, err := os.MkdirTemp(cfg.Dir, "rserpool-script-")
	if err != nil {
		return nil, err
	}
	s := &Sandbox{cfg: cfg, dir: dir}
	if err = os.Mkdir(s.workDir(), 0o700); err == nil {
		s.root, err = os.OpenRoot(s.workDir())
	}
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	return s, nil
}

func (s *Sandbox) workDir() string { return filepath.Join(s.dir, work) }

// Scratch makes a file which the script does not see, and which Close removes.
func (s *Sandbox) Scratch(name string) (*os.File, error) {
	return os.OpenFile(filepath.Join(s.dir, "scratch-"+filepath.Base(name)), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
}

// Put makes a file in the script's directory, in place of one of that name.
func (s *Sandbox) Put(name string, r io.Reader) error {
	if err := s.root.RemoveAll(name); err != nil {
		return err
	}
	f, err := s.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, r); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// Open opens a file in the script's directory to read it. It fails if it is not a regular one, or is outside by a link.
func (s *Sandbox) Open(name string) (*os.File, error) {
	f, err := s.root.OpenFile(name, os.O_RDONLY|nonblock, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("sandbox: %s is not a file", name)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Close removes the directory, whatever the script has made of it.
func (s *Sandbox) Close() error {
	err := s.empty()
	return errors.Join(err, s.root.Close(), os.RemoveAll(s.dir))
}

// empty removes what the script has left.
func (s *Sandbox) empty() error {
	_ = s.root.Chmod(".", 0o700)
	open := func(name string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() && err != nil { // of which it has taken away the permissions
			_ = s.root.Chmod(name, 0o700)
		}
		return nil
	}
	for range 2 { // what could not be looked into first
		_ = fs.WalkDir(s.root.FS(), ".", open)
	}
	entries, err := fs.ReadDir(s.root.FS(), ".")
	for _, e := range entries {
		err = errors.Join(err, s.root.RemoveAll(e.Name()))
	}
	return err
}
