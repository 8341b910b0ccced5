// SPDX-License-Identifier: Apache-2.0

package rfc8260_test

import (
	"testing"

	"github.com/rserpool/rserpool/conformance/casetest"
	"github.com/rserpool/rserpool/conformance/rfc8260"
)

func TestCases(t *testing.T) { casetest.Run(t, rfc8260.Cases()) }
