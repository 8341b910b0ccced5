// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rserpool/rserpool/registrar"
	"github.com/rserpool/rserpool/service/csp"
)

const registrarLong = `Run a registrar (ENRP server): it takes the registrations of pool elements, watches
them, and tells pool users where they are, by ASAP (RFC 5352) over SCTP in UDP. Pool
users without SCTP ask it over TCP, or TLS; pool elements cannot register there.

It announces itself by multicast, so that pool elements and pool users in the same
network find it without configuration. Registrars find each other in the same way, keep
their handlespaces the same, and take over from one that fails, by ENRP (RFC 5353). Stop
it with Ctrl-C.

A number of 0 stands for the default.`

const registrarExample = `  # On all addresses, for everyone in the network:
  rserpool registrar

  # On two networks, so that one may fail, with the identifier 0x11111111:
  rserpool registrar --local 10.0.0.1,10.1.0.1 --id 0x11111111

  # For experiments on this host only, next to another SCTP on UDP port 9899:
  rserpool registrar --local 127.0.0.1 --encap-port 9900

  # Without multicast, announced to two hosts:
  rserpool registrar --announce off --announce-to 10.0.0.7:3863,10.0.0.8:3863

  # With two others, which multicast does not reach:
  rserpool registrar --peer 10.0.0.2,10.1.0.2:9901 --peer 10.0.0.3,10.1.0.3:9901

  # From a file, with what it does at http://127.0.0.1:9863/:
  rserpool registrar --config /etc/rserpool/registrar.yaml --admin :9863

  # For pool users that want to know whom they ask, at tls://10.0.0.1:3864:
  rserpool registrar --local 10.0.0.1 --tls-cert registrar.pem --tls-key registrar.key

  # Among RSPLIB's components:
  rserpool registrar --profile rsplib`

// registrarFlags are the flags that are not yet what registrar.Config wants.
type registrarFlags struct {
	cfg             registrar.Config
	id, profile     string
	local, from, to []string
	announce        string
	peers           peerFlags
	tcp             tcpFlags
	tls             tlsFlags
	csp             cspFlags
	admin           string
	flags           *pflag.FlagSet
	origins         map[string]string // of the flags that are not from the command line
	level           *slog.LevelVar
}

func newRegistrarCmd() *cobra.Command {
	var f registrarFlags
	cmd := &cobra.Command{
		Use:     "registrar",
		Short:   "Run a registrar",
		Long:    registrarLong,
		Example: registrarExample,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.parse(); err != nil {
				return usageError{err}
			}
			f.level = new(slog.LevelVar)
			if err := setLevel(f.level, cmd.Flags(), slog.LevelInfo); err != nil {
				return err
			}
			log := newLogWriter(cmd.ErrOrStderr())
			defer log.Close()
			f.cfg.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: f.level}))
			f.origins, _ = cmd.Context().Value(originsKey{}).(map[string]string)
			return f.run(cmd.Context(), cmd.OutOrStdout())
		},
	}
	f.add(cmd.Flags())
	return cmd
}

