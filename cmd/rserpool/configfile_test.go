// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
)

func configFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "registrar.yaml")
	require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	return name
}

// What is wrong in a configuration file gets one line with the file, the line and the key, and exit code 2.
func TestConfigFileErrors(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"no such key":        {"local: 127.0.0.1\nloacl: 127.0.0.1\n", ":2: loacl: there is no such key"},
		"config itself":      {"config: other.yaml\n", ":1: config: there is no such key"},
		"flag of others":     {"pool: EchoPool\n", ":1: pool: there is no such key"},
		"twice":              {"max-items: 3\n\nmax-items: 4\n", ":3: max-items: the key is in line 1 already"},
		"not a number":       {"# ports\nasap-port: many\n", `:2: asap-port: invalid value "many": not a number`},
		"not a duration":     {"keep-alive-interval: 10\n", `:1: keep-alive-interval: invalid value "10": time: missing unit in duration "10"`},
		"not an address":     {"local: [here]\n", `:1: local: "here" is not an IP address`},
		"not a profile":      {"profile: fast\n", `:1: profile: profile "fast" is none of auto, rfc, rsplib`},
		"refused by Config":  {"max-increment: 1\nmax-items: 1000\n", `:2: max-items is 1000, not within 0 to 128`},
		"no value":           {"id:\n", ":1: id: it has no value"},
		"a list for one":     {"id: [1, 2]\n", ":1: id: it has one value, not a list"},
		"a mapping":          {"id: {a: b}\n", ":1: id: it is not a value or a list of values"},
		"a list of lists":    {"peer:\n- 10.0.0.1:9901\n- [x]\n", ":1: peer: an item, in line 3, is not a value"},
		"a list":             {"- id\n", ":1: it is not a mapping of keys to values"},
		"a word":             {"hello\n", ":1: it is not a mapping of keys to values"},
		"a key that is none": {"? [a]\n: b\n", ":1: a key is not a word"},
		"two documents":      {"id: 1\n---\nid: 2\n", ": it has 2 documents, not one"},
		"not YAML":           {"id: \"1\n", ": "},
		"tabs":               {"id:\n\t1\n", ": "},
		"an unknown anchor":  {"id: *no\n", ": "},
		"too large":          {strings.Repeat("# large\n", maxConfigFile/8+1), "is larger than 1048576 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			file := configFile(t, c.text)
			code, out, errs := run(t, "", "registrar", "--config", file, "--log-level", "error") // UDP port 9899 may be taken
			require.Equal(t, exitUsage, code, errs)
			require.Empty(t, out)
			require.Equal(t, 1, strings.Count(errs, "\n"), errs)
			require.Contains(t, errs, c.want)
			require.Contains(t, errs, file)
		})
	}
	code, _, errs := run(t, "", "registrar", "--config", filepath.Join(t.TempDir(), "none.yaml"))
	require.Equal(t, exitUsage, code)
	require.Contains(t, errs, "rserpool: --config: open ")
}

// The command line wins over the environment, the environment over the file, and the file over the defaults.
func TestConfigFilePrecedence(t *testing.T) {
	file := configFile(t, `
# A registrar
id: 0x11111111        # as it is on a command line
max-items: 5
profile: rfc
announce: off
peer:
  - 10.0.0.1,10.1.0.1:9901
  - 10.0.0.2:9901
local: [127.0.0.1, 127.0.0.2]
standalone: true
keep-alive-interval: 7s
`)
	cmd := newRegistrarCmd()
	fl := cmd.Flags()
	require.NoError(t, fl.Parse([]string{"--config", file, "--max-items", "7"}))
	env := map[string]string{"RSERPOOL_MAX_ITEMS": "6", "RSERPOOL_PROFILE": "rsplib"}
	origins := map[string]string{}
	require.NoError(t, applyEnv(fl, func(k string) (string, bool) { v, ok := env[k]; return v, ok }, origins))
	require.NoError(t, applyFile(fl, origins))
	for name, want := range map[string]string{
		"id": "0x11111111", "max-items": "7", "profile": "rsplib", "announce": "off", "standalone": "true",
		"peer": `["10.0.0.1,10.1.0.1:9901",10.0.0.2:9901]`, "local": "[127.0.0.1,127.0.0.2]", "keep-alive-interval": "7s",
		"max-increment": "1",
	} {
		require.Equal(t, want, fl.Lookup(name).Value.String(), name)
	}
	require.Equal(t, "RSERPOOL_PROFILE", origins["profile"])
	require.Equal(t, file+":3: id", origins["id"])
	require.NotContains(t, origins, "max-items")

	for _, nothing := range []string{"", "# nothing\n", "---\n", "{}\n", "~\n"} {
		fl := newRegistrarCmd().Flags()
		require.NoError(t, fl.Parse([]string{"--config", configFile(t, nothing)}))
		require.NoError(t, applyFile(fl, origins), "%q", nothing)
	}
}

// Every flag of the commands that take a file can be in it, but for the file itself.
func TestConfigFileHasEveryFlag(t *testing.T) {
	with := 0
	eachCommand(newRootCmd(), func(cmd *cobra.Command) {
		if cmd.Flags().Lookup("config") == nil {
			return
		}
		with++
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Name == "config" || f.Name == "help" {
				return
			}
			fl := *f
			v := strings.Trim(fl.Value.String(), "[]")
			if v == "" {
				v = "x"
			}
			text := f.Name + ": " + v + "\n"
			cmd2 := pflag.NewFlagSet("one", pflag.ContinueOnError)
			cmd2.AddFlag(&fl)
			cmd2.String("config", configFile(t, text), "")
			require.NoError(t, applyFile(cmd2, map[string]string{}), text)
			require.True(t, fl.Changed, text)
		})
	})
	require.Equal(t, 1+len(newServeCmd().Commands()), with)
}

// A registrar runs from a file, and the environment may name the file.
func TestConfigFileRuns(t *testing.T) {
	file := configFile(t, "local: 127.0.0.1\nencap-port: -1\nasap-port: -1\nenrp-port: -1\ntcp-port: any\nannounce: off\nid: 0x1234\nlog-level: off\n")
	t.Setenv("RSERPOOL_CONFIG", file)
	line, stop := start(t, "registrar")
	defer stop()
	require.Contains(t, line, "registrar 0x00001234 at 127.0.0.1:")
}

// FuzzConfigFile: whatever a file has, it is an error or a value of each flag.
func FuzzConfigFile(f *testing.F) {
	for _, s := range []string{"id: 1\n", "peer: [a, b]\n", "a: &a [*a]\n", "id: &x 1\nprofile: *x\n", "? {a: b}\n: c\n", "<<: {id: 1}\n", "id: !!binary aGVsbG8=\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		fl := newRegistrarCmd().Flags()
		if fl.Set("config", configFile(t, text)) != nil {
			t.Fatal("flag")
		}
		_ = applyFile(fl, map[string]string{})
	})
}
