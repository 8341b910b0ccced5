# SPDX-License-Identifier: Apache-2.0

GO       ?= go
FUZZTIME ?= 10s
SEEDS    ?= 1000

.DEFAULT_GOAL := help
.PHONY: build test race fuzz lint cross wine interop bench bench-growth bench-peers bench-registrar conformance demo sim-long check help

build: ## compile everything; the command goes to bin/
	$(GO) build ./...
	$(GO) build -o bin/ ./cmd/rserpool

test: ## run the tests (no root, no network beyond loopback)
	$(GO) test ./...

race: ## run the tests under the race detector
	$(GO) test -race ./...

fuzz: ## run every fuzz target for FUZZTIME (10s)
	@set -e; for pkg in $$($(GO) list ./...); do \
		for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
			echo "$$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$pkg; \
		done; done

lint: ## formatting, go vet, staticcheck, module files
	@out=$$(gofmt -l .); if [ -n "$$out" ]; then echo "not formatted:"; echo "$$out"; exit 1; fi
	$(GO) vet ./...
	$(GO) vet -tags interop ./...
	$(GO) tool -modfile=tools.mod staticcheck ./...
	$(GO) mod tidy -diff

cross: ## compile, tests included, for the other systems
	@set -e; for p in darwin/arm64 darwin/amd64 windows/amd64 freebsd/amd64 linux/arm64; do \
		echo "$$p"; GOOS=$${p%/*} GOARCH=$${p#*/} CGO_ENABLED=0 $(GO) vet ./...; \
		GOOS=$${p%/*} GOARCH=$${p#*/} CGO_ENABLED=0 $(GO) build ./...; done

wine: ## run the tests as Windows programs under Wine (root on Debian, or Wine and MinGW installed)
	conformance/wine/wine

interop: ## test against the Linux kernel, usrsctp and RSPLIB (root, Linux; see conformance/lab)
	conformance/lab/lab build
	RSERPOOL_LAB=1 $(GO) test -count=1 -tags interop -timeout 45m -v ./conformance/interop/...

conformance: ## check our own stack against the RFCs over UDP on loopback (docs/conformance.md); the peers: conformance/matrix
	conformance/matrix ours

bench: ## measure, the peers in the same run (docs/PERFORMANCE.md)
	$(GO) test -run '^$$' -bench . ./sctp/wire ./sctp/assoc ./sctp ./udpencap ./registrar/... ./conformance/bench

bench-peers: ## measure against usrsctp, pion, quic-go and TCP, each end a process (root, Linux; docs/PERFORMANCE.md)
	$(GO) build -o bin/bench-peers ./conformance/bench/peers
	bin/bench-peers -json bin/bench-peers.json $(PEERS)

bench-growth: ## what a unit of work costs as there is more of it (docs/PERFORMANCE.md)
	$(GO) test -run '^$$' -bench Scaling -benchtime 1x ./sctp/assoc ./sctp
	$(GO) test -run '^$$' -bench OperationScaling -benchtime 1x ./registrar/engine

bench-registrar: ## measure our registrar and RSPLIB's in turn, over the wire (root, Linux; docs/PERFORMANCE.md)
	conformance/lab/lab build
	RSERPOOL_LAB=1 $(GO) test -tags interop -timeout 30m -run '^$$' -bench Registrars -benchtime 1x ./conformance/bench/registrars $(REGISTRARS)

demo: ## the whole thing in one process: a pool, a failure, a failover
	$(GO) run ./cmd/rserpool demo

sim-long: ## simulate SEEDS (1000) seeds of every bad network and scope
	$(GO) test -run Sim -timeout 60m ./sctp/assoc -sim.seeds $(SEEDS)
	$(GO) test -run Sim -timeout 60m ./sim -sim.seeds $(SEEDS)

check: lint test race cross ## what CI runs, without the peers

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
