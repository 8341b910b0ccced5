// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/rserpool/rserpool/conformance/lab/stream"
)

type config struct {
	listen, dial   bool
	local, remote  []netip.Addr
	port, lport    int
	encap          int
	role           string
	close          string
	spec           stream.Spec
	streams        int
	until          int64
	progress       int64
	conns          int
	unordered      bool
	interleave     bool
	verbose        bool
	rtx            int
	sndbuf, rcvbuf int
}

func parseFlags(args []string) (*config, error) {
	cfg := &config{}
	fs := flag.NewFlagSet("kernelpeer", flag.ContinueOnError)
	fs.BoolVar(&cfg.listen, "listen", false, "accept associations at -local, -port")
	fs.BoolVar(&cfg.dial, "dial", false, "associate with -remote, -port")
	addrs := func(p *[]netip.Addr, name, usage string) {
		fs.Func(name, usage, func(s string) error {
			for part := range strings.SplitSeq(s, ",") {
				ip, err := netip.ParseAddr(part)
				if err != nil {
					return err
				}
				*p = append(*p, ip)
			}
			return nil
		})
	}
	addrs(&cfg.local, "local", "local addresses, comma-separated (default any)")
	addrs(&cfg.remote, "remote", "the peer's addresses, comma-separated")
	fs.IntVar(&cfg.port, "port", 5000, "SCTP port of the listening end")
	fs.IntVar(&cfg.lport, "lport", 0, "SCTP port of the dialling end (0: any)")
	fs.IntVar(&cfg.encap, "encap", 0, "UDP port of the peer (0: the system's, net.sctp.encap_port)")
	fs.StringVar(&cfg.role, "role", "sink", "sink, source, echo, or duplex (source and sink at once)")
	fs.StringVar(&cfg.close, "close", "graceful", "how to end: graceful, abort, or hold (until a command says)")
	fs.Uint64Var(&cfg.spec.Seed, "seed", 1, "seed of the traffic")
	fs.Int64Var(&cfg.spec.Bytes, "bytes", 1_000_000, "bytes to send")
	fs.IntVar(&cfg.spec.Streams, "streams", 1, "streams to send on")
	fs.IntVar(&cfg.spec.MaxMessage, "max", 0, "largest message in bytes (0: 65536)")
	fs.IntVar(&cfg.streams, "out", 64, "outbound streams to ask for")
	fs.Int64Var(&cfg.until, "until", 0, "close after receiving this many bytes (sink: 0 waits for the peer's close; duplex: 0 is -bytes)")
	fs.Int64Var(&cfg.progress, "progress", 0, "report every so many bytes received or sent")
	fs.IntVar(&cfg.conns, "conns", 1, "associations to accept, one after the other")
	fs.BoolVar(&cfg.unordered, "unordered", false, "send with the U flag")
	fs.BoolVar(&cfg.interleave, "interleave", false, "offer user message interleaving, and send round robin (needs net.sctp.intl_enable)")
	fs.IntVar(&cfg.rtx, "rtx", -1, "abandon messages after so many retransmissions (-1: never)")
	fs.BoolVar(&cfg.verbose, "v", false, "report every message received")
	fs.IntVar(&cfg.sndbuf, "sndbuf", 0, "SO_SNDBUF in bytes (0: the system's)")
	fs.IntVar(&cfg.rcvbuf, "rcvbuf", 0, "SO_RCVBUF in bytes (0: the system's)")
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	cfg.streams = max(cfg.streams, cfg.spec.Streams)
	if cfg.role == "duplex" && cfg.until == 0 {
		cfg.until = cfg.spec.Bytes
	}
	switch {
	case fs.NArg() > 0:
		return nil, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	case cfg.listen == cfg.dial:
		return nil, errors.New("give one of -listen and -dial")
	case cfg.dial && len(cfg.remote) == 0:
		return nil, errors.New("-dial needs -remote")
	case cfg.role != "sink" && cfg.role != "source" && cfg.role != "echo" && cfg.role != "duplex":
		return nil, fmt.Errorf("unknown -role %q", cfg.role)
	case cfg.close != "graceful" && cfg.close != "abort" && cfg.close != "hold":
		return nil, fmt.Errorf("unknown -close %q", cfg.close)
	}
	return cfg, cfg.spec.Validate()
}

var printLock sync.Mutex

func report(format string, args ...any) {
	printLock.Lock()
	defer printLock.Unlock()
	fmt.Printf(format+"\n", args...)
}

func main() {
	cfg, err := parseFlags(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "kernelpeer:", err)
		os.Exit(2)
	}
	if err := run(cfg); err != nil {
		report("event=error error=%q", err)
		os.Exit(1)
	}
}

func run(cfg *config) error {
	commands := readCommands()
	if cfg.dial {
		fd, err := dial(cfg)
		if err != nil {
			return err
		}
		return newConn(cfg, fd).run(commands)
	}
	cfg.lport = cfg.port
	ln, err := newSocket(cfg)
	if err != nil {
		return err
	}
	if err := unix.Listen(ln, 16); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	report("event=listening port=%d", cfg.port)
	for range cfg.conns {
		fd, _, err := unix.Accept4(ln, unix.SOCK_CLOEXEC)
		if err != nil {
			return fmt.Errorf("accept: %w", err)
		}
		if err := newConn(cfg, fd).run(commands); err != nil {
			return err
		}
	}
	return nil
}

func dial(cfg *config) (int, error) {
	fd, err := newSocket(cfg)
	if err != nil {
		return -1, err
	}
	_, err = setsockopt(fd, optConnectx, packed(cfg.remote, uint16(cfg.port)))
	// A signal of the runtime restarts the call, which then finds the association that it has begun.
	if errors.Is(err, unix.EINPROGRESS) || errors.Is(err, unix.EALREADY) || errors.Is(err, unix.EISCONN) {
		err = nil
	}
	if err != nil {
		return -1, fmt.Errorf("connecting to %v port %d: %w", cfg.remote, cfg.port, err)
	}
	return fd, nil
}
