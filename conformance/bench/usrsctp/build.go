// SPDX-License-Identifier: Apache-2.0

// Package usrsctp builds usrsctp as a contender of conformance/bench/peers: a client and server of
// ours over its C library.
//
// The library is compiled from the source that Debian packages, with optimisation and without
// SCTP_DEBUG. Where that cannot be had, the compiled library of the package libusrsctp-dev is used,
// which was configured with SCTP_DEBUG and is slower.
//
// # Limitations
//
// Debian or a system with its packages, with gcc and tar.
package usrsctp

import (
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed program/main.c
var program []byte

const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

// Build puts the program into a directory, in which it also works, and returns its path and what the
// library is.
func Build(dir string) (path, library string, err error) {
	path = filepath.Join(dir, "usrsctpbench")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", "", err
	}
	source := filepath.Join(dir, "bench.c")
	if err := os.WriteFile(source, program, 0o644); err != nil {
		return "", "", err
	}
	objects, library, ferr := kept(dir)
	if ferr != nil {
		objects, library, ferr = fromSource(dir)
	}
	args := []string{"-std=gnu11", "-O3", "-Wall", "-o", path, source}
	if ferr == nil {
		args = append(args, "-I"+filepath.Join(dir, "include"))
		args = append(args, objects...)
	} else {
		library = "Debian's library with SCTP_DEBUG"
		args = append(args, "-lusrsctp")
	}
	out, err := exec.Command("gcc", append(args, "-lpthread")...).CombinedOutput()
	if err != nil {
		return "", "", errors.Join(fmt.Errorf("usrsctp: gcc: %w\n%s", err, out), ferr)
	}
	return path, library, nil
}

// kept is the library as it was compiled before.
func kept(dir string) (objects []string, library string, err error) {
	b, err := os.ReadFile(filepath.Join(dir, "library"))
	if err != nil {
		return nil, "", err
	}
	objects, err = filepath.Glob(filepath.Join(dir, "*.o"))
	return objects, string(b), err
}

// fromSource fetches and compiles the library.
func fromSource(dir string) (objects []string, library string, err error) {
	lists := filepath.Join(dir, "lists", "partial")
	if err := os.MkdirAll(lists, 0o755); err != nil {
		return nil, "", err
	}
	release, err := codename()
	if err != nil {
		return nil, "", err
	}
	list := filepath.Join(dir, "source.list")
	line := fmt.Sprintf("deb-src [signed-by=%s] http://deb.debian.org/debian %s main\n", keyring, release)
	if err := os.WriteFile(list, []byte(line), 0o644); err != nil {
		return nil, "", err
	}
	apt := []string{
		"-o", "Dir::Etc::SourceList=" + list, "-o", "Dir::Etc::SourceParts=-", "-o", "APT::Sandbox::User=root",
		"-o", "Dir::State::Lists=" + filepath.Dir(lists), "-o", "Acquire::Languages=none", "-o", "Acquire::http::Timeout=20",
	}
	for _, args := range [][]string{{"update"}, {"source", "--download-only", "libusrsctp"}} {
		cmd := exec.Command("apt-get", append(apt[:len(apt):len(apt)], args...)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, "", fmt.Errorf("usrsctp: apt-get %s: %w\n%s", args[0], err, out)
		}
	}
	archives, _ := filepath.Glob(filepath.Join(dir, "libusrsctp_*.orig.tar.gz"))
	if len(archives) != 1 {
		return nil, "", fmt.Errorf("usrsctp: %d archives of the source", len(archives))
	}
	if out, err := exec.Command("tar", "-xf", archives[0], "-C", dir).CombinedOutput(); err != nil {
		return nil, "", fmt.Errorf("usrsctp: tar: %w\n%s", err, out)
	}
	version := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(archives[0]), "libusrsctp_"), ".orig.tar.gz")
	if objects, err = compile(dir); err != nil {
		return nil, "", err
	}
	library = version + " from Debian's source, -O3, no SCTP_DEBUG"
	return objects, library, os.WriteFile(filepath.Join(dir, "library"), []byte(library), 0o644)
}

func compile(dir string) (objects []string, err error) {
	roots, _ := filepath.Glob(filepath.Join(dir, "usrsctp-*", "usrsctplib"))
	if len(roots) != 1 {
		return nil, fmt.Errorf("usrsctp: %d trees of source", len(roots))
	}
	var files []string
	for _, p := range []string{"*.c", "netinet/*.c", "netinet6/*.c"} {
		f, _ := filepath.Glob(filepath.Join(roots[0], p))
		files = append(files, f...)
	}
	for _, f := range files {
		o := filepath.Join(dir, strings.TrimSuffix(filepath.Base(f), ".c")+".o")
		out, err := exec.Command("gcc", "-std=gnu99", "-O3", "-DNDEBUG", "-w", "-D_GNU_SOURCE", "-D__Userspace__", "-DINET", "-DINET6",
			"-DSCTP_SIMPLE_ALLOCATOR", "-DSCTP_PROCESS_LEVEL_LOCKS", "-DHAVE_STDATOMIC_H", "-DHAVE_SYS_QUEUE_H",
			"-DHAVE_LINUX_IF_ADDR_H", "-DHAVE_LINUX_RTNETLINK_H", "-DHAVE_NETINET_IP_ICMP_H",
			"-I", roots[0], "-c", f, "-o", o).CombinedOutput()
		if err != nil {
			return nil, fmt.Errorf("usrsctp: gcc %s: %w\n%s", filepath.Base(f), err, out)
		}
		objects = append(objects, o)
	}
	if err := os.MkdirAll(filepath.Join(dir, "include"), 0o755); err != nil {
		return nil, err
	}
	header, err := os.ReadFile(filepath.Join(roots[0], "usrsctp.h"))
	if err != nil {
		return nil, err
	}
	return objects, os.WriteFile(filepath.Join(dir, "include", "usrsctp.h"), header, 0o644)
}

// codename is that of the Debian release.
func codename() (string, error) {
	b, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "VERSION_CODENAME="); ok {
			return v, nil
		}
	}
	return "", errors.New("usrsctp: not a Debian")
}
