// SPDX-License-Identifier: Apache-2.0

package pool_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/netip"
	"time"

	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/registrar"
	"github.com/rserpool/rserpool/sctp"
)

// A pool user without SCTP: it asks the registrar over TCP, and dials an element that is reached by TCP. Only the element
// has SCTP, to register.
func ExampleConfig_noSCTP() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	srv, err := registrar.New(registrar.Config{
		LocalAddrs: loopback, EncapPort: -1, ASAPPort: -1, AnnounceInterval: -1,
		TCPPort: -1, // any; 3863 is the one assigned
	})
	if err != nil {
		log.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		srv.Serve(ctx)
	}()
	defer func() { cancel(); <-done }()

	// The pool element.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			fmt.Fprintln(conn, "hello over TCP")
			conn.Close()
		}
	}()
	element, err := pool.NewClient(&pool.Config{
		Registrars: []string{srv.Addr().String()},
		SCTP:       sctp.Config{LocalAddrs: loopback, EncapPort: -1},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer element.Close()
	transport, err := element.TransportOf(l.Addr())
	if err != nil {
		log.Fatal(err)
	}
	if _, err := element.Register(ctx, pool.Registration{Handle: "Hello", Transport: transport}); err != nil {
		log.Fatal(err)
	}

	// The pool user.
	user, err := pool.NewClient(&pool.Config{NoSCTP: true, Registrars: []string{tcpOf(srv.TCPAddrs()[0])}})
	if err != nil {
		log.Fatal(err)
	}
	defer user.Close()
	elems, err := user.Resolve(ctx, "Hello")
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range elems {
		conn, err := e.DialContext(ctx)
		if err != nil {
			user.ReportUnreachable(ctx, "Hello", e.ID)
			continue
		}
		answer, _ := io.ReadAll(conn)
		fmt.Print(string(answer))
		conn.Close()
		break
	}
	// Output: hello over TCP
}

// tcpOf is how Config.Registrars has an address of TCP.
func tcpOf(a netip.AddrPort) string { return "tcp://" + a.String() }
