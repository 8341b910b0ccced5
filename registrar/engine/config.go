// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"math"
	"time"

	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/pool/policy"
	"github.com/rserpool/rserpool/registrar/handlespace"
)

// Defaults of [Config].
const (
	// DefaultKeepAliveInterval and DefaultKeepAliveTimeout are RSPLIB's; RFC 5352 leaves them open.
	DefaultKeepAliveInterval = 5 * time.Second
	DefaultKeepAliveTimeout  = 5 * time.Second

	// DefaultServerAnnounce is T6-Serverannounce of RFC 5352, Section 7.1.
	DefaultServerAnnounce = time.Second

	// DefaultMaxBadPEReport is MAX-BAD-PE-REPORT of RFC 5353, Section 4.2.
	DefaultMaxBadPEReport = 3

	// DefaultMaxResolutionItems is how many pool elements are listed for who does not say how many; RSPLIB's.
	DefaultMaxResolutionItems = 3

	// DefaultMaxPools bounds the pools: their handles are up to 64 KiB long, so that without a bound of its own the
	// memory for handles would be unbounded in practice.
	DefaultMaxPools = 1 << 16

	// DefaultMaxElementsPerAssoc is how many pool elements one association may register: more than any process serves,
	// and a sixteenth of what the handlespace holds, so that one peer cannot fill it.
	DefaultMaxElementsPerAssoc = 1 << 16

	// DefaultMaxAssocs bounds the associations; each costs some hundred bytes here and far more in SCTP.
	DefaultMaxAssocs = 1 << 16

	// DefaultMaxSubscriptions is how many pools one association may subscribe to: as many as a pool user is likely to know.
	DefaultMaxSubscriptions = 1 << 8

	// DefaultUpdateInterval is the shortest time between two updates about a pool: loads change often, and no user needs
	// to know them sooner.
	DefaultUpdateInterval = 500 * time.Millisecond

	// AutoMillis is the largest registration life that [ProfileAuto] takes for seconds: one day.
	AutoMillis = 24 * 60 * 60
)

// A Profile says whose reading of the protocol counts where RFC and RSPLIB contradict each other.
type Profile uint8

const (
	// ProfileAuto takes a registration life of up to AutoMillis for seconds and a longer one for milliseconds. RSPLIB's
	// pool elements send 90000 and mean 90 seconds; those of the RFC re-register at least every 10 minutes, so they have
	// no use for more than a day. The wrong guess is harmless: RSPLIB's life of 15000 is read as 4 hours, but an element
	// that is gone is found by its keep-alives.
	ProfileAuto Profile = iota
	// ProfileRFC is RFC 5352 to the letter: the registration life is in seconds.
	ProfileRFC
	// ProfileRSPLIB does as RSPLIB does: the registration life is in milliseconds, its end is not told to the pool
	// element, user addresses outside of the association are dropped instead of rejected, causes are RSPLIB's, and pool
	// handles have at most 32 bytes.
	ProfileRSPLIB
)

func (p Profile) String() string {
	switch p {
	case ProfileAuto:
		return "auto"
	case ProfileRFC:
		return "rfc"
	case ProfileRSPLIB:
		return "rsplib"
	}
	return fmt.Sprintf("profile %d", uint8(p))
}

// ParseProfile reads "auto", "rfc" or "rsplib".
func ParseProfile(s string) (Profile, error) {
	for _, p := range []Profile{ProfileAuto, ProfileRFC, ProfileRSPLIB} {
		if s == p.String() {
			return p, nil
		}
	}
	return 0, fmt.Errorf("profile %q is none of auto, rfc, rsplib", s)
}

