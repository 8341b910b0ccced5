// SPDX-License-Identifier: Apache-2.0

// Package control makes a system under test act: by a command line per act ([Commands]), or by a program that speaks the
// control protocol of docs/conformance.md on its standard input and output ([Process]).
//
// # Limitations
//
// Commands are run by /bin/sh, or by cmd on Windows.
package control
