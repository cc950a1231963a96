# SPDX-License-Identifier: Apache-2.0
# The front door. Meson does the work; `make help` lists what there is.

BUILD   ?= build
TARGET  ?=
ARGS    ?=
SECONDS_PER_TARGET ?= 60
PYTHON  ?= python3

.DEFAULT_GOAL := all
.PHONY: all help trace test bench validate fuzz lint format install uninstall clean deps deps-test

all: $(BUILD)/build.ninja ## build build/wend
	@meson compile -C $(BUILD)

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(BUILD)/build.ninja: | deps
	@meson setup $(BUILD) -Dtests=disabled >$(BUILD).setup.log 2>&1 || { cat $(BUILD).setup.log; exit 1; }
	@rm -f $(BUILD).setup.log

$(BUILD)-asan/build.ninja: | deps-test
	@meson setup $(BUILD)-asan -Dtests=enabled -Dwerror=true -Db_sanitize=address,undefined -Db_lundef=false

deps:
	@tools/setup build

deps-test:
	@tools/setup build test

trace: all ## trace TARGET=host (without it: the built-in simulated network)
	@$(BUILD)/wend trace $(if $(TARGET),$(TARGET),--sim builtin) $(ARGS)

test: deps-test $(BUILD)/build.ninja $(BUILD)-asan/build.ninja ## all tests, plain and under ASan+UBSan
	@meson configure $(BUILD) -Dtests=enabled -Dwerror=true
	@meson compile -C $(BUILD)
	@meson compile -C $(BUILD)-asan
	@$(PYTHON) tools/run-tests.py $(BUILD) $(BUILD)-asan

bench: deps-test all ## speed and accuracy beside Debian's tracers, in namespaces (root)
	@$(PYTHON) tests/bench/bench.py $(BUILD)/wend $(ARGS)

validate: deps-test all ## do all paths miss no more than allowed, is an MTU ever wrong? 100,000 runs a network (long)
	@meson configure $(BUILD) -Dtests=enabled
	@meson compile -C $(BUILD) validate validate_mtu
	@$(BUILD)/tests/validate/validate_mtu
	@$(BUILD)/tests/validate/validate $(ARGS)

fuzz: deps-test ## libFuzzer over every property, SECONDS_PER_TARGET each
	@tools/fuzz $(BUILD)-fuzz $(SECONDS_PER_TARGET)

lint: deps-test $(BUILD)/build.ninja ## clang-format, clang-tidy, cppcheck, -fanalyzer, include rules
	@tools/lint $(BUILD)

format: ## clang-format every C file
	@git ls-files '*.c' '*.h' | xargs clang-format -i

install: all ## install program, man page and completions (DESTDIR and meson's prefix)
	@meson install -C $(BUILD) --no-rebuild
	@[ -n "$(DESTDIR)" ] || ldconfig || echo "make: programs find libwend.so.0 when ldconfig has run as root"

uninstall:
	@ninja -C $(BUILD) uninstall

clean: ## remove what was built
	@rm -rf $(BUILD) $(BUILD)-asan $(BUILD)-fuzz
