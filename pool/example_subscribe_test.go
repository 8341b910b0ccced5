// SPDX-License-Identifier: Apache-2.0

package pool_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/rserpool/rserpool/pool"
)

// A program that wants to know who is there, for a load balancer of its own or a list on a screen, is told of each change.
func ExampleClient_Subscribe() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	addr, wait := startRegistrar(ctx)
	defer wait()
	defer cancel()
	user, element := startClient(addr), startClient(addr)
	defer user.Close()
	defer element.Close()

	reg, err := element.Register(ctx, pool.Registration{Handle: "Web", ID: 0x2a, Port: 5000})
	if err != nil {
		log.Fatal(err)
	}
	sub, err := user.Subscribe("Web")
	if err != nil {
		log.Fatal(err)
	}
	defer sub.Close()
	for left := false; ; {
		state, err := sub.Next(ctx)
		switch {
		case err != nil:
			log.Fatal(err)
		case errors.Is(state.Err, pool.ErrPoolNotFound):
			fmt.Println("nobody")
			return
		case state.Err != nil:
			log.Fatal(state.Err)
		}
		fmt.Printf("0x%x, %d in all\n", state.Elements[0].ID, len(state.Elements))
		if !left {
			reg.Deregister(ctx)
			left = true
		}
	}
	// Output:
	// 0x2a, 1 in all
	// nobody
}
