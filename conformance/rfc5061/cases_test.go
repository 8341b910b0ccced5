// SPDX-License-Identifier: Apache-2.0

package rfc5061_test

import (
	"testing"

	"github.com/rserpool/rserpool/conformance/casetest"
	"github.com/rserpool/rserpool/conformance/rfc5061"
)

func TestCases(t *testing.T) { casetest.Run(t, rfc5061.Cases()) }
