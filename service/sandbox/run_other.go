// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package sandbox

import "os/exec"

const nonblock = 0

// Supported says whether scripts can be run on this system.
func Supported() error { return ErrUnsupported }

// Isolated says why scripts do not get namespaces of their own and Landlock, nil if they do.
func Isolated() error { return ErrUnsupported }

func (s *Sandbox) execute(*exec.Cmd) error { return ErrUnsupported }

func status(e *exec.ExitError) int { return e.ExitCode() }
