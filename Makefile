# Two commands are enough: `make run` and `make test`. Both fetch what they need on a machine that has Go and make.

SHELL       := /bin/bash -o pipefail
BIN         := $(CURDIR)/bin
GOLANGCI    := $(BIN)/golangci-lint
GOVULNCHECK := $(BIN)/govulncheck
GOLANGCI_VERSION    := v2.15.0
GOVULNCHECK_VERSION := v1.9.0
# The version is stamped from git; a source tree without it, or owned by somebody else, still builds.
VCS         := $(shell git status >/dev/null 2>&1 && echo true || echo false)
FUZZTIME    ?= 30s
DEMO_DIR    ?= ./demo-data

.DEFAULT_GOAL := help
.PHONY: help run build test check race lint fuzz chaos bench generate verify vuln size cover clean deps

help: ## show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: build ## start the gateway with its demo configuration, and say what to do next
	@./bin/grapnel dev --dir $(DEMO_DIR)

build: ## build bin/grapnel
	@CGO_ENABLED=0 go build -trimpath -buildvcs=$(VCS) -ldflags '-s -w' -o $(BIN)/grapnel ./cmd/grapnel

check: ## the fast inner loop: vet, import rules, short tests
	go vet ./...
	go test -short ./...

# The summary of go test comes last, so that the end of the output says how it went.
test: deps lint verify vuln fuzz race ## everything: lint, generated files, fuzzing, race, end-to-end and chaos tests

race: ## all tests with the race detector, coverage per package
	go test -race -cover -count=1 -timeout 15m ./...

lint: $(GOLANGCI) ## formatting and every rule of .golangci.yml
	$(GOLANGCI) run --allow-parallel-runners ./...

# go test fuzzes one target of one package at a time.
fuzz: ## every fuzz target for FUZZTIME (30s)
	@grep -rEo '^func Fuzz[A-Za-z0-9_]+' --include='*_test.go' . | sed 's|/[^/]*:func | |' | sort \
	| while read -r package target; do \
		echo "fuzz $$package $$target"; \
		go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$package || exit 1; \
	done

chaos: ## only the chaos tests: kill -9 under load, and the ledger afterwards
	go test -count=1 -v -timeout 15m ./test/chaos/...

bench: build ## the benchmark table (needs wrk); see bench/README.md
	go run ./bench

generate: ## regenerate the reference pages and schemas
	go generate ./...

verify: ## what is generated is up to date, and go.mod is tidy
	go generate ./...
	go mod tidy -diff
	git diff --exit-code -- docs/reference

# A vulnerability is a failure. A database that cannot be reached is not, but it is said loudly: see CONTRIBUTING.md.
vuln: $(GOVULNCHECK) ## known vulnerabilities in what is called
	@$(GOVULNCHECK) ./... >$(BIN)/vuln.log 2>&1; status=$$?; cat $(BIN)/vuln.log; \
	if [ $$status -ne 0 ] && grep -q 'fetching vulnerabilities' $(BIN)/vuln.log; then \
		echo '!!! NOT CHECKED FOR VULNERABILITIES: https://vuln.go.dev cannot be reached from here !!!'; exit 0; \
	fi; exit $$status

size: build ## the binary's size
	@ls -l $(BIN)/grapnel | awk '{printf "%.1f MiB\n", $$5/1048576}'

cover: ## coverage as a page: bin/coverage.html
	@mkdir -p $(BIN)
	go test -coverpkg=./internal/... -coverprofile=$(BIN)/coverage.out ./...
	go tool cover -html=$(BIN)/coverage.out -o $(BIN)/coverage.html

clean: ## remove what was built, and the demo's data
	rm -rf $(BIN) $(DEMO_DIR)

# What the tests need and Go does not bring: a C compiler for the race detector, git for the generated files, strace to
# break system calls, curl because the documentation uses it.
deps: ## install gcc, git, strace and curl (Debian) where they are missing
	@missing=$$(for tool in gcc git strace curl; do command -v $$tool >/dev/null || echo $$tool; done); \
	if [ -n "$$missing" ]; then \
		if [ "$$(id -u)" -ne 0 ]; then echo "missing: $$missing; run: sudo apt-get install -y gcc libc6-dev git strace curl"; exit 1; fi; \
		apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends gcc libc6-dev git strace curl; \
	fi

$(GOLANGCI):
	GOBIN=$(BIN) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)

$(GOVULNCHECK):
	GOBIN=$(BIN) go install golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION)
