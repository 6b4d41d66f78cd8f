# The one front door: `make help` lists what it opens.

CFLAGS ?= -O2 -g
# The flags are in a file of their own, one a line: the editors' clangd reads it, too.
ALL_CFLAGS := $(shell cat compile_flags.txt) $(CFLAGS)

# All output goes to build/ or, where the tree can only be read, to a directory of one's own in /tmp.
OUT := $(shell if [ -w build ] || { [ ! -e build ] && [ -w . ]; }; then echo build; elif [ ! -w . ]; then \
    out=/tmp/udp-labs-$$(id -u)-$$(pwd -P | cksum | cut -d ' ' -f 1); (umask 077; mkdir -p $$out); [ -O $$out ] && [ ! -L $$out ] && echo $$out; fi)
$(if $(OUT),,$(error build/ cannot be written to. After a `sudo make`: sudo chown -R "$$USER" . Else copy the project to a place of your own))

# SANITIZE=address,undefined or SANITIZE=thread builds beside the ordinary build.
comma = ,
ifdef SANITIZE
  BUILD ?= $(OUT)/sanitize-$(subst $(comma),-,$(SANITIZE))
  ALL_CFLAGS += -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
  LDFLAGS += -no-pie
else
  BUILD ?= $(OUT)
endif
$(if $(word 2,$(BUILD)),$(error BUILD="$(BUILD)" has a blank, which ends a name for make: choose another, or one relative to this directory))
$(if $(filter-out $(CURDIR) /,$(abspath $(BUILD))),,$(error BUILD="$(BUILD)" must name a directory of its own, which `make docs` may clear in part))

