# goc-race. `make` builds everything under build/; `make help` lists the targets.
# Variables: CC CFLAGS LDFLAGS (yours are kept), BUILD=build, prefix=/usr/local, DESTDIR, V=1.

BUILD   ?= build
prefix  ?= /usr/local
CFLAGS  ?= -O2 -g
VERSION := 0.1.0
SO      := 0
Q       := $(if $(V),,@)

STD     := -std=gnu11 -fno-strict-aliasing -fno-omit-frame-pointer -fvisibility=hidden \
           -Wall -Wextra -Wno-unused-parameter $(WERROR) -D_GNU_SOURCE -DGOC_VERSION='"$(VERSION)"'
LIB     := $(STD) -fPIC -ftls-model=initial-exec -fno-stack-protector -U_FORTIFY_SOURCE \
           '-ffile-prefix-map=$(CURDIR)=/usr/src/goc-race' -Iruntime/include -iquote runtime -iquote report
# The libraries' code sits in a section by itself: the detector's interceptors tell a call of the library
# from one of the program it is linked into (detector/intercept.h), and a goroutine is not interrupted
# in it (runtime/preempt.c).
EXTRA_detector/tsan_abi.c := -fomit-frame-pointer
$(BUILD)/plain/runtime/mutex.c.o: EXTRA_runtime/mutex.c := -fomit-frame-pointer
OBJCOPY ?= objcopy
OWN_TEXT := $(foreach s,.text .text.unlikely .text.hot .text.startup .text.exit,--rename-section $s=goc_text)
ARCH    := $(shell $(CC) -dumpmachine 2>/dev/null | cut -d- -f1)

