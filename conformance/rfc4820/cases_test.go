// SPDX-License-Identifier: Apache-2.0

package rfc4820_test

import (
	"testing"

	"github.com/rserpool/rserpool/conformance/casetest"
	"github.com/rserpool/rserpool/conformance/rfc4820"
)

func TestCases(t *testing.T) { casetest.Run(t, rfc4820.Cases()) }
