// SPDX-License-Identifier: Apache-2.0

package pool_test

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"net"
	"strings"
	"time"

	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/sctp"
)

// startClient makes a client of a registrar on a loopback address.
func startClient(registrar string) *pool.Client {
	client, err := pool.NewClient(&pool.Config{
		Registrars: []string{registrar},
		SCTP:       sctp.Config{LocalAddrs: loopback, EncapPort: -1},
	})
	if err != nil {
		log.Fatal(err)
	}
	return client
}

// Basic Mode over TCP: the element serves a net.Listener of its own, the user resolves and dials. What cannot be reached
// is reported, and the next element tried.
func ExampleElement_DialContext() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	addr, wait := startRegistrar(ctx)
	defer wait()
	defer cancel()

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
			line, _ := bufio.NewReader(conn).ReadString('\n')
			fmt.Fprint(conn, strings.ToUpper(line))
			conn.Close()
		}
	}()
	element := startClient(addr)
	defer element.Close()
	transport, err := element.TransportOf(l.Addr())
	if err != nil {
		log.Fatal(err)
	}
	reg, err := element.Register(ctx, pool.Registration{Handle: "Upper", Transport: transport})
	if err != nil {
		log.Fatal(err)
	}
	defer reg.Deregister(ctx)

	// The pool user.
	user := startClient(addr)
	defer user.Close()
	elems, err := user.Resolve(ctx, "Upper")
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range elems { // in the order of the pool's policy
		conn, err := e.DialContext(ctx)
		if err != nil {
			user.ReportUnreachable(ctx, "Upper", e.ID)
			continue
		}
		fmt.Fprintln(conn, "hello over", e.Network())
		answer, _ := bufio.NewReader(conn).ReadString('\n')
		fmt.Print(answer)
		conn.Close()
		break
	}
	// Output: HELLO OVER TCP
}

// Basic Mode over UDP: the element serves a net.PacketConn of its own.
func ExampleClient_TransportOf() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	addr, wait := startRegistrar(ctx)
	defer wait()
	defer cancel()

	// The pool element.
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer pc.Close()
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			pc.WriteTo(buf[:n], from)
		}
	}()
	element := startClient(addr)
	defer element.Close()
	transport, err := element.TransportOf(pc.LocalAddr())
	if err != nil {
		log.Fatal(err)
	}
	reg, err := element.Register(ctx, pool.Registration{Handle: "Echo", Transport: transport})
	if err != nil {
		log.Fatal(err)
	}
	defer reg.Deregister(ctx)

	// The pool user.
	user := startClient(addr)
	defer user.Close()
	elems, err := user.Resolve(ctx, "Echo")
	if err != nil {
		log.Fatal(err)
	}
	conn, err := elems[0].DialContext(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	fmt.Fprintf(conn, "hello over %s", elems[0].Network())
	buf := make([]byte, 1500)
	n, err := conn.Read(buf)
	fmt.Printf("%s %v\n", buf[:n], err)
	// Output: hello over udp <nil>
}

// Basic Mode on the side of the element: registration, load, and deregistration.
func ExampleClient_Register() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	addr, wait := startRegistrar(ctx)
	defer wait()
	defer cancel()
	client := startClient(addr)
	defer client.Close()

	reg, err := client.Register(ctx, pool.Registration{Handle: "Web", ID: 0x2a, Port: 5000})
	if err != nil {
		log.Fatal(err)
	}
	e, err := reg.NextEvent(ctx)
	fmt.Println(e.State, err)
	if err := reg.Deregister(ctx); err != nil {
		log.Fatal(err)
	}
	e, err = reg.NextEvent(ctx)
	fmt.Println(e.State, err)
	// Output:
	// up <nil>
	// over <nil>
}
