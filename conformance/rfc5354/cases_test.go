// SPDX-License-Identifier: Apache-2.0

package rfc5354_test

import (
	"testing"

	"github.com/rserpool/rserpool/conformance/casetest"
	"github.com/rserpool/rserpool/conformance/rfc5354"
)

func TestCases(t *testing.T) { casetest.Run(t, rfc5354.Cases()) }
