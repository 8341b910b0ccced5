// SPDX-License-Identifier: Apache-2.0

package rfc5352_test

import (
	"testing"

	"github.com/rserpool/rserpool/conformance/casetest"
	"github.com/rserpool/rserpool/conformance/rfc5352"
)

func TestCases(t *testing.T) { casetest.Run(t, rfc5352.Cases()) }
