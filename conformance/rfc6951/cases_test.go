// SPDX-License-Identifier: Apache-2.0

package rfc6951_test

import (
	"testing"

	"github.com/rserpool/rserpool/conformance/casetest"
	"github.com/rserpool/rserpool/conformance/rfc6951"
)

func TestCases(t *testing.T) { casetest.Run(t, rfc6951.Cases()) }
