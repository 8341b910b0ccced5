// SPDX-License-Identifier: Apache-2.0

package main

import (
	"log/slog"
	"math"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rserpool/rserpool/pool"
)

// clientFlags are those of pool elements and pool users.
type clientFlags struct {
	registrars []string
	announce   string
	local      []string
	encapPort  int
	profile    string
	tls        tlsClientFlags
	flags      *pflag.FlagSet
}

func (f *clientFlags) register(flags *pflag.FlagSet, encapPort int) {
	f.flags = flags
	flags.StringArrayVar(&f.registrars, "registrar", nil,
		"a registrar as ADDRESS[,ADDRESS...]:PORT[/UDPPORT], or for pool users as tcp://ADDRESS[,ADDRESS...]:PORT or tls:// for TLS, may be repeated "+
			"(default: announcements, then 127.0.0.1:3863)")
	f.tls.add(flags)
	flags.StringVar(&f.announce, "announce", "",
		"multicast GROUP:PORT of registrars' announcements, or off (default: the usual groups, off with --registrar)")
	flags.StringSliceVar(&f.local, "local", nil, "local IP addresses (default: all)")
	flags.IntVar(&f.encapPort, "encap-port", encapPort, "local UDP port of SCTP; 0: 9899 or any if that is in use, -1: any")
	flags.StringVar(&f.profile, "profile", "auto",
		"protocol timers: auto and rsplib (seconds, life in milliseconds), or rfc (minutes, life in seconds)")
}

// basic is config for who only resolves: if all registrars are reached by TCP, there is no SCTP.
func (f *clientFlags) basic(log *slog.Logger) (*pool.Config, error) {
	c, err := f.config(log)
	if err == nil {
		c.NoSCTP = len(f.registrars) > 0 && !slices.ContainsFunc(f.registrars, func(r string) bool { return !isStream(r) })
	}
	return c, err
}

// isStream reports whether a registrar is reached without SCTP.
func isStream(r string) bool { return strings.HasPrefix(r, "tcp://") || strings.HasPrefix(r, "tls://") }

// config returns the configuration of a pool.Client.
func (f *clientFlags) config(log *slog.Logger) (*pool.Config, error) {
	c := &pool.Config{Registrars: f.registrars, Announce: f.announce, Logger: log}
	if f.flags != nil && f.flags.Changed("local") && len(f.local) == 0 {
		return nil, usagef("--local: %q is not an IP address", "")
	}
	for _, l := range f.local {
		ip, err := netip.ParseAddr(strings.TrimSpace(l))
		if err != nil {
			return nil, usagef("--local: %q is not an IP address", l)
		}
		c.SCTP.LocalAddrs = append(c.SCTP.LocalAddrs, ip)
	}
	if f.encapPort < -1 || f.encapPort > 65535 {
		return nil, usagef("--encap-port: %d is not within -1 to 65535", f.encapPort)
	}
	c.SCTP.EncapPort = f.encapPort
	switch f.profile {
	case "auto", "rsplib": // what serves RSPLIB serves others, too
	case "rfc":
		c.ASAP = pool.RFCTimers()
	default:
		return nil, usagef("--profile: %q is not auto, rfc or rsplib", f.profile)
	}
	if slices.ContainsFunc(f.registrars, func(r string) bool { return strings.HasPrefix(r, "tls://") }) {
		var err error
		if c.TLS, err = f.tls.config(); err != nil {
			return nil, usageError{err}
		}
	}
	if err := c.Validate(); err != nil {
		return nil, usagef("%s", fieldOf.ReplaceAllStringFunc(err.Error(), func(field string) string {
			if strings.Contains(field, "Registrars") {
				return "--registrar: "
			}
			return "--announce: "
		}))
	}
	return c, nil
}

// fieldOf finds the fields of pool.Config that flags set.
var fieldOf = regexp.MustCompile(`^pool: config: (Registrars\[\d+\]|Announce): `)

// logger returns what --log-level asks for. Commands that run for long say more by themselves.
func logger(cmd *cobra.Command, byDefault slog.Level) (*slog.Logger, error) {
	var level slog.LevelVar
	if err := setLevel(&level, cmd.Flags(), byDefault); err != nil {
		return nil, err
	}
	return slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: level.Level()})), nil
}

// levelOff is above all levels.
const levelOff = slog.Level(math.MaxInt32)

// addLogLevel defines --log-level, which all commands have.
func addLogLevel(fl *pflag.FlagSet) {
	fl.String("log-level", "", "what goes to stderr: debug, info, warn, error or off (default: info for registrar and serve, error for others)")
}

// setLevel sets what --log-level asks for.
func setLevel(to *slog.LevelVar, fl *pflag.FlagSet, byDefault slog.Level) error {
	level := byDefault
	if f := fl.Lookup("log-level"); f != nil && f.Changed {
		switch v := f.Value.String(); {
		case strings.EqualFold(v, "off"):
			level = levelOff
		case level.UnmarshalText([]byte(v)) != nil:
			return usagef("--log-level: %q is not debug, info, warn, error or off", v)
		}
	}
	to.Set(level)
	return nil
}
