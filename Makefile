# Nightshift. `make` builds, `make test` proves, `make help` lists the rest.

BUILD  ?= build
CC     := gcc
CFLAGS ?= -O2 -g
WARN   := -std=c11 -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes \
          -Wmissing-prototypes -Wvla -Wno-sign-conversion -Werror
LIBS   := lua5.4 libuv libcurl libcrypto jansson sqlite3
ifdef SAN
CFLAGS := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined \
          -fno-omit-frame-pointer
BUILD  := $(BUILD)/san
endif
CPPFLAGS := -D_GNU_SOURCE -Icore -I$(BUILD) -include core/base/banned.h \
           $(shell pkg-config --cflags $(LIBS))
LDLIBS   := $(shell pkg-config --libs $(LIBS)) -lpthread -lm

LIB_SRC  := $(sort $(wildcard core/*/*.c))
UNIT_SRC := $(sort $(wildcard tests/unit/*.c))
OBJ       = $(patsubst %.c,$(BUILD)/%.o,$(1))

all: $(BUILD)/nightshift            ## build the binary

$(BUILD)/nightshift: $(call OBJ,core/main.c $(LIB_SRC))
	@echo "  LINK  $@"
	@$(CC) $(CFLAGS) -o $@ $^ $(LDLIBS)

unit: $(BUILD)/unit                 ## C unit tests (SAN=1 for ASan and UBSan)
	$<

$(BUILD)/unit: $(call OBJ,$(LIB_SRC) $(UNIT_SRC))
	$(CC) $(CFLAGS) -o $@ $^ $(LDLIBS) -lcriterion

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo "  CC    $<"
	@$(CC) $(CPPFLAGS) $(WARN) $(CFLAGS) -MMD -MP -c -o $@ $<

# Lua that is a part of the engine, as the bytes of an array.
$(BUILD)/%.lua.inc: core/vm/%.lua
	@mkdir -p $(@D)
	od -An -v -tx1 $< | sed 's/ \(..\)/0x\1,/g' > $@

$(BUILD)/core/vm/bundle.o: $(BUILD)/prelude.lua.inc $(BUILD)/ctx.lua.inc

help:                               ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' Makefile | expand -t 16

clean:                              ## remove everything built
	rm -rf build

.PHONY: all unit help clean
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
