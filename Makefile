# Cellar. `make demo` shows it at work, `make test` checks all of it; both install what is missing.

SHELL := /bin/bash
PACKAGES := libsqlite3-dev libhdf5-dev libopenblas-dev zlib1g-dev
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
# Numeric Swift is a hundred times slower in debug: everything, tests too, is built for release.
BUILD := swift build -c release -Xswiftc -enable-testing
DEMO ?= cellar-demo

.PHONY: all setup build test demo schema reference benchmark clean

all: build

# What apt has to install, if anything; nothing is asked of apt where all is there.
setup:
	@command -v swift >/dev/null || { echo "Swift 6.3 is missing; https://www.swift.org/install/linux says how to get it" >&2; exit 1; }
	@missing=""; for package in $(PACKAGES); do \
	    dpkg-query -W -f='$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$package"; done; \
	if [ -n "$$missing" ]; then echo "installing$$missing"; \
	    $(SUDO) apt-get update -qq && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; fi

build: setup
	$(BUILD) --product cellar

test: setup
	$(BUILD) --build-tests
	swift test -c release -Xswiftc -enable-testing --skip-build --disable-xctest

demo: build
	@rm -rf $(DEMO)
	"$$($(BUILD) --show-bin-path)/cellar" demo $(DEMO)

# Golden files that follow from the code: these tests write them, and fail to say that they did.
schema:
	CELLAR_RECORD=1 swift test -c release -Xswiftc -enable-testing --disable-xctest --filter CatalogTests || true

reference: build
	CELLAR_RECORD=1 swift test -c release -Xswiftc -enable-testing --disable-xctest --filter CellarTests || true

benchmark: setup
	Benchmarks/run.sh

clean:
	rm -rf .build Benchmarks/.build $(DEMO)
