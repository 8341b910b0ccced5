// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"syscall"

	"github.com/rserpool/rserpool/conformance/bench/path"
	"github.com/rserpool/rserpool/conformance/bench/worker"
)

// insideEnv tells a process that it is in the namespace.
const insideEnv = "BENCH_PEERS_NAMESPACE"

// inProgram are the contenders that are in this program.
var inProgram = map[string]worker.Peer{
	oursName:  ours(byDefault),
	plainName: ours(plain),
	cubicName: ours(cubic),
	lossyName: ours(lossy),
	pionName:  pionPeer,
	tcpName:   tcpPeer,
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

// run is the program: the one that measures, or a process of a test.
func run(ctx context.Context, args []string) error {
	switch {
	case len(args) > 1 && args[0] == "worker":
		p, ok := inProgram[args[1]]
		if !ok {
			return fmt.Errorf("there is no contender %q", args[1])
		}
		c, err := worker.Parse(args[2:])
		if err != nil {
			return err
		}
		return worker.Run(p, c, os.Stdout)
	case len(args) == 2 && args[0] == "relay":
		return relay(ctx, args[1])
	}
	var o options
	f := flag.NewFlagSet("peers", flag.ExitOnError)
	o.register(f)
	_ = f.Parse(args) // it exits
	if f.NArg() > 0 {
		return fmt.Errorf("what is %q?", f.Arg(0))
	}
	if os.Getenv(insideEnv) == "" {
		_, _ = o.programs() // while there is a network
	}
	if inside, err := enter(); err != nil || !inside {
		return err
	}
	return o.run(ctx)
}

// relay is a path until the process is killed.
func relay(ctx context.Context, text string) error {
	var cfg path.Config
	if err := json.Unmarshal([]byte(text), &cfg); err != nil {
		return err
	}
	at := func(port uint16) netip.AddrPort { return netip.AddrPortFrom(worker.Loopback, port) }
	p, err := path.Open(at(relayClient), at(relayServer), at(serverPort), cfg)
	if err != nil {
		return err
	}
	defer p.Close()
	fmt.Println("ready")
	<-ctx.Done()
	return nil
}

var errRoot = errors.New("root is needed: the measurement makes a network namespace with a loopback interface of its own")
