// SPDX-License-Identifier: Apache-2.0

// Package all has the cases of all RFCs.
//
// # Limitations
//
// Rows of requirements.tsv that have no case yet are listed in pending.txt beside this file.
package all

import (
	"github.com/rserpool/rserpool/conformance"
	"github.com/rserpool/rserpool/conformance/rfc3758"
	"github.com/rserpool/rserpool/conformance/rfc4820"
	"github.com/rserpool/rserpool/conformance/rfc4895"
	"github.com/rserpool/rserpool/conformance/rfc5061"
	"github.com/rserpool/rserpool/conformance/rfc5352"
	"github.com/rserpool/rserpool/conformance/rfc5353"
	"github.com/rserpool/rserpool/conformance/rfc5354"
	"github.com/rserpool/rserpool/conformance/rfc5356"
	"github.com/rserpool/rserpool/conformance/rfc6525"
	"github.com/rserpool/rserpool/conformance/rfc6951"
	"github.com/rserpool/rserpool/conformance/rfc7829"
	"github.com/rserpool/rserpool/conformance/rfc8260"
	"github.com/rserpool/rserpool/conformance/rfc9260"
)

// Cases are all cases, joined with their requirements and in their order.
func Cases() []conformance.Case {
	return conformance.Join(
		rfc9260.Cases(),
		rfc6951.Cases(),
		rfc4895.Cases(),
		rfc5061.Cases(),
		rfc3758.Cases(),
		rfc6525.Cases(),
		rfc8260.Cases(),
		rfc7829.Cases(),
		rfc4820.Cases(),
		rfc5352.Cases(),
		rfc5353.Cases(),
		rfc5354.Cases(),
		rfc5356.Cases(),
	)
}
