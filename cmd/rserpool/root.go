// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"unicode"

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

// An exitError chooses the exit code.
type exitError struct {
	code int
	err  error
}

func (e exitError) Error() string { return e.err.Error() }
func (e exitError) Unwrap() error { return e.err }

// usagef makes a usageError.
func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// execute runs a command line and returns the exit code. An error is one line on stderr.
func execute(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	started := false               // the command line was understood
	origins := map[string]string{} // of the flags that are not from the command line
	root := newRootCmd()
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if err := applyEnv(cmd.Flags(), os.LookupEnv, origins); err != nil {
			return err
		}
		if err := applyFile(cmd.Flags(), origins); err != nil {
			return err
		}
		started = true
		return nil
	}
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(context.WithValue(ctx, originsKey{}, origins))
	if err == nil {
		return exitOK
	}
	line := strings.TrimRight(strings.ReplaceAll(err.Error(), "\n", "; "), "; ")
	var usage usageError
	if !started || errors.As(err, &usage) {
		fmt.Fprintf(stderr, "rserpool: %s (see %q)\n", nameOrigin(line, origins), cmd.CommandPath()+" --help")
		return exitUsage
	}
	fmt.Fprintf(stderr, "rserpool: %s\n", line)
	var exit exitError
	if errors.As(err, &exit) {
		return exit.code
	}
	return exitFailure
}

// originsKey is where the context of a command has the origins of its flags.
type originsKey struct{}

// nameOrigin has an error that begins with a flag begin with where its value came from.
func nameOrigin(line string, origins map[string]string) string {
	for name, origin := range origins { // one has this name
		if rest, ok := strings.CutPrefix(line, "--"+name); ok && strings.IndexAny(rest, ": ") == 0 {
			return origin + rest
		}
	}
	return line
}

func newRootCmd() *cobra.Command {
	root := &cobra.Command{
		Use:   "rserpool",
		Short: "Reliable Server Pooling: registrar, pool elements, pool users",
		Long: "rserpool runs the parts of a server pool (RSerPool, RFC 5351) over SCTP in UDP: a registrar, pool elements\n" +
			"that register with it, and pool users that find a pool element and fail over to another one.\n\n" +
			"Every flag has a twin in the environment: --log-level is RSERPOOL_LOG_LEVEL. The flag wins. Where a flag may be\n" +
			"repeated, its twin takes several values with blanks or semicolons between them:\n" +
			"RSERPOOL_REGISTRAR=\"10.0.0.1,10.1.0.1:3863; 10.0.0.2:3863\".",
		Example: "  rserpool registrar          # one terminal\n" +
			"  rserpool serve echo         # another, and another\n" +
			"  rserpool call EchoPool      # a third: lines in, lines out\n" +
			"  rserpool demo               # or everything at once",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	addLogLevel(root.PersistentFlags())
	root.AddCommand(
		newRegistrarCmd(),
		newServeCmd(),
		newCallCmd(),
		newPingPongCmd(),
		newFractalCmd(),
		newCalcAppCmd(),
		newScriptCmd(),
		newResolveCmd(),
		newMonitorCmd(),
		newPerfCmd(),
		newDemoCmd(),
		newConformanceCmd(),
		newVersionCmd(),
	)
	root.SetHelpCommand(newHelpCmd())
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{plain(err)} })
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() == "completion" {
			c.Args, c.RunE = cobra.ArbitraryArgs, needsCommand
		}
	}
	return root
}

// newHelpCmd is help as cobra has it, but for its error.
func newHelpCmd() *cobra.Command {
	return &cobra.Command{
		Use:     "help [command]",
		Short:   "Help about any command",
		Example: "  rserpool help call",
		RunE: func(cmd *cobra.Command, args []string) error {
			found, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return usagef("there is no command %q", strings.Join(args, " "))
			}
			found.InitDefaultHelpFlag()
			return found.Help()
		},
	}
}

// needsCommand is what a command does that has nothing but subcommands.
func needsCommand(cmd *cobra.Command, args []string) error {
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	if len(args) > 0 {
		return usagef("%s knows no %q, only %s", cmd.Name(), args[0], strings.Join(names, ", "))
	}
	return usagef("%s what? %s", cmd.Name(), strings.Join(names, ", "))
}

// onePool accepts the handle of a pool as the only argument.
func onePool(cmd *cobra.Command, args []string) error {
	switch len(args) {
	case 0:
		return usagef("%s needs a POOL", cmd.Name())
	case 1:
		return nil
	}
	return usagef("%s takes one POOL, not %d", cmd.Name(), len(args))
}

var strconvSays = regexp.MustCompile(`strconv\.\w+: parsing "[^"]*": `)

// plain takes the names of Go functions out of an error about a number.
func plain(err error) error {
	s := strconvSays.ReplaceAllString(err.Error(), "")
	return errors.New(strings.Replace(s, "invalid syntax", "not a number", 1))
}

// envName returns the twin of a flag.
func envName(flag string) string {
	return "RSERPOOL_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// applyEnv sets the flags that were not given from the environment, and notes in origins where each came from. Flags that
// may be repeated take several values there, separated by blanks or semicolons.
func applyEnv(flags *pflag.FlagSet, lookup func(string) (string, bool), origins map[string]string) (err error) {
	flags.VisitAll(func(f *pflag.Flag) {
		v, ok := lookup(envName(f.Name))
		if f.Changed || !ok || err != nil || f.Name == "help" {
			return
		}
		values := []string{v}
		if f.Value.Type() == "stringArray" {
			values = strings.FieldsFunc(v, func(r rune) bool { return r == ';' || unicode.IsSpace(r) })
		}
		origins[f.Name] = envName(f.Name)
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
