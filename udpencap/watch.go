// SPDX-License-Identifier: Apache-2.0

package udpencap

import "context"

// Watch implements Watcher: by a netlink socket on Linux, a routing socket on
// macOS and the BSDs, and NotifyUnicastIpAddressChange on Windows.
func (n hostNetwork) Watch(ctx context.Context, changed func()) error {
	return watchAddrs(ctx, changed)
}
