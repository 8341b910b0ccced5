// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package main

import "errors"

// enter needs network namespaces.
func enter() (inside bool, err error) {
	return false, errors.New("Linux is needed: the measurement makes a network namespace")
}
