// SPDX-License-Identifier: Apache-2.0

package sctp_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"os"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/rserpool/rserpool/sctp"
	"github.com/stretchr/testify/require"
)

// tlsConfigs makes a certificate for a server, and the configurations of both
// sides.
func tlsConfigs() (client, server *tls.Config, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"server.example"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	client = &tls.Config{RootCAs: roots, ServerName: "server.example"}
	server = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	return client, server, nil
}

// tlsPair connects two stacks on loopback.
func tlsPair(t *testing.T) (client, server *sctp.Conn) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	ln, err := sctp.Listen("127.0.0.1:0", &sctp.Config{EncapPort: -1})
	require.NoError(t, err)
	t.Cleanup(func() { ln.Close() })
	client, err = sctp.Dial(ctx, ln.Addr().String(), &sctp.Config{EncapPort: -1})
	require.NoError(t, err)
	t.Cleanup(func() { client.Close() })
	server, err = ln.Accept(ctx)
	require.NoError(t, err)
	t.Cleanup(func() { server.Close() })
	return client, server
}

// RFC 3436, Section 5: "The TLS handshake protocol is used on each
// bi-directional stream separately." Several at once, each with more data than
// one record holds, while a stream without TLS goes on (Section 6.1).
func TestTLSOnSeveralStreams(t *testing.T) {
	cc, sc, err := tlsConfigs()
	require.NoError(t, err)
	client, server := tlsPair(t)
	const streams, size = 4, 200_000
	errs := make(chan error, 2*streams)
	var work sync.WaitGroup
	for n := range uint16(streams) {
		// Claimed before anything arrives: the rest is for Recv.
		cs, ss := client.Stream(n), server.Stream(n)
		work.Go(func() {
			c := tls.Server(ss, sc)
			_, err := io.CopyN(c, c, size)
			errs <- errors.Join(err, c.CloseWrite())
		})
		work.Go(func() {
			c := tls.Client(cs, cc)
			errs <- func() error {
				if err := c.Handshake(); err != nil {
					return err
				}
				sent := make(chan error, 1)
				go func() {
					data := make([]byte, size)
					for i := range data {
						data[i] = byte(i) + byte(n)
					}
					_, err := c.Write(data)
					sent <- err
				}()
				// Section 6.2: "strict sequence".
				got, err := io.ReadAll(iotest.OneByteReader(c))
				if err = errors.Join(err, <-sent); err != nil {
					return err
				}
				if len(got) != size {
					return fmt.Errorf("stream %d: %d bytes", n, len(got))
				}
				for i := range got {
					if got[i] != byte(i)+byte(n) {
						return fmt.Errorf("stream %d: byte %d is wrong", n, i)
					}
				}
				return nil
			}()
		})
	}
	require.NoError(t, client.Send(t.Context(), sctp.Message{Stream: streams, Unordered: true, Data: []byte("plain")}))
	m, err := server.Recv(t.Context())
	require.NoError(t, err)
	require.Equal(t, "plain", string(m.Data))
	work.Wait()
	for range 2 * streams {
		require.NoError(t, <-errs)
	}
}

// RFC 3436, Section 8.2: a full handshake on stream 0 and an abbreviated one,
// later, on stream 1.
func TestTLSResumption(t *testing.T) {
	cc, sc, err := tlsConfigs()
	require.NoError(t, err)
	cc.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	client, server := tlsPair(t)
	for n := range uint16(2) {
		cs, ss := client.Stream(n), server.Stream(n)
		done := make(chan error, 1)
		go func() {
			_, err := tls.Server(ss, sc).Write([]byte("x")) // with the session ticket
			done <- err
		}()
		c := tls.Client(cs, cc)
		_, err := io.ReadFull(c, make([]byte, 1))
		require.NoError(t, err)
		require.NoError(t, <-done)
		require.Equal(t, n == 1, c.ConnectionState().DidResume)
	}
}