LESSONS = $(sort $(wildcard lessons/*/*.c))
PROGRAMS = $(patsubst %.c,$(BUILD)/%,$(notdir $(LESSONS)))
COMMON = $(patsubst common/%.c,$(BUILD)/objects/%.o,$(wildcard common/*.c))

vpath %.c $(dir $(LESSONS)) common tests tests/bench

# One short line for each step; the whole commands with V=1. (A recipe that is one echo ends with a `;`:
# it makes echo the shell's. Without, make runs the echo in PATH, which is ours in `make lan`.)
say = $(if $(V)$(findstring s,$(filter-out --%,$(firstword $(MAKEFLAGS)))),,@echo '$1';)

# Everything at once, without having to ask for it; tests mostly wait, so twice as many as processors.
MAKEFLAGS += --jobs=$(shell echo $$(($$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN) * 2)))

.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules
.PHONY: all
all: $(PROGRAMS) ## build all programs into build/ (plain `make`)

$(PROGRAMS) $(BUILD)/probe $(BUILD)/load: $(BUILD)/%: $(BUILD)/objects/%.o $(COMMON)
	$(call say,link     $@)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^

# What voice sends: a tune, so that nobody needs a recording.
$(BUILD)/voice: | $(BUILD)/tune.wav
$(BUILD)/tune.wav: lessons/15-voice/tune.awk
	$(call say,write    $@)mkdir -p $(@D); awk -f $< >$@.text && while read -r line; do printf "$$line"; done <$@.text >$@ && rm $@.text

$(BUILD)/objects/%.o: %.c $(BUILD)/objects/flags
	$(call say,compile  $<)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# What was compiled with another compiler or other flags is compiled anew.
$(BUILD)/objects/flags: FORCE
	@mkdir -p $(@D); echo '$(CC) $(ALL_CFLAGS) $(LDFLAGS)' | cmp -s - $@ || echo '$(CC) $(ALL_CFLAGS) $(LDFLAGS)' > $@
.PHONY: FORCE
FORCE:

-include $(wildcard $(BUILD)/objects/*.d)

# ---------------------------------- exercises ----------------------------------

# An exercise is built with the sanitizers, so that a mistake is told with its line; without them where
# there are none (musl). The linker gold is quicker, where it is. And -no-pie: where the kernel moves a
# program about as far as it can (Ubuntu's does), it may come to lie where gcc 12's have their memory.
SANITIZERS = -fsanitize=address,undefined -fno-sanitize-recover=all
CHECKED = -O1 -g -fno-omit-frame-pointer $$(cat $(BUILD)/exercises/sanitizers)
$(BUILD)/exercises/sanitizers: $(BUILD)/objects/flags
	@mkdir -p $(@D)
	@for flags in '$(SANITIZERS) -fuse-ld=gold' '$(SANITIZERS)' ''; do \
	    if echo 'int main(void) { return 0; }' | $(CC) $$flags -no-pie -o $@.$$$$ -x c - 2>/dev/null && $@.$$$$ 2>/dev/null; \
	    then break; fi; done; echo $$flags >$@.$$$$; mv $@.$$$$ $@ # another make may be at it, too

NUMBERS = $(sort $(foreach directory,$(wildcard exercises/*/),$(firstword $(subst -, ,$(notdir $(directory:/=))))))
CHECKED_COMMON = $(patsubst common/%.c,$(BUILD)/exercises/objects/%.o,$(wildcard common/*.c))

# The command that builds an exercise as a learner's, for exercises/runner and exercises/prove-graders; in a
# second line, what it takes besides if the exercise uses common/, as its starter tells.
.PHONY: print-compile
print-compile: $(CHECKED_COMMON) $(BUILD)/probe $(BUILD)/lossy
	@echo $(CC) $(filter-out -Icommon,$(ALL_CFLAGS)) $(CHECKED) -no-pie; echo -Icommon $(CHECKED_COMMON)

$(CHECKED_COMMON): $(BUILD)/exercises/objects/%.o: common/%.c $(wildcard common/*.h) $(BUILD)/exercises/sanitizers
	@mkdir -p $(@D)
	@$(CC) $(ALL_CFLAGS) $(CHECKED) -c -o $@ $<

# Where it is built, for exercises/*; and the bats that checks it.
.PHONY: print-out print-bats
print-out:
	@echo $(OUT);
print-bats: $(BUILD)/objects/bats
	@cat $<
$(BUILD)/objects/bats: FORCE
	@mkdir -p $(@D); BATS='$(BATS)' tests/find-bats $(OUT)/bats >$@.$$$$ && mv $@.$$$$ $@ || { rm $@.$$$$; exit 1; }

PER_EXERCISE = $(foreach command,check hint watch reset solution,$(addprefix $(command)-,$(NUMBERS)))
.PHONY: check hint watch handout $(PER_EXERCISE)
check: ## all exercises: what passed, what is next
	@exercises/runner
check-NN: ## check one exercise: make check-02 (ALL=1: every failure in full)
hint: ## the next hint for the current exercise (hint-02: for exercise 2)
reset-NN: ## restore the starter; your file is kept under another name
solution-NN: ## show the solution, once your file passes (or with FORCE=1)
watch: ## check the current exercise (watch-02: exercise 2) each time you save it
hint watch $(PER_EXERCISE):
	@exercises/runner $(subst -, ,$@)
check-% hint-% watch-% reset-% solution-%: # a number that no exercise has: the runner says so
	@exercises/runner $(subst -, ,$@)
handout: ## teachers: a tarball for students, without solutions and mutants
	@exercises/handout

# ------------------------------------ tests ------------------------------------

TEST_SECONDS = 1200 # for one file, at most: each wait in it has its own deadline
# The long ones first. Without PROOFS (with another compiler, say) what builds for itself is left out.
LONG = $(wildcard $(addprefix tests/,$(addsuffix .bats,exercises race docs/contributing demo program make text)))
vpath %.bats tests tests/docs
TESTS = $(filter-out $(if $(PROOFS),,tests/exercises.bats tests/docs/contributing.bats),$(LONG) $(filter-out $(LONG),$(wildcard tests/*.bats tests/docs/*.bats)))
TAPS = $(patsubst %.bats,$(BUILD)/tests/%.tap,$(notdir $(TESTS))) $(PROOFS)
PROOFS = $(patsubst exercises/%/solution.c,$(BUILD)/tests/exercise-%.tap,$(wildcard exercises/*/solution.c))

