# Nightshift. `make` builds, `make test` proves, `make help` lists the rest.

BUILD  ?= build
CC     := gcc
CFLAGS ?= -O2 -g
WARN   := -std=c11 -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes \
          -Wmissing-prototypes -Wvla -Wno-sign-conversion -Werror
LIBS   := lua5.4 libuv libcurl libcrypto jansson sqlite3 expat libmicrohttpd \
           gnutls
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined \
            -fno-omit-frame-pointer
ifdef SAN
CFLAGS := -O1 -g $(SANITIZE)
BUILD  := $(BUILD)/san
endif
ifdef TSAN
CFLAGS := -O1 -g -fsanitize=thread -fno-omit-frame-pointer
BUILD  := $(BUILD)/tsan
endif
# Read when a compiler is called, so that `make test` may install them first.
CPPFLAGS = -D_GNU_SOURCE -Icore -I$(BUILD) -include core/base/banned.h \
           $$(pkg-config --cflags $(LIBS))
LDLIBS   = $$(pkg-config --libs $(LIBS)) -lpthread -lm

LIB_SRC   := $(sort $(wildcard core/*/*.c))
UNIT_SRC  := $(sort $(wildcard tests/unit/*.c))
BENCH     := $(patsubst tests/bench/%.c,%,$(sort $(wildcard tests/bench/*.c)))
BENCH_SERVE := $(patsubst tests/bench/%.c,%,$(sort $(wildcard tests/bench/serve/*.c)))
FUZZ      := $(patsubst tests/fuzz/%.c,%,$(sort $(wildcard tests/fuzz/*.c)))
OBJ        = $(patsubst %.c,$(BUILD)/%.o,$(1))
LUA_INC   := $(BUILD)/prelude.lua.inc $(BUILD)/ctx.lua.inc
NIGHTSHIFT = $(BUILD)/nightshift
TORTURE    = $(BUILD)/disk.so $(BUILD)/store_writer
SHOWN      = $(BUILD)/oracle/shown
STAGES     = $(if $(SAN),unit hostile integration,\
             lint unit spec hostile integration threads torture fuzz)
STAGE      = NIGHTSHIFT=$(NIGHTSHIFT) BUILD=$(BUILD) tests/stage

all: $(NIGHTSHIFT)                  ## build the binary

demo:                               ## install, build, walk a real alert dry
	@.ci/install build
	@$(MAKE) --no-print-directory -s all
	@tests/demo $(NIGHTSHIFT)

test:                               ## everything (SAN=1: with ASan and UBSan)
	@.ci/install test
	@$(MAKE) --no-print-directory -s all $(BUILD)/unit $(TORTURE) $(SHOWN) \
	  $(if $(SAN),,$(addprefix $(BUILD)/bench/,$(BENCH) $(BENCH_SERVE)))
	@$(STAGE) $(STAGES)

unit: $(BUILD)/unit                 ## C unit tests
	@$(STAGE) unit

hostile: $(BUILD)/unit              ## scripts that try to break out
	@$(STAGE) hostile

spec:                               ## Lua specs of scripts, in busted
	@$(STAGE) spec

integration: $(NIGHTSHIFT) $(SHOWN)  ## oracles, kill points, live doubles
	@$(STAGE) integration

threads:                            ## races of the service, under TSan
	@$(STAGE) threads

torture: $(NIGHTSHIFT) $(TORTURE)   ## kills, failing disks, power cuts: all
	@TORTURE_SECONDS= $(STAGE) torture

lint: $(NIGHTSHIFT) $(BUILD)/unit   ## layers, symbols, invariants, scripts
	@$(STAGE) lint

fuzz:                               ## libFuzzer, FUZZ_SECONDS=60 a target
	@FUZZ_SECONDS=$${FUZZ_SECONDS:-60} $(STAGE) fuzz

fuzz-targets: $(addprefix $(BUILD)/fuzz/,$(FUZZ))

bench: $(NIGHTSHIFT) $(addprefix $(BUILD)/bench/,$(BENCH) $(BENCH_SERVE)) ## figures, aims
	@for b in $(BENCH); do $(BUILD)/bench/$$b || exit 1; done
	@python3 tests/bench/bench_run.py $(NIGHTSHIFT)
	@python3 tests/bench/bench_serve.py $(NIGHTSHIFT) $(BUILD)/bench/serve

cover:                              ## line coverage of the unit tests
	@$(MAKE) --no-print-directory -s BUILD=build/cover \
	  CFLAGS="-O0 -g --coverage" build/cover/unit build/cover/nightshift
	@NIGHTSHIFT=build/cover/nightshift BUILD=build/cover tests/stage unit
	@tests/cover build/cover

docs:                               ## pages that are made from lists
	python3 tests/lint/effects_page.py

format:                             ## clang-format over all C files
	clang-format -i $$(git ls-files '*.c' '*.h')

$(NIGHTSHIFT): $(call OBJ,core/main.c $(LIB_SRC))
	@echo "  LINK  $@"
	@$(CC) $(CFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/unit: $(call OBJ,$(LIB_SRC) $(UNIT_SRC))
	@echo "  LINK  $@"
	@$(CC) $(CFLAGS) -o $@ $^ $(LDLIBS) -lcriterion

$(BUILD)/bench/%: $(BUILD)/tests/bench/%.o $(call OBJ,$(LIB_SRC))
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) -o $@ $^ $(LDLIBS)

# What the tests put under a program, and a program to put it under.
$(BUILD)/disk.so: tests/torture/disk.c Makefile
	@mkdir -p $(@D)
	@$(CC) -D_GNU_SOURCE $(WARN) -O2 -fPIC -shared -o $@ $< -lpthread

$(BUILD)/store_writer: $(BUILD)/tests/torture/store_writer.o \
                       $(call OBJ,$(LIB_SRC))
	@$(CC) $(CFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/oracle/%: $(BUILD)/tests/oracle/%.o $(call OBJ,$(LIB_SRC))
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/fuzz/%: $(BUILD)/fuzz/tests/fuzz/%.o $(LIB_SRC:%.c=$(BUILD)/fuzz/%.o)
	@clang -fsanitize=fuzzer,address,undefined -o $@ $^ $(LDLIBS)

$(BUILD)/fuzz/%.o: %.c $(LUA_INC) $(BUILD)/openapi.json.inc
	@mkdir -p $(@D)
	@clang $(CPPFLAGS) -O1 -g -fsanitize=fuzzer-no-link,address,undefined \
	  -fno-sanitize-recover=undefined -MMD -MP -c -o $@ $<

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo "  CC    $<"
	@$(CC) $(CPPFLAGS) $(WARN) $(CFLAGS) -MMD -MP -c -o $@ $<

# Lua that is a part of the engine, as the bytes of an array.
$(BUILD)/%.lua.inc: core/vm/%.lua
	@mkdir -p $(@D)
	@od -An -v -tx1 $< | sed 's/ \(..\)/0x\1,/g' > $@

$(BUILD)/core/vm/bundle.o: $(LUA_INC)

# The document of the admin API, likewise.
$(BUILD)/openapi.json.inc: docs/openapi.json
	@mkdir -p $(@D)
	@od -An -v -tx1 $< | sed 's/ \(..\)/0x\1,/g' > $@

$(BUILD)/core/serve/admin.o: $(BUILD)/openapi.json.inc

help:                               ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' Makefile | expand -t 16

clean:                              ## remove everything built
	rm -rf build

.PHONY: all demo test unit hostile spec integration threads torture lint fuzz fuzz-targets \
        bench cover docs format help clean
.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
