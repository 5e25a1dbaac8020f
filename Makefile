# Every target does its own set-up; `make` alone lists them.

# A Go toolchain unpacked in its usual place is found even when PATH misses it.
export PATH := $(PATH):/usr/local/go/bin

# The version comes from git, also when another user owns the checkout; without
# git it is "devel".
VERSION ?= $(shell git -c safe.directory='*' describe --tags --always --dirty 2>/dev/null || echo devel)

# Go's own version stamping refuses a checkout owned by somebody else, so it is
# off: -ldflags carries the version.
export GOFLAGS := -buildvcs=false $(GOFLAGS)

LDFLAGS := -s -w -X main.version=$(VERSION)
TOOL    := go tool -modfile=tools/go.mod
GO_DIRS := cmd internal migrations scripts test bench deploy docs web/embed.go
BENCH   ?= .

.DEFAULT_GOAL := help
.PHONY: help demo build deb test check bench lint fmt generate web drift vet race clean

help: ## List the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

demo: ## Try it: a small shop, the router in front of it, and visitors (ARGS=--script plays the story)
	@scripts/need go
	@CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/ ./cmd/strangler
	@bin/strangler demo $(ARGS)

build: ## Build both programs, static, into bin/
	@scripts/need go
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/ ./cmd/...

deb: build ## Build the Debian package, into dist/
	@scripts/need go
	@VERSION='$(VERSION)' scripts/deb $(TOOL) nfpm

test: ## Install what the tests need (PostgreSQL, PgBouncer, nginx, curl), then run every test
	@scripts/need go postgres pgbouncer nginx curl
	@scripts/test ./...

check: lint vet drift deb race ## Everything a change must pass: lint, vet, generated files, the package, tests with the race detector

lint: ## Run golangci-lint as .golangci.yml says
	@scripts/need go
	$(TOOL) golangci-lint run

vet:
	go vet ./...

drift: ## Fail when a generated file is not what its source makes
	@scripts/need go
	@scripts/drift $(MAKE) --no-print-directory generate web

race:
	@scripts/need go cc postgres pgbouncer nginx curl
	@scripts/test -race ./...

generate: ## Write the generated files anew
	go generate ./...

web: ## Build the dashboard into web/dist, after its tests (needs Node 20)
	@scripts/need node npm
	cd web && npm install --no-save --no-audit --no-fund && npm test && npm run build

fmt: ## Format the code with gofumpt
	$(TOOL) gofumpt -l -w $(wildcard $(GO_DIRS))

bench: ## Run the benchmarks (BENCH=Match chooses)
	@scripts/need go
	go test -run '^$$' -bench '$(BENCH)' -benchmem ./...

clean: ## Remove what the other targets made
	rm -rf bin dist coverage.out
