// SPDX-License-Identifier: Apache-2.0

package rfc3758_test

import (
	"testing"

	"github.com/rserpool/rserpool/conformance/casetest"
	"github.com/rserpool/rserpool/conformance/rfc3758"
)

func TestCases(t *testing.T) { casetest.Run(t, rfc3758.Cases()) }
