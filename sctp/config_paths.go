// SPDX-License-Identifier: Apache-2.0

package sctp

import "github.com/rserpool/rserpool/sctp/assoc"

// pathParams sets the engine's parameters of the extensions that work on paths.
func (c *Config) pathParams(p *assoc.Config) {
	p.PotentiallyFailedMaxRetrans = c.PotentiallyFailedMaxRetrans
	p.HidePotentiallyFailed = c.HidePotentiallyFailed
	p.PrimarySwitchover = c.PrimarySwitchover
	p.PrimarySwitchoverMaxRetrans = c.PrimarySwitchoverMaxRetrans
	p.MaxMTU = c.MaxMTU
	p.ECN = c.ECN
}
