// SPDX-License-Identifier: Apache-2.0

package pool_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/sctp"
)

// count answers with how many messages the session has had, also those that other elements have answered: the cookie
// brings the number along.
func count(ctx context.Context, conn *pool.ServerConn) {
	n := uint32(0)
	for first := true; ; first = false {
		m, err := conn.Recv(ctx)
		if err != nil {
			return
		}
		if c := conn.CookieEcho(); first && len(c) == 4 {
			n = binary.BigEndian.Uint32(c)
		}
		n++
		conn.KeepCookie(ctx, binary.BigEndian.AppendUint32(nil, n))
		conn.Send(ctx, sctp.Message{Stream: m.Stream, Data: fmt.Appendf(nil, "%s %d", m.Data, n)})
	}
}

// Enhanced Mode on both sides. The elements share the state of a session through the client; the user decides itself
// about each failover.
func ExampleSession_Failover() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	addr, wait := startRegistrar(ctx)
	defer wait()
	defer cancel()

	elements := make(map[uint32]context.CancelFunc)
	for id := range uint32(2) {
		client := startClient(addr)
		defer client.Close()
		srv := &pool.Server{
			Handle: "Count", ID: 1 + id, Handler: pool.HandlerFunc(count),
			Cookies:    pool.CookiePolicy{Messages: 1}, // one for each message
			CookieKeys: [][]byte{[]byte("what all elements of the pool know")},
		}
		serving, stop := context.WithCancel(ctx)
		elements[1+id] = stop
		go srv.Serve(serving, client)
		<-srv.Ready()
	}

	client := startClient(addr)
	defer client.Close()
	sess, err := client.DialWith(ctx, "Count", pool.DialOptions{Failover: pool.FailoverManual})
	if err != nil {
		log.Fatal(err)
	}
	defer sess.Close()
	for range 2 {
		m, err := sess.Do(ctx, sctp.Message{Data: []byte("message")})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s\n", m.Data)
	}
	elements[sess.Element().ID]() // it deregisters and leaves

	_, err = sess.Recv(ctx)
	if necessary, ok := errors.AsType[*pool.FailoverNecessaryError](err); ok {
		fmt.Println("failover necessary, left:", necessary.Left(), "cookie:", necessary.HasCookie)
		if err := sess.Failover(ctx); err != nil {
			log.Fatal(err)
		}
	}
	_, err = sess.Recv(ctx)
	if complete, ok := errors.AsType[*pool.FailoverError](err); ok {
		fmt.Println("failover complete, cookie echoed:", complete.CookieEchoed)
	}
	m, err := sess.Do(ctx, sctp.Message{Data: []byte("message")})
	fmt.Printf("%s %v\n", m.Data, err)
	// Output:
	// message 1
	// message 2
	// failover necessary, left: true cookie: true
	// failover complete, cookie echoed: true
	// message 3 <nil>
}

// Programs for net.Conn use a session as one, until its element ends.
func ExampleSession_NetConn() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	addr, wait := startRegistrar(ctx)
	defer wait()
	defer cancel()
	client := startClient(addr)
	defer client.Close()
	srv := &pool.Server{Handle: "EchoPool", Handler: pool.Echo}
	go srv.Serve(ctx, client)
	<-srv.Ready()

	sess, err := client.Dial(ctx, "EchoPool")
	if err != nil {
		log.Fatal(err)
	}
	conn := sess.NetConn(pool.NetConnConfig{Stream: 2})
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	fmt.Fprint(conn, "hello")
	buf := make([]byte, 100)
	n, err := conn.Read(buf)
	fmt.Printf("%s %v\n", buf[:n], err)
	// Output: hello <nil>
}
