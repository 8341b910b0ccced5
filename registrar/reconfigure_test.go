// SPDX-License-Identifier: Apache-2.0

package registrar

import (
	"crypto/tls"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp"
)

// What differs takes effect while clients are there, or is named.
func TestReconfigure(t *testing.T) {
	cfg := Config{Standalone: true, KeepAliveInterval: -1, MaxElements: 2, AnnounceInterval: -1}
	inTCPWorld(t, cfg, func(t *testing.T, w *world, l *pipeListener) {
		p := w.dial(sctp.Config{})
		p.register("Echo", 1)
		p.register("Echo", 2)
		u := l.dial(t, "10.0.0.9:1")
		require.Len(t, u.resolve("Echo"), 2)

		restart, err := w.srv.Reconfigure(cfg)
		require.NoError(t, err)
		require.Empty(t, restart, "nothing has changed")

		changed := cfg
		changed.MaxElements, changed.MaxTCP, changed.TCPIdleTimeout, changed.StopTimeout = 3, 1, 10*time.Second, time.Second
		changed.ASAPPort, changed.AnnounceTo, changed.MaxIncrement = 3864, []netip.AddrPort{netip.MustParseAddrPort("10.0.0.8:3863")}, 2
		changed.AnnounceInterval = 0
		restart, err = w.srv.Reconfigure(changed)
		require.NoError(t, err)
		require.Equal(t, []string{"ASAPPort", "AnnounceInterval", "AnnounceTo", "MaxIncrement"}, restart)
		p.register("Echo", 3)
		l.dial(t, "10.0.0.10:1").gone() // there is one already
		require.Len(t, u.resolve("Echo"), 3)
		time.Sleep(20 * time.Second)
		u.gone() // it was silent for too long
		require.EqualValues(t, 1, w.srv.Stats().TCPRefused)

		restart, err = w.srv.Reconfigure(changed)
		require.NoError(t, err)
		require.Len(t, restart, 4, "they still need one")

		// What is wrong changes nothing.
		for field, change := range map[string]func(*Config){
			"SendTimeout":        func(c *Config) { c.SendTimeout = -1 },
			"MaxResolutionItems": func(c *Config) { c.MaxResolutionItems = 500 },
		} {
			bad := changed
			bad.MaxTCP = 100
			change(&bad)
			_, err = w.srv.Reconfigure(bad)
			var e *ConfigError
			require.ErrorAs(t, err, &e)
			require.Equal(t, field, e.Field)
			require.Equal(t, 1, w.srv.live.Load().MaxTCP)
		}
		w.stop()
		require.NoError(t, <-w.done)
		_, err = w.srv.Reconfigure(cfg)
		require.ErrorIs(t, err, ErrStopping)
		w.done <- nil
	})
}

// Every field of Config can be changed, is given by the program, or makes Reconfigure say that it cannot be changed.
func TestReconfigureKnowsEveryField(t *testing.T) {
	inWorld(t, Config{Standalone: true, TLS: &tls.Config{Certificates: []tls.Certificate{{}}}}, func(t *testing.T, w *world) {
		for f := range reflect.TypeFor[Config]().Fields() {
			cfg := Config{Standalone: true}
			v := reflect.ValueOf(&cfg).Elem().FieldByName(f.Name)
			switch x := v.Addr().Interface().(type) {
			case *int:
				*x = 2
			case *uint32:
				*x = 2
			case *bool:
				*x = !*x
			case *time.Duration:
				*x = time.Minute
			case *Profile:
				*x = ProfileRSPLIB
			case *netip.AddrPort:
				*x = netip.MustParseAddrPort("239.1.1.1:5")
			case *[]netip.Addr:
				*x = []netip.Addr{netip.MustParseAddr("10.0.0.1")}
			case *[]netip.AddrPort:
				*x = []netip.AddrPort{netip.MustParseAddrPort("10.0.0.1:5")}
			case *[]*sctp.Addr:
				*x = []*sctp.Addr{{IPs: []netip.Addr{netip.MustParseAddr("10.0.0.1")}, Port: 9901}}
			default:
				require.True(t, givenFields[f.Name], f.Name)
				continue
			}
			restart, err := w.srv.Reconfigure(cfg)
			require.NoError(t, err, f.Name)
			if liveFields[f.Name] {
				require.Empty(t, restart, f.Name)
				require.Equal(t, v.Interface(), reflect.ValueOf(*w.srv.live.Load()).FieldByName(f.Name).Interface(), f.Name)
			} else {
				require.Equal(t, []string{f.Name}, restart)
			}
		}
		for name := range liveFields {
			_, ok := reflect.TypeFor[Config]().FieldByName(name)
			require.True(t, ok, name)
		}
		_, err := w.srv.Reconfigure(Config{Standalone: true, Rand: rand.New(rand.NewPCG(1, 1))})
		require.NoError(t, err)
	})
}