RT_SRC  := $(wildcard runtime/*.c) $(wildcard runtime/*_$(ARCH).S)
DET_SRC := $(wildcard detector/*.c) $(wildcard detector/*_$(ARCH).S)
REP_SRC := $(wildcard report/*.c)
HEADERS := $(wildcard runtime/include/*.h runtime/include/goc/*.h)
MAN     := $(wildcard man/*.[1-8])

PLAIN_O := $(RT_SRC:%=$(BUILD)/plain/%.o)
RACE_O  := $(RT_SRC:%=$(BUILD)/race/%.o) $(DET_SRC:%=$(BUILD)/race/%.o)
REP_O   := $(REP_SRC:%=$(BUILD)/tool/%.o)

L       := $(BUILD)/lib
LIBS    := $(L)/libgoc.a $(L)/libgoc.so $(L)/libgoc-race.a $(L)/libgoc-race.so
TOOL    := $(BUILD)/bin/goc-race
GOC_AS  := $(L)/goc-race/as
RT_LIBS  = -lunwind -pthread -ldl -lm
REP_LIBS = -ldw -lelf -lm

UNIT    := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(filter-out tests/unit/common.c,$(wildcard tests/unit/*.c)))

.PHONY: all objects demo check setup unit e2e doors lint bench bench-peers bench-scale soak fuzz debug \
        fuzz-decode mutants flaky \
        install uninstall clean help deb
.DELETE_ON_ERROR:
.SUFFIXES:

all: $(LIBS) $(TOOL) $(GOC_AS) $(L)/pkgconfig/goc.pc $(L)/pkgconfig/goc-race.pc headers man

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

# --- objects and libraries ------------------------------------------------------------------------

$(BUILD)/plain/%.o: %
	@mkdir -p $(@D)
	$(if $(Q),@echo '  CC     $@')
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(LIB) $(EXTRA_$*) -MMD -MP -c $< -o $@
	$(Q)$(OBJCOPY) $(OWN_TEXT) $@
$(BUILD)/race/%.o: %
	@mkdir -p $(@D)
	$(if $(Q),@echo '  CC     $@')
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(LIB) -DGOC_RACE $(EXTRA_$*) -MMD -MP -c $< -o $@
	$(Q)$(OBJCOPY) $(OWN_TEXT) $@
$(BUILD)/tool/%.o: %
	@mkdir -p $(@D)
	$(if $(Q),@echo '  CC     $@')
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(STD) -Ireport -iquote runtime $(EXTRA_$*) -MMD -MP -c $< -o $@

-include $(shell find $(BUILD) -name '*.d' -type f 2>/dev/null)

objects: $(PLAIN_O) $(RACE_O) $(REP_O)

# A static library is one object, in which what is not exported is local: a program may have a function of
# its own called die. The unit tests, which look inside, have the objects as they are.
$(L)/libgoc.a: $(BUILD)/plain/libgoc.o
$(L)/libgoc-race.a: $(BUILD)/race/libgoc.o
$(BUILD)/plain/libgoc.o $(BUILD)/plain/inside.a: $(PLAIN_O)
$(BUILD)/race/libgoc.o $(BUILD)/race/inside.a: $(RACE_O)
%/libgoc.o:
	$(Q)$(LD) -r -o $@ $^ && $(OBJCOPY) --localize-hidden $@
%.a:
	@mkdir -p $(@D)
	$(if $(Q),@echo '  AR     $@')
	$(Q)rm -f $@ && $(AR) rcsD $@ $^

# Both shared libraries carry one soname: a program linked with the first runs with the second.
$(L)/libgoc.so: $(PLAIN_O)
$(L)/libgoc-race.so: $(RACE_O)
%.so:
	@mkdir -p $(@D)
	$(if $(Q),@echo '  LD     $@')
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,libgoc.so.$(SO) \
	    -Wl,--version-script=runtime/goc.map -Wl,-z,defs -Wl,-z,now $^ $(RT_LIBS) -o $@
	$(Q)$(if $(filter %/libgoc.so,$@),ln -sf libgoc.so $(@D)/libgoc.so.$(SO))

$(TOOL): $(REP_O)
	@mkdir -p $(@D)
	$(if $(Q),@echo '  LD     $@')
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(REP_LIBS) -o $@

# goc-race cc makes the tool its compiler's assembler, by this name (report/inline.c).
$(GOC_AS): $(TOOL)
	@mkdir -p $(@D)
	$(Q)ln -sf ../../bin/goc-race $@

# Laid out in the build folder as it installs, so that nothing needs installing to be used.
.PHONY: headers man
headers: $(HEADERS:runtime/include/%=$(BUILD)/include/%)
$(BUILD)/include/%.h: runtime/include/%.h
	@mkdir -p $(@D)
	$(Q)cp $< $@
man: $(foreach m,$(MAN),$(BUILD)/share/man/man$(patsubst .%,%,$(suffix $m))/$(notdir $m))
	$(Q)sh man/links $(BUILD)/share/man
define man_rule
$(BUILD)/share/man/man$(patsubst .%,%,$(suffix $1))/$(notdir $1): $1
	@mkdir -p $$(@D)
	$(Q)cp $$< $$@
endef
$(foreach m,$(MAN),$(eval $(call man_rule,$m)))

# A frame of many pages must touch each of them, or it would reach past the guard of a goroutine's stack.
CLASH := $(if $(filter x86_64,$(ARCH)), -fstack-clash-protection)
pc = printf '%s\n' 'prefix=$1' 'libdir=$${prefix}/lib' 'includedir=$${prefix}/include' '' 'Name: $2' \
     'Description: $3' 'Version: $(VERSION)' 'Cflags: -I$${includedir}$(CLASH)' 'Libs: -L$${libdir} -l$2' \
     'Libs.private: $(RT_LIBS)'
SPACE := $(subst ,, )
escaped = $(subst $(SPACE),\ ,$1)
PC_goc := goroutines, channels, select and sync for C
PC_goc-race := libgoc with the race and deadlock detector
$(L)/pkgconfig/%.pc: Makefile
	@mkdir -p $(@D)
	$(Q)$(call pc,$(call escaped,$(abspath $(BUILD))),$*,$(PC_$*)) > $@

# --- set-up, demo, tests --------------------------------------------------------------------------

setup: ## install what is missing to build and test (apt; says so; sudo where needed)
	@sh tests/setup

demo: setup ## build, then run goc-race on the racy counter
	@$(MAKE) --no-print-directory all
	@sh tests/demo $(BUILD)

check: setup ## all tests (under ten minutes on two cores)
	@$(MAKE) --no-print-directory check-built

e2e: all ## the end-to-end tests alone
	@BUILD=$(BUILD) ONLY='^\(e2e\|script\)' sh tests/check
lint: ## manual pages, scripts, formatting
	@sh tests/lint
peers: ## install what the optional checks and the comparisons use
	@sh tests/setup peers

.PHONY: check-built peers
check-built: all debug
	@$(MAKE) --no-print-directory $(UNIT)
	@BUILD=$(BUILD) sh tests/check

# The runtime's own states and the ranks of its locks checked as it runs, no warning let pass.
DEBUGGED := $(foreach t,stress chan select sync time,$(BUILD)/debug/unit/$t $(BUILD)/debug/unit/$(t)_race)
debug: ## a build with assertions in build/debug, and the unit tests that check runs with it
	@$(MAKE) --no-print-directory objects $(DEBUGGED) BUILD=$(BUILD)/debug WERROR=-Werror \
	    CFLAGS='-O2 -g -DGOC_DEBUG'

doors: ## keep the doors between the rooms
	@sh tests/doors

# A unit test is linked with the plain runtime, with the race runtime if its name ends in _race, with
# the detector's objects if it starts with det_, with the report's objects if it starts with rep_.
unit: $(UNIT)
UNIT_CC = $(CC) $(CFLAGS) $(STD) -Iruntime/include -iquote runtime -Idetector -Ireport -Itests/unit -MMD -MP -MF $@.d -MT $@
$(BUILD)/unit/common.o: tests/unit/common.c
	@mkdir -p $(@D)
	$(if $(Q),@echo '  CC     $@')
	$(Q)$(UNIT_CC) -c $< -o $@
$(BUILD)/unit/%: tests/unit/%.c $(BUILD)/unit/common.o $(LIBS) $(TOOL) $(BUILD)/plain/inside.a $(BUILD)/race/inside.a
	@mkdir -p $(@D)
	$(if $(Q),@echo '  CC     $@')
	$(Q)$(UNIT_CC) $< $(BUILD)/unit/common.o \
	    $(if $(filter rep_%,$*),$(filter-out %/main.c.o,$(REP_O)) $(REP_LIBS),$(BUILD)/$(if $(filter det_% %_race,$*),race,plain)/inside.a $(RT_LIBS)) \
	    $$(pkg-config --libs check) -o $@

bench: all ## our own numbers, in Go's benchmark format
	@sh tests/bench/run $(BUILD)
bench-peers: all ## the same work in Go, libtsan and clang's TSan beside it: a table of ratios
	@sh tests/bench/peers $(BUILD)
bench-scale: all ## the detector among 10 to 100,000 goroutines; memory of those alive and those that were
	@sh tests/bench/scale $(BUILD)
soak: all ## two minutes of everything, memory must stay flat
	@sh tests/soak $(BUILD)
fuzz: all ## random programs against the oracle, FUZZ_SECONDS=60
	@FUZZ=1 sh tests/oracle/run $(BUILD) $${FUZZ_SECONDS:-60}
mutants: all ## faults of one line that the oracle must find
	@tests/oracle/mutants $(BUILD)

flaky: all unit ## every test TIMES=10 times beside a loaded machine: a table of those that fail
	@BUILD=$(BUILD) sh tests/flaky

fuzz-decode: ## libFuzzer on the reader of records, FUZZ_SECONDS=60
	@sh tests/fuzz/run $(BUILD) $${FUZZ_SECONDS:-60}

# --- install --------------------------------------------------------------------------------------

D := $(DESTDIR)$(prefix)
deb: ## Debian packages into build/deb (tests/deb try: in a clean chroot)
	@tests/deb

install: all ## into $(DESTDIR)$(prefix)
	install -d "$D/bin" "$D/lib/pkgconfig" "$D/lib/goc-race" "$D/include/goc"
	install -m755 $(TOOL) "$D/bin/"
	install -m644 $(L)/libgoc.a $(L)/libgoc-race.a "$D/lib/"
	install -m755 $(L)/libgoc.so "$D/lib/libgoc.so.$(VERSION)"
	ln -sf libgoc.so.$(VERSION) "$D/lib/libgoc.so.$(SO)"
	ln -sf libgoc.so.$(SO) "$D/lib/libgoc.so"
	ln -sf ../../bin/goc-race "$D/lib/goc-race/as"
	install -m755 $(L)/libgoc-race.so "$D/lib/libgoc-race.so"
	install -m644 runtime/include/*.h "$D/include/"
	install -m644 runtime/include/goc/*.h "$D/include/goc/"
	for p in goc goc-race; do sed 's|^prefix=.*|prefix=$(subst \ ,\\ ,$(call escaped,$(prefix)))|' $(L)/pkgconfig/$$p.pc > "$D/lib/pkgconfig/$$p.pc"; done
	for m in $(MAN); do install -Dm644 $$m "$D/share/man/man$${m##*.}/$${m##*/}"; done
	sh man/links "$D/share/man"
	install -d "$D/share/bash-completion/completions" "$D/share/zsh/site-functions" "$D/share/fish/vendor_completions.d"
	$(TOOL) completion bash > "$D/share/bash-completion/completions/goc-race"
	$(TOOL) completion zsh > "$D/share/zsh/site-functions/_goc-race"
	$(TOOL) completion fish > "$D/share/fish/vendor_completions.d/goc-race.fish"

# What install has put there, by the same names.
uninstall: ## what install has put there
	cd "$D" && rm -f bin/goc-race $(addprefix lib/,libgoc.a libgoc-race.a libgoc.so libgoc.so.$(SO) \
	    libgoc.so.$(VERSION) libgoc-race.so pkgconfig/goc.pc pkgconfig/goc-race.pc goc-race/as) \
	    $(HEADERS:runtime/include/%=include/%) share/bash-completion/completions/goc-race \
	    share/zsh/site-functions/_goc-race share/fish/vendor_completions.d/goc-race.fish
	sh man/links -r "$D/share/man"
	for m in $(MAN); do rm -f "$D/share/man/man$${m##*.}/$${m##*/}"; done
	-rmdir "$D/include/goc" "$D/lib/goc-race" 2>/dev/null

clean: ## remove build/
	rm -rf $(BUILD)
