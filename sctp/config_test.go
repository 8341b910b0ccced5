// SPDX-License-Identifier: Apache-2.0

package sctp

import (
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/sctp/assoc"
)

// Every parameter of the engine is one of Config, and reaches the engine.
func TestConfigHasEveryParameter(t *testing.T) {
	var c Config
	cv := reflect.ValueOf(&c).Elem()
	et := reflect.TypeFor[assoc.Config]()
	for i := range et.NumField() {
		f := et.Field(i)
		if !ofUser(f) {
			continue
		}
		v := cv.FieldByName(f.Name)
		require.True(t, v.IsValid(), "Config lacks %s", f.Name)
		require.Equal(t, f.Type, v.Type(), f.Name)
		switch v.Kind() {
		case reflect.Bool:
			v.SetBool(true)
		case reflect.Slice:
			v.Set(reflect.MakeSlice(v.Type(), i, i))
		case reflect.Uint16:
			v.SetUint(uint64(1000 + i))
		default:
			v.SetInt(int64(1000 + i))
		}
	}
	p := reflect.ValueOf(c.params())
	for i := range et.NumField() {
		if !ofUser(et.Field(i)) {
			continue
		}
		require.Equal(t, cv.FieldByName(et.Field(i).Name).Interface(), p.Field(i).Interface(), et.Field(i).Name)
	}
}

// ofUser tells whether a parameter of the engine is the user's to choose. ErrorDetection is a property of the Network.
func ofUser(f reflect.StructField) bool { return f.IsExported() && f.Name != "ErrorDetection" }

func TestConfigErrorsNameTheField(t *testing.T) {
	for want, c := range map[string]Config{
		"Backlog: -1":                      {Backlog: -1},
		"ValidCookieLife: 1h1m0s is above": {ValidCookieLife: 61 * time.Minute},
		"EncapPort: 65536":                 {EncapPort: 65536},
		"EncapPort: -2":                    {EncapPort: -2},
		"LocalAddrs: 0.0.0.0 is":           {LocalAddrs: []netip.Addr{netip.IPv4Unspecified()}},
		"LocalAddrs: 224.0.0.1":            {LocalAddrs: []netip.Addr{netip.MustParseAddr("224.0.0.1")}},
		"SackDelay":                        {SackDelay: time.Second},
		"LocalAddrs: fe80::1%lo ":          {LocalAddrs: []netip.Addr{netip.MustParseAddr("fe80::1%lo")}},
	} {
		_, err := NewStack(&c)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "sctp: config: ")
	}
}
