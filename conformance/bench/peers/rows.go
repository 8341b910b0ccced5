// SPDX-License-Identifier: Apache-2.0

package main

import (
	"time"

	"github.com/rserpool/rserpool/conformance/bench/path"
	"github.com/rserpool/rserpool/conformance/bench/worker"
)

// A row is a figure that is measured of several contenders.
type row struct {
	name       string
	test       string
	size       int
	path       *path.Config
	contenders []string
}

// The contenders.
const (
	oursName  = "ours"
	plainName = "ours-plain" // without segmentation offload
	cubicName = "ours-cubic" // with CUBIC and RACK
	lossyName = "ours-lossy" // with TCP Westwood+ and RACK
	pionName  = "pion"
	usrName   = "usrsctp"
	tcpName   = "tcp"
	quicName  = "quic-go"
)

// The rate of paths, and what may wait for it: 20 ms. Far more than any peer is known to reach on
// one of these, and less than the relay can carry.
const (
	pathRate  = 100e6
	pathQueue = 2 << 20
)

func pathOf(rtt time.Duration, loss float64) *path.Config {
	return &path.Config{Delay: rtt / 2, Loss: loss, Rate: pathRate, Queue: pathQueue}
}

var (
	local = []string{oursName, plainName, pionName, usrName, tcpName, quicName}
	far   = []string{oursName, cubicName, lossyName, pionName, usrName, quicName}
)

var rows = []row{
	{"one way, 64 KiB", worker.Bulk, 64 << 10, nil, local},
	{"one way, 1 KiB", worker.Bulk, 1 << 10, nil, local},
	{"one way, 64 B", worker.Bulk, 64, nil, local},
	{"there and back, 64 B", worker.PingPong, 64, nil, local},
	{"20 ms", worker.Bulk, 1 << 10, pathOf(20*time.Millisecond, 0), far},
	{"20 ms, 0.1 % lost", worker.Bulk, 1 << 10, pathOf(20*time.Millisecond, 0.001), far},
	{"20 ms, 1 % lost", worker.Bulk, 1 << 10, pathOf(20*time.Millisecond, 0.01), far},
	{"100 ms", worker.Bulk, 1 << 10, pathOf(100*time.Millisecond, 0), far},
	{"associations, one at a time", worker.Setup, 64, nil, []string{oursName, pionName, usrName, tcpName}},
}

// The figures of a row.
const (
	rate    = "MB/s"
	cpuByte = "CPU-s/GB" // of both sides
	each    = "per second"
	cpuEach = "CPU-µs each" // of both sides, or of the client for associations
	p99     = "p99 µs"
)

// figures are what the results of a client and a server say.
func (r *row) figures(client, server worker.Result) map[string]float64 {
	switch {
	case r.test == worker.PingPong:
		return map[string]float64{
			each:    float64(client.Count) / client.Seconds,
			cpuEach: (client.CPU + server.CPU) / float64(client.Count) * 1e6,
			p99:     client.P99,
		}
	case r.test == worker.Setup:
		return map[string]float64{each: float64(client.Count) / client.Seconds, cpuEach: client.CPU / float64(client.Count) * 1e6, p99: client.P99}
	case r.path != nil:
		return map[string]float64{rate: float64(server.Bytes) / 1e6 / server.Seconds}
	}
	return map[string]float64{
		rate:    float64(server.Bytes) / 1e6 / server.Seconds,
		cpuByte: (client.CPU + server.CPU) / (float64(client.Bytes) / 1e9),
	}
}

// first is the figure that contenders are compared by.
func (r *row) first() string {
	if r.test == worker.Bulk {
		return rate
	}
	return each
}