// Config configures an [Engine]. The zero value of a field means its default; negative turns off what can be off.
type Config struct {
	// ServerID identifies the registrar in the operational scope. It must not be 0.
	ServerID uint32
	// Rand is the source of randomness: selections, and the jitter of timers. It must be set.
	Rand policy.Rand
	// Profile decides where RFC and RSPLIB differ.
	Profile Profile
	// Policies are the pool policies; nil for all of RFC 5356 and RSPLIB.
	Policies *policy.Registry

	// KeepAliveInterval is the mean time between two keep-alives to a pool element; each is drawn from 50 % to 150 % of
	// it. Negative: none but those after a report.
	KeepAliveInterval time.Duration
	// KeepAliveTimeout is how long the answer may take before the pool element is removed. It cannot be turned off.
	KeepAliveTimeout time.Duration
	// MaxBadPEReport: a pool element reported unreachable more often than this is removed. Negative: never.
	MaxBadPEReport int
	// ServerAnnounce is T6-Serverannounce, the mean time between two announcements; each is drawn from 87.5 % to 112.5 %
	// of it. Negative: there are none.
	ServerAnnounce time.Duration
	// Announce is what announcements say.
	Announce Announce

	// ENRP is about other registrars; nil: this one stands alone.
	ENRP *ENRP
	// DistanceStep is what distances, in the policies with a delay penalty factor, are rounded to. Default: 50 ms, as
	// RSPLIB.
	DistanceStep time.Duration

	// MaxResolutionItems is how many pool elements are listed in a handle resolution response for who does not ask for a
	// number by the Handle Resolution Option. There are never more than param.MaxPoolElements.
	MaxResolutionItems int
	// MaxIncrement is how many elements one selection turns to the end of their round; 0 for the 1 of RFC 5356.
	MaxIncrement int

	// MaxElements, MaxPools, MaxElementsPerAssoc and MaxAssocs are bounds; negative for none. 0 is the Default with the
	// same name, for elements handlespace.DefaultMaxElements.
	MaxElements, MaxPools, MaxElementsPerAssoc, MaxAssocs int
	// MaxHandle is the longest pool handle accepted in a registration, in bytes; 0 for param.MaxPoolHandle, with
	// ProfileRSPLIB for param.MaxHandleRSPLIB. Set the latter while RSPLIB takes part in the operational scope.
	MaxHandle int
	// MaxSubscriptions is how many pools one association may subscribe to (the S bit); 0 for DefaultMaxSubscriptions.
	// Negative: none, all updates are refused.
	MaxSubscriptions int
	// UpdateInterval is the shortest time between two updates about the same pool; 0 for DefaultUpdateInterval. Negative: an
	// update for every change.
	UpdateInterval time.Duration
	// MaxResolutionRate and MaxReportRate bound handle resolutions and reports of unreachable elements per second and
	// association, with bursts of as many; 0 or negative for no bound.
	MaxResolutionRate, MaxReportRate int
}

func (c Config) withDefaults() (Config, error) {
	def := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
		if *v < 0 {
			*v = math.MaxInt
		}
	}
	duration := func(v *time.Duration, d time.Duration) {
		if *v == 0 {
			*v = d
		}
	}
	switch {
	case c.ServerID == 0:
		return c, configError("ServerID", "is 0")
	case c.Rand == nil:
		return c, configError("Rand", "is nil")
	case c.Profile > ProfileRSPLIB:
		return c, configError("Profile", "is unknown: %v", c.Profile)
	case c.KeepAliveTimeout < 0:
		return c, configError("KeepAliveTimeout", "is %v, negative", c.KeepAliveTimeout)
	case c.MaxResolutionItems < 0 || c.MaxResolutionItems > param.MaxPoolElements:
		return c, configError("MaxResolutionItems", "is %d, not within 0 to %d", c.MaxResolutionItems, param.MaxPoolElements)
	case c.MaxHandle < 0 || c.MaxHandle > param.MaxPoolHandle:
		return c, configError("MaxHandle", "is %d, not within 0 to %d", c.MaxHandle, param.MaxPoolHandle)
	case c.MaxIncrement < 0:
		return c, configError("MaxIncrement", "is %d, negative", c.MaxIncrement)
	}
	duration(&c.KeepAliveInterval, DefaultKeepAliveInterval)
	duration(&c.KeepAliveTimeout, DefaultKeepAliveTimeout)
	duration(&c.ServerAnnounce, DefaultServerAnnounce)
	duration(&c.UpdateInterval, DefaultUpdateInterval)
	if c.MaxSubscriptions == 0 {
		c.MaxSubscriptions = DefaultMaxSubscriptions
	}
	duration(&c.DistanceStep, DefaultDistanceStep)
	def(&c.MaxBadPEReport, DefaultMaxBadPEReport)
	def(&c.MaxResolutionItems, DefaultMaxResolutionItems)
	def(&c.MaxElements, handlespace.DefaultMaxElements)
	def(&c.MaxPools, DefaultMaxPools)
	def(&c.MaxElementsPerAssoc, DefaultMaxElementsPerAssoc)
	def(&c.MaxAssocs, DefaultMaxAssocs)
	if c.MaxHandle == 0 {
		c.MaxHandle = param.MaxPoolHandle
		if c.Profile == ProfileRSPLIB {
			c.MaxHandle = param.MaxHandleRSPLIB
		}
	}
	if c.Policies == nil {
		c.Policies = policy.NewRegistry()
	}
	if c.ENRP != nil {
		n, err := c.ENRP.withDefaults(c.Profile)
		if err != nil {
			return c, err
		}
		c.ENRP = &n
	}
	return c, nil
}

// A ConfigError says which field of a configuration is wrong, and why.
type ConfigError struct {
	Field, Reason string
}

func (e *ConfigError) Error() string { return "config: " + e.Field + " " + e.Reason }

func configError(field, format string, args ...any) error {
	return &ConfigError{field, fmt.Sprintf(format, args...)}
}