// add defines the flags.
func (f *registrarFlags) add(fl *pflag.FlagSet) {
	c := &f.cfg
	f.flags = fl
	fl.SortFlags = false
	addConfigFlag(fl)
	fl.StringSliceVar(&f.local, "local", nil, "local `addresses` (default all)")
	fl.IntVar(&c.EncapPort, "encap-port", 0, "local UDP `port` of SCTP; 0: 9899, or any if that is in use; -1: any")
	fl.IntVar(&c.ASAPPort, "asap-port", 3863, "SCTP `port` for ASAP; -1: any")
	f.tcp.add(fl, c)
	f.tls.add(fl)
	fl.StringVar(&f.id, "id", "", "identifier of the registrar, a `number` such as 0x11111111 (default random)")
	fl.StringVar(&f.profile, "profile", "auto", "`who` is right where RFC and RSPLIB differ: auto, rfc, rsplib")
	fl.StringVar(&f.announce, "announce", registrar.DefaultAnnounceGroup.String(), "multicast `group` and UDP port of announcements, or off")
	fl.StringSliceVar(&f.to, "announce-to", nil, "`addresses` with UDP ports that get announcements in addition")
	fl.StringSliceVar(&f.from, "announce-from", nil, "local `addresses` to announce from (default all)")
	fl.DurationVar(&c.AnnounceInterval, "announce-interval", 0, "time between announcements; negative: there are none (default 1s)")
	fl.IntVar(&c.AnnounceTTL, "announce-ttl", registrar.DefaultAnnounceTTL, "TTL of multicast announcements")
	f.peers.add(fl, c)
	f.csp.add(fl)
	fl.StringVar(&f.admin, "admin", "", "TCP `address` that shows health, handlespace, peers and metrics by HTTP to who asks; without a host 127.0.0.1 (default none)")
	fl.DurationVar(&c.KeepAliveInterval, "keep-alive-interval", 0, "time between keep-alives to a pool element; negative: there are none (default 5s)")
	fl.DurationVar(&c.KeepAliveTimeout, "keep-alive-timeout", 0, "time a pool element has to answer (default 5s)")
	fl.IntVar(&c.MaxBadPEReport, "max-bad-pe-reports", 3, "reports above which an unreachable pool element is removed; negative: never")
	fl.IntVar(&c.MaxResolutionItems, "max-items", 3, "pool elements listed for who does not ask for a number, at most 128")
	fl.IntVar(&c.MaxIncrement, "max-increment", 1, "pool elements turned to the end of their round by one selection")
	fl.IntVar(&c.MaxElements, "max-elements", 1<<20, "pool elements; negative: no bound")
	fl.IntVar(&c.MaxPools, "max-pools", 1<<16, "pools; negative: no bound")
	fl.IntVar(&c.MaxHandle, "max-handle", 0, "length of a pool handle in bytes (default 65531; 32 with --profile rsplib)")
	fl.IntVar(&c.MaxResolutionRate, "max-resolution-rate", -1, "handle resolutions per second and association; negative: no bound")
	fl.IntVar(&c.MaxReportRate, "max-report-rate", -1, "reports of unreachable elements per second and association; negative: no bound")
	fl.IntVar(&c.MaxSubscriptions, "max-subscriptions", 0, "pools that one pool user may be told of as they change; negative: none (default 256)")
	fl.DurationVar(&c.UpdateInterval, "update-interval", 0, "shortest time between two updates about a pool to its subscribers (default 500ms)")
	fl.DurationVar(&c.StopTimeout, "stop-timeout", registrar.DefaultStopTimeout, "time for associations to shut down at the end")
}

// parse fills in what flags alone cannot. An error is a mistake of the user.
func (f *registrarFlags) parse() (err error) {
	c := &f.cfg
	if f.flags.Changed("local") && len(f.local) == 0 {
		return fmt.Errorf("--local: %q is not an IP address", "")
	}
	if f.id != "" {
		n, err := strconv.ParseUint(f.id, 0, 32)
		if err != nil || n == 0 {
			return fmt.Errorf("--id: %q is not a number from 1 to 0xffffffff", f.id)
		}
		c.ServerID = uint32(n)
	}
	if c.Profile, err = registrar.ParseProfile(f.profile); err != nil {
		return fmt.Errorf("--profile: %w", err)
	}
	if c.AnnounceTTL < 0 || c.AnnounceTTL > 255 {
		return fmt.Errorf("--announce-ttl: %d is not within 1 to 255", c.AnnounceTTL)
	}
	if f.announce == "off" {
		c.AnnounceTTL = -1
	} else if c.AnnounceGroup, err = netip.ParseAddrPort(f.announce); err != nil {
		return fmt.Errorf("--announce: %q is neither off nor a multicast group with a port", f.announce)
	}
	if c.LocalAddrs, err = parseList("--local", f.local, netip.ParseAddr, "an IP address"); err != nil {
		return err
	}
	if c.AnnounceFrom, err = parseList("--announce-from", f.from, netip.ParseAddr, "an IP address"); err != nil {
		return err
	}
	if c.AnnounceTo, err = parseList("--announce-to", f.to, netip.ParseAddrPort, "an IP address with a port"); err != nil {
		return err
	}
	if err := f.tcp.parse(c); err != nil {
		return err
	}
	if err := f.tls.parse(c); err != nil {
		return err
	}
	if err := f.parseAdmin(); err != nil {
		return err
	}
	return f.peers.parse(c)
}

