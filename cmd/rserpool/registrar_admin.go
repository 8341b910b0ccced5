// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"net"

	"github.com/rserpool/rserpool/registrar"
	"github.com/rserpool/rserpool/registrar/admin"
)

// parseAdmin checks where a registrar is to be shown.
func (f *registrarFlags) parseAdmin() error {
	if _, _, err := net.SplitHostPort(f.admin); f.admin != "" && err != nil {
		return fmt.Errorf("--admin: %q is not an address with a port", f.admin)
	}
	return nil
}

// startAdmin shows what a registrar does until the context ends, if that is wanted. Wait returns when that is done.
func (f *registrarFlags) startAdmin(ctx context.Context, srv *registrar.Server, out io.Writer) (wait func(), err error) {
	if f.admin == "" {
		return func() {}, nil
	}
	l, err := admin.Listen(f.admin)
	if err != nil {
		return nil, fmt.Errorf("--admin: %w", err)
	}
	fmt.Fprintf(out, "it is shown at http://%v/\n", l.Addr())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := admin.Serve(ctx, l, srv); err != nil {
			f.cfg.Logger.Error("the registrar is not shown any more", "error", err) // it serves all the same
		}
	}()
	return func() { <-done }, nil
}
