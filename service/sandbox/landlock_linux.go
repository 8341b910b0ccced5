// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// readFiles are the rights to files that scripts have everywhere, writeFiles those that they have in their directory
// besides. What is in neither is not restricted.
const (
	readFiles  = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	writeFiles = unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE |
		unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_REG |
		unix.LANDLOCK_ACCESS_FS_MAKE_SOCK | unix.LANDLOCK_ACCESS_FS_MAKE_FIFO | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK |
		unix.LANDLOCK_ACCESS_FS_MAKE_SYM
	referFiles    = unix.LANDLOCK_ACCESS_FS_REFER    // to move files from one directory to another, since version 2
	truncateFiles = unix.LANDLOCK_ACCESS_FS_TRUNCATE // since version 3
)

// readable are the directories with what programs need, which scripts may read but not write. What is not there is left
// out.
var readable = []string{"/bin", "/sbin", "/usr", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt", "/nix", "/proc", "/sys", "/dev"}

// restrictFiles leaves this thread, and what it starts, only a directory to write to, the devices that are harmless, and
// what programs need to read.
func restrictFiles(dir string) error {
	version, err := landlock()
	if err != nil {
		return err
	}
	all := uint64(readFiles | writeFiles)
	if version >= 2 {
		all |= referFiles
	}
	if version >= 3 {
		all |= truncateFiles
	}
	attr := unix.LandlockRulesetAttr{Handled_access_fs: all}
	// The first version knows only the first field.
	size := unsafe.Sizeof(attr.Handled_access_fs)
	rules, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), size, 0)
	if errno != 0 {
		return fmt.Errorf("sandbox: Landlock: %w", errno)
	}
	defer unix.Close(int(rules))
	if err := allow(int(rules), dir, all); err != nil {
		return err
	}
	for _, name := range readable {
		if err := allow(int(rules), name, readFiles); err != nil && err != unix.ENOENT {
			return err
		}
	}
	for _, name := range []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/tty"} {
		_ = allow(int(rules), name, unix.LANDLOCK_ACCESS_FS_READ_FILE|unix.LANDLOCK_ACCESS_FS_WRITE_FILE)
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, rules, 0, 0); errno != 0 {
		return fmt.Errorf("sandbox: Landlock: %w", errno)
	}
	return nil
}

// landlock returns the version that the system has.
func landlock() (version uintptr, err error) {
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0, fmt.Errorf("sandbox: the system has no Landlock: %w", errno)
	}
	return version, nil
}

// allow allows something beneath a directory, or with a file.
func allow(rules int, name string, access uint64) error {
	fd, err := unix.Open(name, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	// Its kernel structure is packed: 8 bytes, then 4.
	attr := unix.LandlockPathBeneathAttr{Allowed_access: access, Parent_fd: int32(fd)}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(rules), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&attr)), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}
