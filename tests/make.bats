# The Makefile, in a copy of the sources.
#
# shellcheck disable=SC2154  # $status and $output are set by run

load helpers

export CFLAGS=-O0 # compiles faster

mapfile -t PROGRAMS < <(printf '%s\n' "$ROOT"/lessons/*/*.c | sed 's|.*/||; s|\.c$||' | sort)

setup_file() {
    mkdir "$BATS_FILE_TMPDIR/built"
    cd "$ROOT" || return
    cp -R Makefile compile_flags.txt common lessons tests "$BATS_FILE_TMPDIR/built"
    cd "$BATS_FILE_TMPDIR/built" || return
    list_files >../sources
    make >../output 2>../errors
}

# list_files: every file outside of build/, with a checksum.
list_files() {
    find . -path ./build -prune -o -type f -exec cksum {} + | sort
}

# built_copy: a copy of the built sources, in which a test may do as it likes.
built_copy() {
    cp -Rp "$BATS_FILE_TMPDIR/built" copy
    cd copy || return
}

# rebuilt COMMAND...: runs it and lists the files in build/ that it has written.
rebuilt() {
    touch stamp
    "$@" >output
    find build -type f -newer stamp ! -name '*.d' | sort
}

objects() {
    printf 'build/objects/%s.o\n' "$@"
}

@test "make: builds every program into build/, without a word of warning" {
    cd "$BATS_FILE_TMPDIR"
    equal '' "$(cat errors)"
    equal "$(printf '%s\n' "${PROGRAMS[@]}" tune.wav | sort)" "$(cd built/build && find . -maxdepth 1 -type f | sed 's|^./||' | sort)"
    for program in "${PROGRAMS[@]}"; do
        like "usage: $program .*" "$("built/build/$program" -h | head -n 1)"
    done
}

@test "make: writes nothing beside a source" {
    cd "$BATS_FILE_TMPDIR/built"
    list_files | diff ../sources -
}

@test "make: a second time compiles nothing" {
    built_copy
    equal '' "$(rebuilt make)"
    run make
    equal 0 "$status"
    [[ $output != *compile* && $output != *link* ]]
}

@test "make: an edited header rebuilds what includes it, and links all programs anew" {
    built_copy
    sleep 0.01 # so that the header is newer in the eyes of a coarse clock, too
    touch common/text.h
    mapfile -t users < <(grep -l '^#include "text.h"' common/*.c lessons/*/*.c | xargs -n 1 basename -s .c)
    ((${#users[@]} > 1))
    equal "$({ objects "${users[@]}"; printf 'build/%s\n' "${PROGRAMS[@]}"; } | sort)" "$(rebuilt make)"
}

@test "make: an edited lesson rebuilds its program alone" {
    built_copy
    sleep 0.01
    touch lessons/04-echo/echo.c
    equal 'build/echo
build/objects/echo.o' "$(rebuilt make)"
}

@test "make: an edited common/*.c is compiled and linked into all programs" {
    built_copy
    sleep 0.01
    touch common/program.c
    equal "$({ objects program; printf 'build/%s\n' "${PROGRAMS[@]}"; } | sort)" "$(rebuilt make)"
}

@test "make: other CFLAGS rebuild everything, once" {
    built_copy
    files=$(rebuilt make V=1 CFLAGS='-O0 -DOTHER="it is"')
    for program in "${PROGRAMS[@]}"; do
        grep -qx "build/$program" <<<"$files"
        grep -qx "build/objects/$program.o" <<<"$files"
    done
    grep -q -e '-DOTHER' output
    equal '' "$(rebuilt make CFLAGS='-O0 -DOTHER="it is"')"
}

@test "make: another flag in compile_flags.txt rebuilds everything, once" {
    built_copy
    echo -DOTHER >>compile_flags.txt
    files=$(rebuilt make V=1)
    equal "${#PROGRAMS[@]}" "$(grep -cxFf <(printf 'build/%s\n' "${PROGRAMS[@]}") <<<"$files")"
    grep -q -e '-DOTHER' output
    equal '' "$(rebuilt make)"
}

@test "make: a file that does not compile fails, and says so" {
    built_copy
    echo 'nonsense' >>lessons/04-echo/echo.c
    run make
    equal 2 "$status"
    [[ $output == *lessons/04-echo/echo.c*error* ]]
}

@test "make: BUILD= builds elsewhere" {
    built_copy
    rm -rf build
    make BUILD=there >output
    [ -x there/echo ] && [ ! -e build ]
}

@test "make: SANITIZE= builds in a directory of its own" {
    echo 'int main(void) { return 0; }' >try.c
    ${CC:-cc} -fsanitize=address,undefined -o try try.c 2>/dev/null || skip "no sanitizers for this compiler"
    built_copy
    equal '' "$(rebuilt make SANITIZE=address,undefined | grep -v '^build/sanitize-address-undefined/')"
    for program in "${PROGRAMS[@]}"; do
        [ -x "build/sanitize-address-undefined/$program" ]
    done
    equal build/sanitize-address-undefined/echo \
        "$(grep -la __asan_init build/echo build/sanitize-address-undefined/echo)"
}

@test "make: help lists every target with a line on what it does" {
    built_copy
    run make help
    equal 0 "$status"
    for target in all test 'test-[^ ]+' demo lan format lint clean help; do
        grep -Eq "^$target +[a-z]" <<<"$output" || { echo "no $target in: $output"; return 1; }
    done
    # Each that is documented in the Makefile.
    equal "$(grep -c '^[^#	].*:.*[^#]## ' Makefile)" "${#lines[@]}"
}

@test "make: clean removes what was built, and nothing else" {
    built_copy
    list_files >../before
    make clean
    [ ! -e build ]
    list_files | diff ../before -
}

# without_tools TOOL...: sets PATH to all that is on it now, but for these.
without_tools() {
    mkdir "$BATS_TEST_TMPDIR/bin"
    local directory
    while IFS= read -rd : directory; do
        ln -s "$directory"/* "$BATS_TEST_TMPDIR/bin" 2>/dev/null || true
    done <<<"$PATH:"
    (cd "$BATS_TEST_TMPDIR/bin" && rm -f "$@")
    PATH=$BATS_TEST_TMPDIR/bin
}

@test "make: test without bats and without npm says how to install bats, and fails" {
    built_copy
    without_tools bats npm
    run make test
    [ "$status" -ne 0 ]
    [[ $output == *'apt-get install bats'* ]]
    [[ $output != *passed* ]]
}

@test "make: test with a bats that is too old and without npm says what fetches a newer one" {
    built_copy
    without_tools bats npm
    printf '#!/bin/sh\necho Bats 1.3.0\n' >"$PATH/bats"
    chmod +x "$PATH/bats"
    run make test
    [ "$status" -ne 0 ]
    [[ $output == *"$PATH/bats is too old"*'git clone --branch v'*' build/bats/node_modules/bats'* ]]
    [[ $output != *passed* ]]
}

@test "make: works with build/ in PATH, as in make lan, where echo is ours" {
    built_copy
    PATH=$PWD/build:$PATH run make -s print-out print-compile
    equal 0 "$status"
    equal build "${lines[0]}"
}

@test "make: BUILD= with a blank is refused, with a word" {
    run make -C "$ROOT" BUILD='/no such/place'
    equal 2 "$status"
    like '.*BUILD="/no such/place" has a blank.*' "$output"
}

# tiny_tests: leaves two small test files, in which two tests pass, one fails and three are skipped.
tiny_tests() {
    built_copy
    rm tests/*.bats tests/docs/*.bats
    printf '@test "one: passes" { true; }\n@test "one: skips" { skip "no moon"; }\n@test "one: in part" { skip "only in part: no moon"; }\n' >tests/one.bats
    printf '@test "two: fails" { echo "what it said"; false; }\n@test "two: passes" { true; }\n@test "two: skips" { skip "no sun"; }\n' >tests/two.bats
}

@test "make: test prints failures in full and, last, one line of counts; it fails if one failed" {
    tiny_tests
    run make test
    equal 2 "$status"
    [[ $output == *'not ok 1 two: fails'*'what it said'* ]]
    [[ $output == *$'\nskipped, 2: no moon\nskipped, 1: no sun\n'* ]]
    [[ $output == *$'\n2 passed, 1 failed, 3 skipped\n'* ]]
    rm tests/two.bats
    run make test
    equal 0 "$status"
    equal '1 passed, 0 failed, 2 skipped' "${lines[-1]}"
    equal '' "$(find . -name '*.tap' ! -path './build/*')"
}

@test "make: test-NAME runs one test file" {
    tiny_tests
    run make test-one
    equal 0 "$status"
    equal '1 passed, 0 failed, 2 skipped' "${lines[-1]}"
    run make test-two
    equal 2 "$status"
}

@test "make: test counts a file that breaks off as failed" {
    tiny_tests
    printf '@test "two: has no end" {\n' >tests/two.bats
    run make test
    equal 2 "$status"
    [[ $output == *$'\n1 passed, 1 failed, 2 skipped\n'* ]]
}
