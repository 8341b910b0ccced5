// SPDX-License-Identifier: Apache-2.0

package rfc7829_test

import (
	"testing"

	"github.com/rserpool/rserpool/conformance/casetest"
	"github.com/rserpool/rserpool/conformance/rfc7829"
)

func TestCases(t *testing.T) { casetest.Run(t, rfc7829.Cases()) }
