// SPDX-License-Identifier: Apache-2.0

package rfc5353_test

import (
	"testing"

	"github.com/rserpool/rserpool/conformance/casetest"
	"github.com/rserpool/rserpool/conformance/rfc5353"
)

func TestCases(t *testing.T) { casetest.Run(t, rfc5353.Cases()) }
