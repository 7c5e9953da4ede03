# The front door. Everything real is in meson.build and scripts/.
BUILD ?= build
MESON_FLAGS ?=

.PHONY: all setup demo check check-clients test asan tsan fuzz bench install deb clean format rooms

all: $(BUILD)/build.ninja
	ninja -C $(BUILD)

$(BUILD)/build.ninja:
	meson setup $(BUILD) $(MESON_FLAGS)

# Installs the Debian packages that a build and the tests need, and gives
# /dev/fuse the mode that distributions give it.
setup:
	scripts/setup

demo: setup all
	scripts/demo $(BUILD)

# Set-up, build and the whole test run; ends with "N passed, N failed".
check: setup
	scripts/check

# The test run alone, on a tree that is already set up.
test: all
	scripts/run-tests $(BUILD)

asan:
	scripts/sanitized address,undefined build-asan

tsan:
	scripts/sanitized thread build-tsan

fuzz:
	scripts/fuzz build-fuzz

# As root: installs two dozen programs of the distribution and runs them on the
# stock library and on this one. CLIENTS=... chooses some, or options.
check-clients:
	scripts/check-clients $(CLIENTS)

# As root: it mounts. bench/METHOD.md says how to read the result.
bench: all
	bench/run $(BUILD) --json $(BUILD)/bench.json
	bench/plot $(BUILD)/bench.json $(BUILD)/plots

install: all
	meson install -C $(BUILD) --no-rebuild
	@# So that programs find the library. Packages do this by themselves.
	@[ -n "$(DESTDIR)" ] || [ "$$(id -u)" -ne 0 ] || ldconfig

# The Debian packages, into packages/.
deb:
	scripts/deb packages

rooms:
	scripts/check-rooms

format:
	git ls-files '*.c' '*.h' | xargs clang-format -i

clean:
	rm -rf build build-*
