// SPDX-License-Identifier: Apache-2.0

package udpencap

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"unsafe"

	"golang.org/x/sys/windows"
)

// watching has the callbacks of the watches there are. Windows calls one function
// of ours, which can be made once only: callbacks are never freed.
var watching = struct {
	sync.Mutex
	changed map[uintptr]func()
}{changed: map[uintptr]func(){}}

var onAddressChange = sync.OnceValue(func() uintptr {
	return windows.NewCallback(func(callerContext, _, _ uintptr) uintptr {
		watching.Lock()
		changed := watching.changed[callerContext]
		watching.Unlock()
		if changed != nil {
			changed()
		}
		return 0
	})
})

// watchAddrs asks the IP helper to be told of unicast addresses.
func watchAddrs(ctx context.Context, changed func()) error {
	key := new(int64) // its address names the watch; nothing moves what is on the heap
	defer runtime.KeepAlive(key)
	id := uintptr(unsafe.Pointer(key))
	watching.Lock()
	watching.changed[id] = changed
	watching.Unlock()
	defer func() {
		watching.Lock()
		delete(watching.changed, id)
		watching.Unlock()
	}()
	var handle windows.Handle
	err := windows.NotifyUnicastIpAddressChange(windows.AF_UNSPEC, onAddressChange(), unsafe.Pointer(key), true, &handle) // true: an initial notification
	if err != nil {
		return fmt.Errorf("udpencap: watch addresses: %w", err)
	}
	<-ctx.Done()
	if err := windows.CancelMibChangeNotify2(handle); err != nil {
		return fmt.Errorf("udpencap: watch addresses: %w", err)
	}
	return nil
}
