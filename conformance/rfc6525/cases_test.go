// SPDX-License-Identifier: Apache-2.0

package rfc6525_test

import (
	"testing"

	"github.com/rserpool/rserpool/conformance/casetest"
	"github.com/rserpool/rserpool/conformance/rfc6525"
)

func TestCases(t *testing.T) { casetest.Run(t, rfc6525.Cases()) }
