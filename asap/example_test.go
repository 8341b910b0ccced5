// SPDX-License-Identifier: Apache-2.0

package asap_test

import (
	"fmt"

	"github.com/rserpool/rserpool/asap"
	"github.com/rserpool/rserpool/asap/param"
)

// A pool user asks for two pool elements, and the registrar has no such pool.
func Example() {
	request, err := (&asap.HandleResolution{PoolHandle: "EchoPool", Items: 2}).AppendBinary(nil)
	fmt.Printf("%x %v\n", request, err)

	m, _, err := asap.Parse([]byte("\x06\x00\x00\x1c\x00\x09\x00\x0cEchoPool\xff\xfe\x00\x04\x00\x0c\x00\x08\x00\x09\x00\x04"))
	fmt.Println(m.Type(), err)
	if response, ok := m.(*asap.HandleResolutionResponse); ok {
		fmt.Println(response.Errors.Has(param.CauseUnknownPoolHandle), response.Errors)
	}

	// Output:
	// 050000180009000c4563686f506f6f6c803f000800000002 <nil>
	// ASAP_HANDLE_RESOLUTION_RESPONSE <nil>
	// true Unknown Pool Handle
}
