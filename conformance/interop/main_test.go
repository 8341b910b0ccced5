// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"testing"

	"github.com/rserpool/rserpool/conformance/lab"
)

func TestMain(m *testing.M) { lab.Main(m) }
