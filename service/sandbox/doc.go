// SPDX-License-Identifier: Apache-2.0

// Package sandbox runs scripts that somebody else has sent, with as few means as the system takes away without root: a
// directory of their own that is removed afterwards, an environment with nothing of this process, a process group that is
// killed as a whole, limits of time and of the size of files; and on Linux, where the system allows it, namespaces without
// network and with no other processes in sight, and Landlock, which leaves only the directory to write to.
//
//	s, err := sandbox.New(sandbox.Config{})
//	defer s.Close()
//	err = s.Unpack(archive)
//	result, err := s.Run(ctx, "./ssrun", "output.data")
//	f, err := s.Open("output.data")
//
// Archives are unpacked here, not by a program: tar, plain or compressed by gzip or bzip2.
//
// # Limitations
//
// A sandbox is not a wall: a script has the rights of the user that runs this process, to read files most of all, and may
// use all of the processors and of the memory. Do not run it as root, nor where there are secrets; a container or a virtual
// machine around it is better. Without namespaces, a script that makes itself a new session survives its end, and has the
// network. The sizes of files are limited, not their number. There are no scripts on Windows.
package sandbox
