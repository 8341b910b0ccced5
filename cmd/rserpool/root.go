// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The exit codes.
const (
	exitOK      = 0
	exitFailure = 1 // something did not work
	exitUsage   = 2 // what was asked for makes no sense
)

// A usageError is about the command line or the environment.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// usagef makes a usageError.
func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// execute runs a command line and returns the exit code. An error is one line on stderr.
func execute(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	started := false // the command line was understood
	root := newRootCmd()
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if err := applyEnv(cmd.Flags(), os.LookupEnv); err != nil {
			return err
		}
		started = true
		return nil
	}
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	line := strings.TrimRight(strings.ReplaceAll(err.Error(), "\n", "; "), "; ")
	var usage usageError
	if !started || errors.As(err, &usage) {
		fmt.Fprintf(stderr, "rserpool: %s (see %q)\n", line, cmd.CommandPath()+" --help")
		return exitUsage
	}
	fmt.Fprintf(stderr, "rserpool: %s\n", line)
	return exitFailure
}

func newRootCmd() *cobra.Command {
	root := &cobra.Command{
		Use:   "rserpool",
		Short: "Reliable Server Pooling: registrar, pool elements, pool users",
		Long: "rserpool runs the parts of a server pool (RSerPool, RFC 5351) over SCTP in UDP: a registrar, pool elements\n" +
			"that register with it, and pool users that find a pool element and fail over to another one.\n\n" +
			"Every flag has a twin in the environment: --log-level is RSERPOOL_LOG_LEVEL. The flag wins.",
		Example: "  rserpool registrar          # one terminal\n" +
			"  rserpool serve echo         # another, and another\n" +
			"  rserpool call EchoPool      # a third: lines in, lines out\n" +
			"  rserpool demo               # or everything at once",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.PersistentFlags().String("log-level", "warn", "what goes to stderr: debug, info, warn, error or off")
	root.AddCommand(newRegistrarCmd(), newServeCmd(), newCallCmd(), newResolveCmd(), newDemoCmd(), newVersionCmd())
	return root
}

// envName returns the twin of a flag.
func envName(flag string) string {
	return "RSERPOOL_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// applyEnv sets the flags that were not given from the environment. Flags that may be repeated take several values
// there, separated by blanks.
func applyEnv(flags *pflag.FlagSet, lookup func(string) (string, bool)) error {
	var err error
	flags.VisitAll(func(f *pflag.Flag) {
		v, ok := lookup(envName(f.Name))
		if f.Changed || !ok || err != nil || f.Name == "help" {
			return
		}
		values := []string{v}
		if f.Value.Type() == "stringArray" {
			values = strings.Fields(v)
		}
		for _, v := range values {
			if e := flags.Set(f.Name, v); e != nil {
				err = usagef("%s: invalid value %q: %w", envName(f.Name), v, rootCause(e))
				return
			}
		}
	})
	return err
}

// rootCause strips what pflag says about the flag that was never written.
func rootCause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}
