# SPDX-License-Identifier: ISC
# The front door.  `make run` sets up and runs a server to write to; `make test` runs every test.
# The building is meson's and ninja's work; this file only knows their names.

BUILD   ?= build
JOBS    ?= $(shell nproc)
PREFIX  ?= /usr
DESTDIR ?=
T       ?= path
SECONDS ?= 60

all: build

help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

## make run         a server on loopback, ready to be written to (Ctrl-C ends it)
run: deps-build build
	@tools/run-demo $(BUILD)/postern

## make test        every test, ends with "N passed, M failed"
test: deps-test build
	@tools/run-tests $(BUILD)

## make build       the program
build: $(BUILD)/build.ninja
	@ninja -C $(BUILD) -j $(JOBS) --quiet

$(BUILD)/build.ninja:
	@tools/deps build
	@meson setup $(BUILD) >$(BUILD).log 2>&1 || { cat $(BUILD).log; exit 1; }
	@mv $(BUILD).log $(BUILD)/setup.log

deps-%:
	@tools/deps $*

## make check       unit tests, talk files, floors, headers, style, rfc pointers (under a minute)
check: deps-test build
	@tools/run-tests $(BUILD) unit floors headers style rfc talk

floors:
	@tools/check-floors
headers:
	@tools/check-headers
style:
	@tools/check-style
suspends:
	@tools/suspends
rfc:
	@tools/check-rfc

## make rows        every requirement row of the issues with its test; fails on a row without one
rows:
	@tools/rows

## make asan        unit tests under the address and undefined-behaviour sanitizers (gcc)
asan: deps-build
	@[ -d build-asan ] || meson setup build-asan -Db_sanitize=address,undefined >/dev/null
	@ninja -C build-asan -j $(JOBS) --quiet
	@tools/run-tests build-asan unit replay

## make clang       the whole build with clang
clang: deps-fuzz
	@[ -d build-clang ] || CC=clang meson setup build-clang >/dev/null
	@ninja -C build-clang -j $(JOBS) --quiet

## make fuzz T=x    one fuzz target for SECONDS (60), with its corpus
fuzz: deps-fuzz
	@tools/fuzz $(T) $(SECONDS)

## make fuzz-long   every fuzz target for ten minutes; result in fuzz/last-run.md
fuzz-long: deps-fuzz
	@tools/fuzz --all 600 --record fuzz/last-run.md

## make crash       the crash tests; make crash-long 1,000 kills, result in test/crash/last-run.md
crash: deps-test build
	@tools/run-tests $(BUILD) crash
crash-long: deps-test build
	@POSTERN_KILLS=1000 POSTERN_RECORD=test/crash/last-run.md tools/run-tests $(BUILD) crash

## make bench       Postfix and postern on the same work; table in bench/results/
bench: deps-bench build
	@bench/run $(BUILD)

## make doc         manual pages and coverage made from the code
doc: build
	@tools/make-doc $(BUILD)

## make install     FHS paths under DESTDIR and PREFIX, systemd unit, man pages
install: build
	@tools/install-tree $(BUILD) "$(DESTDIR)" "$(PREFIX)"

## make deb         a Debian package that provides mail-transport-agent
deb: deps-deb
	@dist/make-deb

all-ci: test

clean:
	@rm -rf build build-asan build-clang build-fuzz run

.PHONY: all help run test build check floors headers style suspends rfc rows asan clang fuzz fuzz-long \
	crash crash-long bench doc install deb all-ci clean
