// SPDX-License-Identifier: Apache-2.0

package dtlsnet_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/sctp/dtlsnet"
)

// Two peers who share a key, as small devices do.
func Example() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	key := dtls.WithPSK(func([]byte) ([]byte, error) { return []byte("a key of 16 byte"), nil })
	hint := dtls.WithPSKIdentityHint([]byte("sensor 7"))
	suite := dtls.WithCipherSuites(dtls.TLS_PSK_WITH_AES_128_GCM_SHA256)

	dl, err := dtls.ListenWithOptions("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}, key, hint, suite)
	if err != nil {
		log.Fatal(err)
	}
	defer dl.Close()
	go func() {
		c, err := dl.Accept() // without the handshake
		if err != nil {
			return
		}
		stack, err := dtlsnet.NewStack(ctx, c.(*dtls.Conn), nil)
		if err != nil {
			log.Print(err)
			return
		}
		defer stack.Close()
		ln, err := stack.Listen(5000)
		if err != nil {
			log.Print(err)
			return
		}
		conn, err := ln.Accept(ctx)
		if err != nil {
			return
		}
		for {
			m, err := conn.Recv(ctx)
			if err != nil {
				return
			}
			conn.Send(ctx, m)
		}
	}()

	dc, err := dtls.DialWithOptions("udp", dl.Addr().(*net.UDPAddr), key, hint, suite)
	if err != nil {
		log.Fatal(err)
	}
	stack, err := dtlsnet.NewStack(ctx, dc, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer stack.Close() // and with it the DTLS connection
	conn, err := stack.Dial(ctx, dtlsnet.Peer(5000))
	if err != nil {
		log.Fatal(err)
	}
	if err := conn.Send(ctx, sctp.Message{Stream: 1, Data: []byte("21.5 °C")}); err != nil {
		log.Fatal(err)
	}
	m, err := conn.Recv(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("stream %d: %s\n", m.Stream, m.Data)
	// Output: stream 1: 21.5 °C
}
