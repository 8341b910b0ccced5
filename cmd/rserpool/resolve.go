// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/rserpool/rserpool/pool"
)

// resolveFlags are those of resolve.
type resolveFlags struct {
	client  clientFlags
	output  string
	timeout time.Duration
	watch   bool
}

func newResolveCmd() *cobra.Command {
	var f resolveFlags
	cmd := &cobra.Command{
		Use:   "resolve POOL",
		Short: "Show the elements of a pool, in the order in which they would be used",
		Example: "  rserpool resolve EchoPool\n" +
			"  rserpool resolve EchoPool --registrar tcp://10.0.0.1:3863   # without SCTP\n" +
			"  rserpool resolve EchoPool -o json --registrar 10.0.0.1:3863\n" +
			"  rserpool resolve EchoPool --watch                           # again whenever the pool changes",
		Args: onePool,
		RunE: func(cmd *cobra.Command, args []string) error {
			log, err := logger(cmd, slog.LevelError)
			if err != nil {
				return err
			}
			return runResolve(cmd.Context(), &f, args[0], cmd.OutOrStdout(), log)
		},
	}
	f.client.register(cmd.Flags(), -1)
	cmd.Flags().StringVarP(&f.output, "output", "o", "table", "output format: table or json")
	cmd.Flags().DurationVar(&f.timeout, "timeout", 10*time.Second, "how long to wait for the answer")
	cmd.Flags().BoolVar(&f.watch, "watch", false, "go on, and show the elements in the order of their identifiers whenever the pool changes")
	return cmd
}

// runResolve resolves a handle and prints the elements.
func runResolve(ctx context.Context, f *resolveFlags, handle string, stdout io.Writer, log *slog.Logger) error {
	cfg, err := f.client.basic(log)
	switch {
	case err != nil:
		return err
	case f.output != "table" && f.output != "json":
		return usagef("--output: %q is neither table nor json", f.output)
	case f.timeout <= 0:
		return usagef("--timeout: %v is not positive", f.timeout)
	case handle == "":
		return usagef("the pool handle is empty")
	}
	c, err := pool.NewClient(cfg)
	if err != nil {
		return err
	}
	defer c.Close()
	if f.watch {
		return watchPool(ctx, f, c, handle, stdout)
	}
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	elems, err := insist(ctx, func() ([]pool.Element, error) { return c.Resolve(ctx, handle) })
	if err != nil {
		return explain(err, f.timeout)
	}
	if f.output == "json" {
		return printJSON(stdout, elems)
	}
	return printTable(stdout, elems)
}

func printTable(w io.Writer, elems []pool.Element) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ELEMENT\tHOME\tPOLICY\tLOAD\tTRANSPORT")
	for _, e := range elems {
		fmt.Fprintf(t, "0x%08x\t0x%08x\t%v\t%s\t%s\n", e.ID, e.HomeID, e.Policy, load(e), transport(e))
	}
	return t.Flush()
}

// load returns the load in percent, if the policy has one.
func load(e pool.Element) string {
	if p := e.Policy.Param(); p.Type.Adaptive() {
		return fmt.Sprintf("%.1f%%", float64(p.Load)/0xffffffff*100)
	}
	return "-"
}

func transport(e pool.Element) string {
	if a := e.Addr(); a != nil {
		return "SCTP " + a.String()
	}
	return e.Transport.String()
}

// elementJSON is an element in the output of resolve -o json.
type elementJSON struct {
	Pool      string   `json:"pool"`
	ID        string   `json:"id"`
	Home      string   `json:"home"`
	Policy    string   `json:"policy"`
	Load      *float64 `json:"load,omitempty"` // from 0 to 1
	Protocol  string   `json:"protocol"`
	Addresses []string `json:"addresses"`
	Port      uint16   `json:"port"`
	EncapPort uint16   `json:"encapPort,omitempty"`
}

func printJSON(w io.Writer, elems []pool.Element) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(elementsJSON(elems))
}

func elementsJSON(elems []pool.Element) []elementJSON {
	out := make([]elementJSON, len(elems))
	for i, e := range elems {
		o := elementJSON{
			Pool: e.Handle, ID: fmt.Sprintf("0x%08x", e.ID), Home: fmt.Sprintf("0x%08x", e.HomeID), Policy: e.Policy.String(),
			Protocol: e.Transport.Protocol.String(), Addresses: []string{}, Port: e.Transport.Port,
		}
		if p := e.Policy.Param(); p.Type.Adaptive() {
			l := float64(p.Load) / 0xffffffff
			o.Load = &l
		}
		if e.Addr() != nil {
			o.EncapPort = e.EncapPort
		}
		for _, a := range e.Transport.Addrs {
			o.Addresses = append(o.Addresses, a.String())
		}
		out[i] = o
	}
	return out
}
