// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"log"
	"net/netip"
	"time"

	"github.com/rserpool/rserpool/asap/param"
	"github.com/rserpool/rserpool/pool"
	"github.com/rserpool/rserpool/pool/policy"
	"github.com/rserpool/rserpool/registrar"
	"github.com/rserpool/rserpool/sctp"
)

// Cheapest is a policy of one's own: the elements with the lowest price are selected.
type Cheapest struct{ Price uint32 }

// cheapestType is from the private range of RFC 5356, Section 7.1: 0x80000000 to 0xffffffff.
const cheapestType param.PolicyType = 0x80000c01

// Param implements policy.Policy: what travels is four bytes of Policy-specific Data.
func (p Cheapest) Param() param.Policy {
	return param.Policy{Type: cheapestType, Data: string(binary.BigEndian.AppendUint32(nil, p.Price))}
}

func (p Cheapest) String() string { return fmt.Sprintf("Cheapest:%d", p.Price) }

func price(p param.Policy) uint32 { return binary.BigEndian.Uint32([]byte(p.Data)) }

// cheapest is what the registrar and the pool users are given.
var cheapest = policy.Rule{
	Type: cheapestType, Name: "Cheapest", Discipline: policy.Sorted,
	Value: func(p param.Policy, _ uint64) uint64 { return uint64(price(p)) },
	Validate: func(p param.Policy) error {
		if len(p.Data) != 4 {
			return fmt.Errorf("a price has 4 bytes, not %d", len(p.Data))
		}
		return nil
	},
}

// A new policy needs a type with a wire form, and a Rule in the registries of the registrar and of the pool users.
// Neither of them is changed; users without the rule take the elements in the order of the registrar's answer.
func ExampleRegistry_Add() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	loopback := []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	policies := func() *policy.Registry {
		r := policy.NewRegistry()
		if err := r.Add(cheapest); err != nil {
			log.Fatal(err)
		}
		return r
	}
	srv, err := registrar.New(registrar.Config{
		LocalAddrs: loopback, EncapPort: -1, ASAPPort: -1, AnnounceInterval: -1, Policies: policies(),
	})
	if err != nil {
		log.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		srv.Serve(ctx)
	}()
	defer func() {
		cancel()
		<-done
	}()
	client, err := pool.NewClient(&pool.Config{
		Registrars: []string{srv.Addr().String()},
		SCTP:       sctp.Config{LocalAddrs: loopback, EncapPort: -1},
		ASAP:       pool.ASAPConfig{Policies: policies()},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	for i, price := range []uint32{30, 10, 20} {
		_, err := client.Register(ctx, pool.Registration{
			Handle: "Shop", ID: uint32(1 + i), Port: uint16(5001 + i), Policy: Cheapest{price},
		})
		if err != nil {
			log.Fatal(err)
		}
	}
	elems, err := client.Resolve(ctx, "Shop")
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range elems {
		fmt.Println("element", e.ID, "costs", price(e.Policy.Param()))
	}
	_, err = client.Register(ctx, pool.Registration{Handle: "Shop", ID: 4, Port: 5004, Policy: policy.Random{}})
	fmt.Println("another policy is rejected:", err != nil)
	// Output:
	// element 2 costs 10
	// element 3 costs 20
	// element 1 costs 30
	// another policy is rejected: true
}