func parseList[T any](flag string, list []string, parse func(string) (T, error), want string) (all []T, err error) {
	for _, s := range list {
		v, err := parse(strings.TrimSpace(s))
		if err != nil {
			return nil, fmt.Errorf("%s: %q is not %s", flag, s, want)
		}
		all = append(all, v)
	}
	return all, nil
}

// flagOf names the flags that set the fields of registrar.Config.
var flagOf = map[string]string{
	"ServerID": "--id", "Profile": "--profile", "LocalAddrs": "--local", "EncapPort": "--encap-port", "ASAPPort": "--asap-port",
	"AnnounceInterval": "--announce-interval", "Standalone": "--standalone", "MentorDiscovery": "--mentor-discovery", "SuggestTakeover": "--suggest-takeover",
	"AnnounceGroup": "--announce", "AnnounceTo": "--announce-to", "AnnounceFrom": "--announce-from", "AnnounceTTL": "--announce-ttl",
	"KeepAliveTimeout": "--keep-alive-timeout", "MaxResolutionItems": "--max-items", "MaxIncrement": "--max-increment",
	"MaxHandle": "--max-handle", "TCPPort": "--tcp-port", "TLSPort": "--tls-port", "TLS": "--tls-cert", "TCPIdleTimeout": "--tcp-idle-timeout", "ENRPPort": "--enrp-port", "Peers": "--peer", "PeerGroup": "--peer-group",
}

// asUsage has an error name the flag that a wrong field comes from.
func asUsage(err error) error {
	e, ok := errors.AsType[*registrar.ConfigError](err)
	if !ok {
		return err
	}
	return usagef("%s %s", flagName(e.Field), e.Reason)
}

// flagName is the flag that sets a field of registrar.Config.
func flagName(field string) string {
	if name := flagOf[field]; name != "" {
		return name
	}
	return field
}

// run serves until the context ends.
func (f *registrarFlags) run(ctx context.Context, out io.Writer) error {
	if _, _, err := f.csp.parse(os.Getenv); err != nil {
		return err
	}
	srv, err := f.tcp.open(f.cfg)
	if err != nil {
		return asUsage(err)
	}
	fmt.Fprintf(out, "registrar %#08x at %v\n", srv.ServerID(), srv.Addr())
	if a := srv.PeerAddr(); a != nil {
		fmt.Fprintf(out, "other registrars reach it at %v\n", a)
	}
	if all := srv.TCPAddrs(); len(all) > 0 {
		fmt.Fprintf(out, "pool users without SCTP reach it at %s\n", tcpText("tcp", all))
	}
	if all := srv.TLSAddrs(); len(all) > 0 {
		fmt.Fprintf(out, "pool users reach it by TLS at %s\n", tcpText("tls", all))
		f.tellExpiry()
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer f.reloadOnHangup(ctx, srv)()
	waitAdmin, err := f.startAdmin(ctx, srv, out)
	if err != nil {
		return errors.Join(err, srv.Close())
	}
	wait, err := f.csp.start(ctx, f.cfg.Logger, func() *csp.Report { return registrarStatus(srv) })
	if err != nil {
		cancel()
		waitAdmin()
		return errors.Join(err, srv.Close())
	}
	defer waitAdmin()
	defer wait()
	defer cancel()
	return srv.Serve(ctx)
}
