// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"testing"
)

// Our monitor shows RSPLIB's registrar and ours with the same content, and RSPLIB's monitor shows ours.
func TestRSPLIBStatusReports(t *testing.T) {
	r := newRSPLIBRig(t)
	r.lab.BuildRSerPool(t)
	srv := r.registrar()
	monitor := r.lab.Node(t, 2, "rserpool monitor 2>&1 &"+rsplibShell)
	monitor.WaitLine(r.ctx(rsplibBoot), "waiting for reports")
	theirMonitor := r.lab.Node(t, 5, "exec cspmonitor -compact 2>&1")
	theirMonitor.WaitUp(r.ctx(rsplibBoot))
	r.lab.Node(t, 3, "exec rspregistrar -identifier=0x11111111 -asap=10.44.0.3:3863,10.45.0.3 "+
		"-enrp=10.44.0.3:9901,10.45.0.3 -cspserver=10.44.0.2:2960 -cspinterval=500"+rsplibLog)
	rserpoolNode(r, 4, 0x22222222, "--csp-server 10.44.0.2 --csp-interval 500ms")
	rserpoolNode(r, 6, 0x33333333, "--csp-server 10.44.0.5 --csp-interval 500ms")
	r.soon(rsplibBoot, func() bool { return len(srv.Peers()) == 3 }, "they are a scope")
	for _, id := range []string{"11111111", "22222222"} { // in any order
		monitor.SeenLine(r.ctx(rsplibBoot), `PR \$`+id+` \[.*: 10\.44\.0\.\d.*\] A=\d "0\[0\] PEs in 0 Pools, 3 Peers"`)
	}
	theirMonitor.WaitLine(r.ctx(rsplibBoot), `33333333.*0\[0\] PEs in 0 Pools, 3 Peers`)
	r.finish()
}
