// SPDX-License-Identifier: Apache-2.0

package service_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"net/netip"
	"os"
	"time"

	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/registrar"
	"github.com/rserpool/rserpool/sctp"
	"github.com/rserpool/rserpool/service"
	"github.com/rserpool/rserpool/service/calcapp"
)

// A job of 20,000 calculations is done by a pool element that does a million of them in a second.
func ExampleCalculator() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	loopback := []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	reg, err := registrar.New(registrar.Config{LocalAddrs: loopback, EncapPort: -1, ASAPPort: -1, AnnounceInterval: -1})
	if err != nil {
		log.Fatal(err)
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		reg.Serve(ctx)
	}()
	defer func() { <-stopped }()
	defer cancel()
	client, err := pool.NewClient(&pool.Config{
		Registrars: []string{reg.Addr().String()}, SCTP: sctp.Config{LocalAddrs: loopback, EncapPort: -1},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	srv := &pool.Server{}
	if err := service.Configure(srv, "calcapp", 10, nil); err != nil { // or NewCalcApp for another capacity
		log.Fatal(err)
	}
	go srv.Serve(ctx, client)
	<-srv.Ready()

	sess, err := client.Dial(ctx, "CalcAppPool")
	if err != nil {
		log.Fatal(err)
	}
	defer sess.Close()
	job := service.NewCalculator(sess, calcapp.UserConfig{}, 1, 20_000)
	done, err := job.Wait(ctx)
	for errors.As(err, new(*pool.FailoverError)) { // another element goes on
		done, err = job.Wait(ctx)
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("it took at least 20 ms:", done.Startup()+done.Processing() >= 20*time.Millisecond)
	// Output: it took at least 20 ms: true
}

// A script is run by an element of a pool.
func ExampleScripter() {
	run := func(ctx context.Context, sess *pool.Session, archive []byte) error {
		output, err := os.Create("results")
		if err != nil {
			return err
		}
		defer output.Close()
		s, err := service.NewScripter(sess, service.Script{Package: bytes.NewReader(archive), Output: output})
		if err != nil {
			return err
		}
		result, err := s.Run(ctx)
		for errors.As(err, new(*pool.FailoverError)) { // another element begins again
			result, err = s.Run(ctx)
		}
		if err != nil {
			return err
		}
		fmt.Printf("status %d, %d bytes, by %v\n", result.Status, result.Size, result.Element)
		return nil
	}
	_ = run
}
