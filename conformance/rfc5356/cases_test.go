// SPDX-License-Identifier: Apache-2.0

package rfc5356_test

import (
	"testing"

	"github.com/rserpool/rserpool/conformance/casetest"
	"github.com/rserpool/rserpool/conformance/rfc5356"
)

func TestCases(t *testing.T) { casetest.Run(t, rfc5356.Cases()) }