// A close_notify ends one direction of one stream: the other direction and
// the other streams go on, and so does the association.
func TestTLSHalfClose(t *testing.T) {
	cc, sc, err := tlsConfigs()
	require.NoError(t, err)
	client, server := tlsPair(t)
	c0, s0 := tls.Client(client.Stream(0), cc), tls.Server(server.Stream(0), sc)
	client.Stream(1)
	done := make(chan error, 1)
	go func() {
		all, err := io.ReadAll(s0) // until the close_notify
		if err == nil {
			_, err = s0.Write(append(all, " to you"...))
		}
		done <- errors.Join(err, s0.CloseWrite())
	}()
	_, err = c0.Write([]byte("the same"))
	require.NoError(t, err)
	require.NoError(t, c0.CloseWrite())
	_, err = c0.Write([]byte("more"))
	require.Error(t, err)
	all, err := io.ReadAll(c0)
	require.NoError(t, err)
	require.Equal(t, "the same to you", string(all))
	require.NoError(t, <-done)

	// Closing the TLS connection closes its Stream, and only that: stream 1 is open.
	require.NoError(t, c0.Close())
	_, err = server.Stream(1).Write([]byte("still here"))
	require.NoError(t, err)
	buf := make([]byte, 100)
	n, err := client.Stream(1).Read(buf)
	require.NoError(t, err)
	require.Equal(t, "still here", string(buf[:n]))
}

// What ends without a close_notify: an ABORT is an error; a graceful shutdown
// is io.EOF for crypto/tls where a record ends, as a FIN is over TCP.
func TestTLSTruncation(t *testing.T) {
	cc, sc, err := tlsConfigs()
	require.NoError(t, err)
	for _, abort := range []bool{false, true} {
		testTLSTruncation(t, cc, sc, abort)
	}
}

func testTLSTruncation(t *testing.T, cc, sc *tls.Config, abort bool) {
	client, server := tlsPair(t)
	c0, s0 := tls.Client(client.Stream(0), cc), tls.Server(server.Stream(0), sc)
	done := make(chan error, 1)
	go func() { done <- s0.Handshake() }()
	require.NoError(t, c0.Handshake())
	require.NoError(t, <-done)
	if !abort {
		require.NoError(t, server.Close())
		_, err := c0.Read(make([]byte, 1))
		require.Equal(t, io.EOF, err)
		return
	}
	require.NoError(t, server.Abort("enough"))
	_, err := c0.Read(make([]byte, 1))
	e, ok := errors.AsType[*sctp.AbortError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, "enough", e.Reason)
}

// Deadlines of the Stream are those of the TLS connection.
func TestTLSDeadline(t *testing.T) {
	cc, sc, err := tlsConfigs()
	require.NoError(t, err)
	client, server := tlsPair(t)
	c0, s0 := tls.Client(client.Stream(0), cc), tls.Server(server.Stream(0), sc)
	done := make(chan error, 1)
	go func() { done <- s0.Handshake() }()
	require.NoError(t, c0.Handshake())
	require.NoError(t, <-done)
	require.NoError(t, c0.SetReadDeadline(time.Now().Add(time.Millisecond)))
	_, err = c0.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	ne, ok := errors.AsType[net.Error](err)
	require.True(t, ok && ne.Timeout())
	require.NoError(t, c0.SetReadDeadline(time.Time{}))
	_, err = s0.Write([]byte("x"))
	require.NoError(t, err)
	_, err = io.ReadFull(c0, make([]byte, 1))
	require.NoError(t, err)

	// A handshake nobody answers.
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	require.ErrorIs(t, tls.Client(client.Stream(1), cc).HandshakeContext(ctx), context.DeadlineExceeded)
}

// TLS over an association (RFC 3436): one TLS connection per stream.
func ExampleConn_Stream_tls() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	clientTLS, serverTLS, err := tlsConfigs() // a certificate for server.example
	if err != nil {
		log.Fatal(err)
	}
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
		for n := range uint16(2) {
			c := tls.Server(conn.Stream(n), serverTLS)
			go io.Copy(c, c)
		}
	}()

	conn, err := sctp.Dial(ctx, ln.Addr().String(), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	for n := range uint16(2) {
		c := tls.Client(conn.Stream(n), clientTLS)
		fmt.Fprintf(c, "hello on stream %d", n)
		buf := make([]byte, 100)
		k, err := c.Read(buf)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s, %v\n", buf[:k], c.ConnectionState().HandshakeComplete)
	}
	// Output:
	// hello on stream 0, true
	// hello on stream 1, true
}
