// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
)

// Args are those of an act, by their names.
type Args map[string]string

// String is "name=value name=value", in the order of the names.
func (a Args) String() string {
	var s []string
	for _, k := range slices.Sorted(maps.Keys(a)) {
		s = append(s, k+"="+a[k])
	}
	return strings.Join(s, " ")
}

// A Control makes the system under test act: what its user would do with it. The acts and their arguments are in
// docs/conformance.md; [Acts] lists them.
type Control interface {
	// Has reports whether it can do an act.
	Has(act string) bool
	// Do does an act. It returns when the act has begun: it must not wait for the peer, which may be silent on purpose.
	Do(ctx context.Context, act string, args Args) error
}

// ErrUnsupported is matched by errors of Do that say that there is no such act, or not with these arguments.
var ErrUnsupported = errors.New("the system under test has no such act")

// Acts are the acts there are, and what they are.
var Acts = map[string]string{
	"connect":       "open an association to addr (addresses separated by commas), SCTP port port, UDP port udp",
	"connect-send":  "connect, and send a message of size bytes at once",
	"send":          "send count messages of size bytes on stream, with ppid, unordered if set; a pool user: send a request of size bytes to pool, with registrar, and to a pool element that it selects now if new is set",
	"pr-ttl":        "send, with a lifetime of ttl milliseconds after which a message is abandoned",
	"shutdown":      "close the association gracefully",
	"send-shutdown": "send, and shut down at once",
	"abort":         "abort the association with the given reason",
	"noread":        "stop reading messages from the association",
	"read":          "read again",
	"reset":         "reset the streams (numbers separated by commas, empty for all) in direction out, in, both or assoc",
	"add-streams":   "ask for more streams: out and in are how many",
	"addip":         "add the address addr to the association",
	"delip":         "delete the address addr from the association",
	"start":         "start the system under test anew; a registrar: with peers (addr:port/udp, separated by spaces), max-items, max-bad-reports, id",
	"register":      "a pool element: register in pool, with registrar (addr:port/udp, separated by spaces), id, policy (\"WeightedRoundRobin:3\"), lifetime (seconds)",
	"deregister":    "a pool element: leave the pool",
	"resolve":       "a pool user: resolve the handle pool, with registrar",
}
