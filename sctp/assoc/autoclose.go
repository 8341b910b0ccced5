// SPDX-License-Identifier: Apache-2.0

package assoc

import "time"

// Autoclose. RFC 6458, Section 8.1.8: "An idle association is defined as an
// association that has not sent or received user data."

// userData notes that a message was sent, or a part of one has arrived.
func (a *Association) userData(now time.Time) {
	if a.cfg.AutoClose > 0 {
		a.lastUserData = now
	}
}

// autoCloseDeadline is when the association has been idle for long enough.
func (a *Association) autoCloseDeadline() time.Time {
	if a.cfg.AutoClose <= 0 || a.state != StateEstablished {
		return nilTime
	}
	return a.lastUserData.Add(a.cfg.AutoClose)
}

// autoClose shuts an idle association down. What is still on its way counts as
// being sent.
func (a *Association) autoClose(now time.Time) {
	if !a.allAcknowledged() {
		a.lastUserData = now
		return
	}
	a.Shutdown(now)
}
