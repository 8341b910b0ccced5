// SPDX-License-Identifier: Apache-2.0

package rfc4895_test

import (
	"testing"

	"github.com/rserpool/rserpool/conformance/casetest"
	"github.com/rserpool/rserpool/conformance/rfc4895"
)

func TestCases(t *testing.T) { casetest.Run(t, rfc4895.Cases()) }
