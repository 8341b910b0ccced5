// SPDX-License-Identifier: Apache-2.0

// Command rserpool runs the parts of a server pool: a registrar, pool elements and pool users.
//
//	rserpool registrar            # one terminal
//	rserpool serve echo           # another, and another
//	rserpool call EchoPool        # a third: lines in, lines out
//	rserpool demo                 # or everything at once
//
// Every flag has a twin in the environment: --log-level is RSERPOOL_LOG_LEVEL. The flag wins. Flags that may be repeated
// take several values there, with blanks or semicolons between them. registrar and serve read a configuration file, too
// (--config): YAML, the long names of the flags are its keys. The environment wins over it.
//
// # Limitations
//
// What goes over the network is not encrypted, but what pool users ask registrars at tls:// addresses. A configuration file is read
// once, but by the registrar, which reads it again at SIGHUP.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The second signal ends the program at once.
	context.AfterFunc(ctx, stop)
	code := execute(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
