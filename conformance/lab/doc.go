// SPDX-License-Identifier: Apache-2.0

// Package lab gives Go tests real peers: nodes that are User-Mode Linux kernels with the kernel's
// own SCTP and RSPLIB, on two bridges in a network namespace that the test process itself lives in.
// The rig is the shell script lab beside this file; this package runs it, so that a test reads as
// "boot a node with this script, wait for this line, cut that link, check the capture".
//
// A test package that uses it carries the build tag interop and calls [Main] from TestMain:
//
//	func TestMain(m *testing.M) { lab.Main(m) }
//
// and then "RSERPOOL_LAB=1 go test -tags interop ./..." as root runs the tests inside a namespace
// of their own and removes it afterwards, however they end. Without RSERPOOL_LAB, or where the rig
// cannot run, such a test run fails and says why: it never passes by doing nothing.
//
// # Limitations
//
// Linux on amd64 only, as root, with the root file system made by "lab build". One namespace per
// test process: tests that use the same node number cannot run in parallel. Nodes have IPv4
// addresses on their links and only link-local IPv6.
package lab
