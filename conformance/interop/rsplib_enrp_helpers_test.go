// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/conformance/lab"
	"github.com/rserpool/rserpool/pool"
)

// rsplibLines returns the lines of a dump that match.
func rsplibLines(dump, expr string) (lines []string) {
	re := regexp.MustCompile(expr)
	for line := range strings.Lines(dump) {
		if re.MatchString(line) {
			lines = append(lines, line)
		}
	}
	return lines
}

// serveAt is serve for an element that knows one registrar.
func (r *rsplibRig) serveAt(s *pool.Server, reg string) *rsplibElement {
	r.t.Helper()
	return r.serveWith(r.clientAt(reg), s)
}

// clientAt is client for one that knows one registrar.
func (r *rsplibRig) clientAt(reg string) *pool.Client {
	r.t.Helper()
	c, err := pool.NewClient(&pool.Config{Stack: r.stack, Logger: r.log, Registrars: []string{reg}})
	require.NoError(r.t, err)
	r.atEnd(func() { assert.NoError(r.t, c.Close()) })
	return c
}

// rserpoolNode is a node that runs a registrar of ours, all by itself, and tells when it is up.
func rserpoolNode(r *rsplibRig, n int, id uint32, flags string) *lab.Node {
	return r.lab.Node(r.t, n, lab.FreeEncapPort+fmt.Sprintf(
		"exec rserpool registrar --id %#x --local 10.44.0.%d,10.45.0.%d %s 2>&1", id, n, n, flags))
}
