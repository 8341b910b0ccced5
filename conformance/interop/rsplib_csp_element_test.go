// SPDX-License-Identifier: Apache-2.0

//go:build interop

package interop

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rserpool/rserpool/pool"
)

// Pool elements report their workload: that of ours is shown by RSPLIB's monitor and ours as it changes, and that of RSPLIB's
// by ours as by RSPLIB's.
func TestRSPLIBElementStatusReports(t *testing.T) {
	r := newRSPLIBRig(t)
	r.lab.BuildRSerPool(t)
	srv := r.registrar()
	monitor := r.lab.Node(t, 2, "rserpool monitor 2>&1 &"+rsplibShell)
	monitor.WaitLine(r.ctx(rsplibBoot), "waiting for reports")
	theirMonitor := r.lab.Node(t, 5, "exec cspmonitor -compact 2>&1")
	theirMonitor.WaitUp(r.ctx(rsplibBoot))
	for n, to := range map[int]string{3: "10.44.0.2", 4: "10.44.0.5"} {
		r.lab.Node(t, n, fmt.Sprintf("exec rserpool serve echo --id %#x --pool Pool%d --policy LeastUsed --max-sessions 4 "+
			"--registrar 10.44.0.1,10.45.0.1:3863 --csp-server %s --csp-interval 500ms 2>&1", 0xaa00+n, n, to))
	}
	r.lab.Node(t, 6, `exec rspserver -echo -poolhandle=Pool6 -identifier=0xaa06 -policy=LeastUsed -cspserver=10.44.0.2:2960 -cspinterval=500`+rsplibLog)
	r.soon(rsplibBoot, func() bool { return srv.Stats().Elements == 3 }, "all have registered")
	seen := map[int]func(string){
		3: func(load string) { monitor.SeenLine(r.ctx(rsplibBoot), `PE \$0000aa03 .* L=`+load+` A=`) },
		4: func(load string) { theirMonitor.SeenLine(r.ctx(rsplibBoot), `PE \$0000aa04 .*L= *`+load) },
	}
	user := r.client()
	for n, look := range seen {
		look(`0%`)
		var sessions []*pool.Session
		for i := range 3 {
			s, err := user.Dial(r.ctx(rsplibSoon), fmt.Sprintf("Pool%d", n))
			require.NoError(t, err)
			r.call(s, "hello")
			sessions = append(sessions, s)
			look(fmt.Sprintf("%d(\\.\\d+)?%%", 25*(i+1)))
		}
		for _, s := range sessions {
			require.NoError(t, s.Close())
		}
		look(`0%`)
	}
	monitor.SeenLine(r.ctx(rsplibBoot), `PE \$0000aa06 \[.*\] L=0% A=1 "0 Sessions" ->PR \$01020304/11`)
	r.finish()
}
