// SPDX-License-Identifier: Apache-2.0

package assoc

import "fmt"

// A State is a state of an association (RFC 9260, Section 4).
type State uint8

// The states of RFC 9260, Section 4, in the order of the figure.
const (
	StateClosed State = iota
	StateCookieWait
	StateCookieEchoed
	StateEstablished
	StateShutdownPending
	StateShutdownSent
	StateShutdownReceived
	StateShutdownAckSent
)

var stateNames = [...]string{
	"CLOSED", "COOKIE-WAIT", "COOKIE-ECHOED", "ESTABLISHED",
	"SHUTDOWN-PENDING", "SHUTDOWN-SENT", "SHUTDOWN-RECEIVED", "SHUTDOWN-ACK-SENT",
}

func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return fmt.Sprintf("State(%d)", uint8(s))
}

// mayReceiveData: RFC 9260, Section 6: "DATA chunks MUST only be received
// according to the rules below in ESTABLISHED, SHUTDOWN-PENDING, and
// SHUTDOWN-SENT states."
func (s State) mayReceiveData() bool {
	return s == StateEstablished || s == StateShutdownPending || s == StateShutdownSent
}

// mayTransmitData: RFC 9260, Section 6: "Data transmission MUST only happen in
// the ESTABLISHED, SHUTDOWN-PENDING, and SHUTDOWN-RECEIVED states", but for
// what goes with a COOKIE ECHO.
func (s State) mayTransmitData() bool {
	return s == StateEstablished || s == StateShutdownPending || s == StateShutdownReceived
}

func (s State) acceptsUserData() bool {
	return s == StateCookieWait || s == StateCookieEchoed || s == StateEstablished
}
