// SPDX-License-Identifier: Apache-2.0

package sctp_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"time"

	"github.com/rserpool/rserpool/sctp"
)

func Example() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	ln, err := sctp.Listen("127.0.0.1:0", &sctp.Config{EncapPort: -1})
	if err != nil {
		log.Fatal(err)
	}
	defer ln.Close()
	go func() {
		conn, err := ln.Accept(ctx)
		if err != nil {
			return
		}
		defer conn.Close()
		for {
			m, err := conn.Recv(ctx)
			if err != nil {
				if !errors.Is(err, io.EOF) { // io.EOF: the peer shut down
					log.Print(err)
				}
				return
			}
			conn.Send(ctx, sctp.Message{Stream: m.Stream, PPID: m.PPID, Data: m.Data})
		}
	}()

	conn, err := sctp.Dial(ctx, ln.Addr().String(), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	if err := conn.Send(ctx, sctp.Message{Stream: 3, PPID: 11, Data: []byte("hello")}); err != nil {
		log.Fatal(err)
	}
	m, err := conn.Recv(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("stream %d, PPID %d: %s\n", m.Stream, m.PPID, m.Data)
	// Output: stream 3, PPID 11: hello
}

func ExampleConn_Stream() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	ln, err := sctp.Listen("127.0.0.1:0", &sctp.Config{EncapPort: -1})
	if err != nil {
		log.Fatal(err)
	}
	defer ln.Close()
	go func() {
		conn, err := ln.NetListener(0).Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprintln(conn, "220 ready")
	}()

	conn, err := sctp.Dial(ctx, ln.Addr().String(), nil)
	if err != nil {
		log.Fatal(err)
	}
	st := conn.Stream(0) // a net.Conn
	defer st.Close()
	line, err := bufio.NewReader(st).ReadString('\n')
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(line)
	// Output: 220 ready
}
