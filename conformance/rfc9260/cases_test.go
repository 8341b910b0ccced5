// SPDX-License-Identifier: Apache-2.0

package rfc9260_test

import (
	"testing"

	"github.com/rserpool/rserpool/conformance/casetest"
	"github.com/rserpool/rserpool/conformance/rfc9260"
)

func TestCases(t *testing.T) { casetest.Run(t, rfc9260.Cases()) }
