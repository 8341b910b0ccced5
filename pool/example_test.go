// SPDX-License-Identifier: Apache-2.0

package pool_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/netip"
	"time"

	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/pool/policy"
	"github.com/rserpool/rserpool/registrar"
	"github.com/rserpool/rserpool/sctp"
)

// startRegistrar runs one on a loopback address.
func startRegistrar(ctx context.Context) (addr string, wait func()) {
	srv, err := registrar.New(registrar.Config{LocalAddrs: loopback, EncapPort: -1, ASAPPort: -1, AnnounceInterval: -1})
	if err != nil {
		log.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		srv.Serve(ctx)
	}()
	return srv.Addr().String(), func() { <-done }
}

var loopback = []netip.Addr{netip.MustParseAddr("127.0.0.1")}

// A pool element that echoes, and a session with its pool.
func Example() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	addr, wait := startRegistrar(ctx)
	defer wait()
	defer cancel()

	client, err := pool.NewClient(&pool.Config{
		Registrars: []string{addr},
		SCTP:       sctp.Config{LocalAddrs: loopback, EncapPort: -1},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	srv := &pool.Server{Handle: "EchoPool", Handler: pool.Echo}
	go srv.Serve(ctx, client)
	<-srv.Ready()

	sess, err := client.Dial(ctx, "EchoPool")
	if err != nil {
		log.Fatal(err)
	}
	defer sess.Close()
	m, err := sess.Do(ctx, sctp.Message{Data: []byte("hello")}) // asks the next element if this one fails
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", m.Data)
	// Output: hello
}

// Basic Mode: elements are registered and resolved, and how they communicate is up to the program.
func ExampleClient_Resolve() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	addr, wait := startRegistrar(ctx)
	defer wait()
	defer cancel()

	client, err := pool.NewClient(&pool.Config{
		Registrars: []string{addr},
		SCTP:       sctp.Config{LocalAddrs: loopback, EncapPort: -1},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	reg, err := client.Register(ctx, pool.Registration{
		Handle: "Web", ID: 0x2a, Port: 5000, Policy: policy.LeastUsed{Load: policy.Fraction(0.5)},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer reg.Deregister(ctx)

	elems, err := client.Resolve(ctx, "Web")
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range elems {
		fmt.Printf("0x%x: SCTP port %d, %v\n", e.ID, e.Addr().Port, e.Policy)
	}
	_, err = client.Resolve(ctx, "Mail")
	fmt.Println(errors.Is(err, pool.ErrPoolNotFound))
	// Output:
	// 0x2a: SCTP port 5000, LeastUsed
	// true
}

// A program with requests of its own that are under way repeats those that were not answered.
func ExampleSession_Recv() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	addr, wait := startRegistrar(ctx)
	defer wait()
	defer cancel()
	config := func() *pool.Config {
		return &pool.Config{Registrars: []string{addr}, SCTP: sctp.Config{LocalAddrs: loopback, EncapPort: -1}}
	}
	for range 2 { // two elements
		element, err := pool.NewClient(config())
		if err != nil {
			log.Fatal(err)
		}
		defer element.Close()
		srv := &pool.Server{Handle: "EchoPool", Handler: pool.Echo}
		go srv.Serve(ctx, element)
		<-srv.Ready()
	}
	client, err := pool.NewClient(config())
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	sess, err := client.Dial(ctx, "EchoPool")
	if err != nil {
		log.Fatal(err)
	}
	defer sess.Close()
	if err := sess.ForceFailover(ctx, pool.Force{Reason: "to show it"}); err != nil {
		log.Fatal(err)
	}
	request := sctp.Message{Data: []byte("hello")}
	sess.Send(ctx, request) // refused until Recv has told of the failover
	for {
		m, err := sess.Recv(ctx)
		if failover, ok := errors.AsType[*pool.FailoverError](err); ok {
			fmt.Println("failover", failover.N)
			sess.Send(ctx, request)
			continue
		}
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s\n", m.Data)
		break
	}
	// Output:
	// failover 1
	// hello
}