.PHONY: test tests
tests: test
test: $(TAPS) ## build, run all tests, print failures and a summary
	@tests/summary $(TAPS)

.PHONY: $(addprefix test-,$(basename $(notdir $(TESTS))))
test-NAME: ## run one test file: make test-echo
$(addprefix test-,$(basename $(notdir $(TESTS)))): test-%: $(BUILD)/tests/%.tap
	@tests/summary $<

$(filter-out $(PROOFS),$(TAPS)): $(BUILD)/tests/%.tap: %.bats $(PROGRAMS) $(BUILD)/probe $(BUILD)/objects/bats FORCE
	@mkdir -p $(@D)
	@tests/summary --run $@ env LC_ALL=C.UTF-8 BUILD=$(BUILD) timeout -k 5 $(TEST_SECONDS) "$$(cat $(BUILD)/objects/bats)" --tap $<

$(PROOFS): $(BUILD)/tests/exercise-%.tap: $(BUILD)/probe $(CHECKED_COMMON) $(BUILD)/objects/bats FORCE
	@mkdir -p $(@D)
	@tests/summary --run $@ timeout -k 5 $(TEST_SECONDS) exercises/prove-graders $(firstword $(subst -, ,$*))

.PHONY: prove
prove: export ROUNDS := $(or $(ROUNDS),3)
prove: $(PROOFS) ## contributors: prove the graders: each mutant of a solution is caught (ROUNDS=3)
	$(if $(PROOFS),,@echo 'There are no solutions here to prove: this is a handout.'; exit 1)
	@tests/summary $(PROOFS)

# ------------------------------------ the rest ------------------------------------

.PHONY: demo
demo: $(PROGRAMS) ## watch the programs talk to each other
	@BUILD=$(BUILD) lessons/demo

.PHONY: bench
bench: $(PROGRAMS) $(BUILD)/load ## how fast are echo, lossy and pump? (a minute)
	@BUILD=$(BUILD) tests/bench/run

.PHONY: lan
lan: $(PROGRAMS) ## open a shell on host 1 of a virtual LAN (HOSTS=3)
	@unset MAKEFLAGS MFLAGS MAKELEVEL; PATH="$(abspath $(BUILD)):$$PATH" lessons/lan $(or $(HOSTS),3)

.PHONY: docs
docs: $(BUILD)/docs/html/index.html ## build the site: build/docs/html/index.html

$(BUILD)/docs/html/index.html: $(wildcard docs/* docs/*/* common/* lessons lessons/*/* exercises exercises/*/README.md)
	@command -v doxygen >/dev/null || { echo 'The site needs Doxygen: sudo apt-get install doxygen (or its like), then again.' >&2; exit 1; }
	@rm -rf $(BUILD)/docs; mkdir -p $(BUILD)/docs
	@docs/site/build.sh $(BUILD)/docs
	@echo 'Now open $@';

SOURCES = $(wildcard common/*.[ch] lessons/*/*.c tests/*.c tests/*/*.c exercises/*/starter.c exercises/*/solution.c)
SCRIPTS = $(shell grep -lE '^\#!.*sh$$|^load ' -r common lessons tests exercises docs .ci) tests/helpers.bash $(wildcard exercises/*.bash .ci/*.bash)

.PHONY: format
format: ## contributors: lay the C files out in the house style (clang-format)
	clang-format -i $(SOURCES)

.PHONY: lint
lint: ## contributors: look for mistakes: layout, shell scripts, static analysis
	clang-format --dry-run -Werror $(SOURCES)
	shellcheck $(SCRIPTS)
	cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 -Icommon --suppress=missingIncludeSystem common lessons tests

.PHONY: clean
clean: ## remove everything that was built; progress in the exercises stays
	@if [ -d $(OUT) ]; then find $(OUT) -mindepth 1 -maxdepth 1 ! -name progress -exec rm -rf {} + ; fi
	@rmdir $(OUT) 2>/dev/null || true

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z%-][a-zA-Z%-]*\):.*## \(.*\)/\1	\2/p' $(MAKEFILE_LIST) | expand -t 12
