# The exercises' runner: what a learner sees of it. The checks themselves are proven by
# exercises/prove-graders.
#
# shellcheck disable=SC2154,SC2034  # set by the helpers

load helpers

# A copy of the project, in which files may be broken: built once, with two checks an exercise and
# without sanitizers, since more take more time and show no more of the runner.
setup_file() {
    tree=$BATS_FILE_TMPDIR/tree
    mkdir "$tree"
    cd "$BATS_FILE_TMPDIR" || return
    copy_project "$tree"
    export tree doors=$tree/exercises/08-two-doors
    for checks in "$tree"/exercises/*/check.bats; do
        awk '/^@test/ { n++ } n <= 2' "$checks" >two
        cp two "$checks"
    done
    sed -i 's/^SANITIZERS = .*/SANITIZERS =/; s/^CHECKED = -O1/CHECKED = -O0/' "$tree/Makefile"
    sed 's/ntohs(\([^)]*\))/\1/' "$doors/solution.c" >"$BATS_FILE_TMPDIR/wrong.c"
    make -s -C "$tree" print-compile
}

# copy_project DIRECTORY: without what was built, and without a learner's files.
copy_project() {
    (cd "$ROOT" && tar -cf - --exclude=./build --exclude=./.git --exclude='*.saved-*' .) | tar -xf - -C "$1"
    find "$1"/exercises/*/*.c ! -name starter.c ! -name solution.c -delete
}

# If a test fails, one wants to see what the runner said last.
teardown() {
    echo "${output-}"
    end_started
}

learner() {
    NO_COLOR=1 apart "$tree/exercises/runner" "$@"
}

# solved, wrong: the file of exercise 08 that passes, and one that does not.
solved() {
    cat "$doors/solution.c" >"$doors/two-doors.c"
}
wrong() {
    cat "$BATS_FILE_TMPDIR/wrong.c" >"$doors/two-doors.c"
}

@test "exercises: the learner's file begins as a copy of the starter, and make check-08 says so" {
    rm -f "$doors/two-doors.c"
    run learner check 08
    equal 1 "$status"
    like 'exercises/08-two-doors/two-doors\.c is new, a copy of starter\.c: edit it\..*0 of 2 checks pass.*' "$output"
    cmp "$doors/two-doors.c" "$doors/starter.c"
    echo '// mine' >>"$doors/two-doors.c"
    run learner check 08
    [[ $output != *'is new'* ]]
    equal '// mine' "$(tail -n 1 "$doors/two-doors.c")"
}

@test "exercises: what is checked is the file that is there, however old it is" {
    solved
    run learner check 08
    equal 0 "$status"
    like '.*all [0-9]+ checks pass.*' "$output"
    wrong
    touch -d '1 hour ago' "$doors/two-doors.c"
    run learner check 08
    equal 1 "$status"
    like '.*[0-9] of [0-9]+ checks pass.*' "$output"
    solved
    touch -d '2 hours ago' "$doors/two-doors.c"
    run learner check 08
    equal 0 "$status"
}

@test "exercises: a warning of the compiler is shown at each check, and nothing else of the build" {
    for where in fails passes; do
        [ "$where" = fails ] && wrong || solved
        sed -i 's/^int main(/static int unused_thing;\n&/' "$doors/two-doors.c"
        for round in 1 2; do
            run learner check 08
            echo "$where, round $round: $output"
            if [ "$where" = fails ] || [ "$round" = 1 ]; then
                [[ $output == *unused_thing* ]]
            fi
            [[ $output != *compile* ]]
        done
    done
}

@test "exercises: what does not compile is told with its line, and no check is said to pass" {
    solved
    sed -i 's/^int main(/int main{/' "$doors/two-doors.c"
    run learner check 08
    equal 1 "$status"
    like '.*not ok +it compiles.*two-doors\.c:[0-9]+.*error.*0 of [0-9]+ checks pass.*' "$output"
}

@test "exercises: a program may use the mathematics of <math.h>" {
    solved
    printf '#include <math.h>\nvolatile double root = 2;\n__attribute__((constructor)) static void use(void)\n{\n    root = sqrt(root);\n}\n' >>"$doors/two-doors.c"
    run learner check 08
    equal 0 "$status"
}

@test "exercises: a header that is not there is told, and ends nothing but its own check" {
    { echo '#include "nowhere.h"'; cat "$doors/solution.c"; } >"$doors/two-doors.c"
    run learner check 08
    equal 1 "$status"
    like '.*not ok +it compiles.*nowhere\.h.*0 of 2 checks pass.*' "$output"
    run learner
    like '.*08 two-doors +passed 0 of 2.*Next: .*' "$output"
}

@test "exercises: two checks at once: each has the verdict of the file that it found" {
    solved
    for round in 1 2; do
        start "round-$round" env NO_COLOR=1 "$tree/exercises/runner" check 08
    done
    for round in 1 2; do
        await_exit "${pids[round - 1]}"
        equal 0 "$status"
        like '.*all 2 checks pass.*' "$(cat "round-$round.out")"
    done
}

@test "exercises: SIGTERM ends a check at once, with all that it started" {
    solved
    sed -i 's/^    stop_on_signals();/    sleep(100);/' "$doors/two-doors.c"
    start check env NO_COLOR=1 "$tree/exercises/runner" check 08
    until grep -qsa "$tree/build/exercises/two-doors" /proc/[0-9]*/cmdline; do nap; done
    DEADLINE=2 stop "$pid" TERM
    equal 130 "$status"
    like 'exercise 08: two-doors' "$(cat check.out)"
}

@test "exercises: two directories of one number are told" {
    cp -R "$tree/exercises/01-postcards" "$tree/exercises/01-old"
    run learner check 01
    rm -r "$tree/exercises/01-old"
    equal 1 "$status"
    like 'runner: exercises/01-old and exercises/01-postcards have the same number: rename one' "$output"
}

@test "exercises: a number that no exercise has is told, with those that there are" {
    for command in check-99 hint-1 watch-98 reset-99 solution-99; do
        run make -s -C "$tree" "$command"
        equal 2 "$status"
        like 'runner: there is no exercise "'"${command#*-}"'", but 01 02 .*' "$output"
    done
}

@test "exercises: a crash is told with its signal or its line" {
    solved
    sed -i 's/^    stop_on_signals();/&\n    raise(SIGSEGV);/; s/^#include <errno.h>/&\n#include <signal.h>/' "$doors/two-doors.c"
    run learner check 08
    equal 1 "$status"
    like '.*(ended: +by SIG|mistake: .*two-doors\.c:[0-9]+).*' "$output"
    [[ $output != *'"$@"'* ]]
}

@test "exercises: a mistake that a sanitizer has found fails the check, and is told with its line" {
    solved
    sed -i 's/^    stop_on_signals();/&\n    FILE *report = fopen("report.1", "w");\n    fputs("==1==ERROR: LeakSanitizer: detected memory leaks\\n\\nDirect leak of 120 byte(s) in 1 object(s) allocated from:\\n    #0 0x7f in malloc\\n    #1 0x55 in main \/a\/b c\/exercises\/08-two-doors\/two-doors.c:33\\n", report);\n    fclose(report);/' "$doors/two-doors.c"
    run learner check 08
    equal 1 "$status"
    like '.*mistake: a leak: 120 bytes were never given back with free; they were taken in main, exercises/08-two-doors/two-doors.c:33.*0 of 2 checks pass.*' "$output"
}

@test "exercises: of each check that fails, a line tells what was wanted; with ALL=1 each is told in full" {
    solved
    sed -i 's/^    stop_on_signals();/&\n    _exit(130);/' "$doors/two-doors.c"
    run learner check 08
    equal 1 "$status"
    equal 1 "$(grep -c '^  wanted: ' <<<"$output")"
    equal 1 "$(grep -c '^          wanted: .*; came: ' <<<"$output")"
    like ".*ended: +by SIGINT, or with exit status 130.*All that failed in full: make check-08 ALL=1" "$output"
    ALL=1 run learner check 08
    equal 2 "$(grep -c '^  wanted: ' <<<"$output")"
}

@test "exercises: the line shows what was wanted and what came where they begin to differ" {
    printf '%s\n' 'not ok 1 one' '# wanted:  x' '# came:    y' 'not ok 2 two' '# sent:    two lines' '# wanted:  1 a' \
        '#          2 b' '# came:    1 a' '#          2 c' '# read:    a page' 'not ok 3 three' '# wanted:  1 a' '#          2 b' \
        '# came:    1 a' 'not ok 4 four' "# wanted:  $(printf '%080d' 0)x" "# came:    $(printf '%080d' 0)y" >tap
    run awk -f "$ROOT/exercises/report.awk" tap
    like '.*two
          line 2: wanted: 2 b; came: 2 c
.*three
          line 2: wanted: 2 b; came: \(nothing more\)
.*four
          wanted: \.\.\.0+x; came: \.\.\.0+y
.*' "$output"
}

@test "exercises: of much that was sent the end is shown, of much that came from where it differs" {
    : >program.err
    run bash -c 'PROBE=$1/probe program=; . "$2/exercises/verdicts.bash"
        sent=$(seq 100); complain "$(seq 30)" "$(seq 29; echo other)"' bash "$BUILD" "$ROOT"
    equal 1 "$status"
    equal "sent:    (88 more before)
$(seq 89 100 | sed 's/^/         /')
wanted:  (28 more before)
         29
         30
came:    (28 more before)
         29
         other" "$output"
    run bash -c 'PROBE=$1/probe program= sent=; . "$2/exercises/verdicts.bash"
        complain "$(seq 30)" 2' bash "$BUILD" "$ROOT"
    equal "wanted:  1
$(seq 2 12 | sed 's/^/         /')
         (and 18 more)
came:    2" "$output"
}

@test "exercises: a line that a program writes in pieces is waited for, whole" {
    solved
    sed -i 's/^           endpoint_text(&peer));/&\n    fflush(stdout);\n    poll(NULL, 0, 200);/' "$doors/two-doors.c"
    grep -q 'poll(NULL' "$doors/two-doors.c"
    run learner check 08
    equal 0 "$status"
}

@test "exercises: a line that lacks its newline is told so" {
    solved
    sed -i 's/^    show_datagram(.*/    fwrite(buffer, 1, (size_t)n, stdout);/' "$doors/two-doors.c"
    run learner check 08
    equal 1 "$status"
    like '.*in 2 seconds: port [^,]* \(no newline after it\).*' "$output"
}

@test "exercises: a program that keeps four checks waiting for nothing is not waited for in the others" {
    solved
    sed -i 's/^    stop_on_signals();/&\n    pause();/' "$doors/two-doors.c"
    checks=$doors/check.bats
    cp "$checks" "$BATS_TEST_TMPDIR/checks"
    for i in {1..5}; do printf '@test "again %s" {\n    serve_program 0 0\n}\n' "$i"; done >>"$checks"
    run learner check 08
    cp "$BATS_TEST_TMPDIR/checks" "$checks"
    equal 1 "$status"
    # Of seven, three; or two, if one had begun when the fourth was given up.
    like '[23]' "$(grep -c '^          not run: the program has kept four checks waiting' <<<"$output")"
    like '.*in 0\.4 seconds.*in 2 seconds.*' "$output"
}

@test "exercises: what a program prints to harm the terminal is shown, not obeyed" {
    solved
    sed -i 's/^    stop_on_signals();/&\n    say("\\xe2\\x80\\xae");\n    fputs("\\033[2J\\n", stderr);/' "$doors/two-doors.c"
    run learner check 08
    equal 1 "$status"
    [[ $output == *'\x1b[2J'* ]]
    [[ $output != *$'\e'* && $output != *$'\u202e'* ]]
}

@test "exercises: make check lists all, and what is next; an optional one is not" {
    rm -f "$doors/two-doors.c"
    run learner
    equal 0 "$status"
    like '.*01 postcards +not started.*08 two-doors +not started.*\[\.{20}\] 0 of [0-9]+ exercises.*Next: read exercises/01-postcards/README\.md, then make check-01' "$output"
    solved
    learner check 08 >/dev/null
    run learner
    like '.*08 two-doors +passed 2 of 2.*\[#+\.+\] 1 of [0-9]+ exercises.*' "$output"
    equal 07 "$(grep -l '^An optional exercise' "$tree"/exercises/*/README.md | sed 's|.*/\(..\)-.*|\1|')"
    mkdir elsewhere
    mv "$tree"/exercises/{0[1-6],09,[1-9]?}-* elsewhere
    run learner
    mv elsewhere/* "$tree/exercises"
    like '.*07 translator +not started.* 1 of 2 exercises.*All done\. Congratulations! If you like, an optional one is left: make check-07' "$output"
}

@test "exercises: a header that the file includes is part of what is checked" {
    solved
    cat "$doors/two-doors.c" >"$doors/real.h"
    echo '#include "real.h"' >"$doors/two-doors.c"
    run learner check 08
    equal 0 "$status"
    cat "$BATS_FILE_TMPDIR/wrong.c" >"$doors/real.h"
    run learner check 08
    rm "$doors/real.h"
    equal 1 "$status"
}

@test "exercises: a file that is none is not waited for, and a link is put away, not written through" {
    rm "$doors/two-doors.c"
    mkfifo "$doors/two-doors.c"
    for _ in pipe zero; do
        run timeout 60 "$tree/exercises/runner" check 08
        equal 1 "$status"
        like '.*two-doors\.c is no ordinary file.*' "$output"
        run timeout 60 "$tree/exercises/runner"
        equal 0 "$status"
        run timeout 60 "$tree/exercises/runner" reset 08
        like '.*Your file is now exercises/08-two-doors/two-doors\.c\.saved-[12]\..*' "$output"
        ln -sf /dev/zero "$doors/two-doors.c"
    done
    ln -sf solution.c "$doors/two-doors.c"
    cp "$doors/solution.c" before
    run learner reset 08
    equal 0 "$status"
    cmp before "$doors/solution.c"
    cmp "$doors/two-doors.c" "$doors/starter.c"
    [ -L "$doors/two-doors.c.saved-3" ]
    rm "$doors"/*.saved-*
}

@test "exercises: hints come one after another, and the last one again" {
    rm -f "$tree/build/progress/08.hints"
    count=$(grep -c '^## ' "$doors/hints.md")
    for ((n = 1; n <= count + 1; n++)); do
        run learner hint 08
        like ".*\(hint $((n > count ? count : n)) of $count\)" "$output"
        # Text is folded; code is not, since it would not compile then.
        equal '' "$(awk '/^```/ { code = !code } !code && length($0) > 80' <<<"$output")"
        equal "$(awk -v n=$((n > count ? count : n)) '/^## / { i++ } /^```/ { code = !code } i == n && code' "$doors/hints.md")" \
            "$(awk '/^```/ { code = !code } code' <<<"$output")"
    done
}

@test "exercises: reset keeps the file, and the solution is for who has passed" {
    wrong
    run learner solution 08
    equal 1 "$status"
    like '.*does not pass yet.*' "$output"
    FORCE=1 run learner solution 08
    equal 0 "$status"
    equal "$(<"$doors/solution.c")" "$(head -n "$(wc -l <"$doors/solution.c")" <<<"$output")"
    [[ $output == *'diff -y '*two-doors/two-doors.c\ exercises/08-two-doors/solution.c* ]]
    run learner reset 08
    equal 0 "$status"
    like '.*Your file is now exercises/08-two-doors/two-doors\.c\.saved-1\..*' "$output"
    cmp "$doors/two-doors.c.saved-1" "$BATS_FILE_TMPDIR/wrong.c"
    cmp "$doors/two-doors.c" "$doors/starter.c"
    solved
    run learner solution 08
    equal 0 "$status"
    equal 'They are the same.' "$output"
}

@test "exercises: what passed is not run again" {
    solved
    learner check 08
    run learner check 08
    equal 0 "$status"
    rm "$tree/build/exercises/two-doors"
    run learner
    like '.*08 two-doors +passed 2 of 2.*1 of [0-9]+ exercises.*make check-01' "$output"
    [ ! -e "$tree/build/exercises/two-doors" ]
}

# watching NN: starts watch; what is written to $keys are the keys that are pressed.
watching() {
    mkfifo keys
    exec {keys}<>keys
    input=keys start watch env NO_COLOR=1 "$tree/exercises/runner" watch "$@"
    await watch.out 'watching exercises/'
}

# verdicts COUNT NN: waits for that many verdicts on the exercise.
verdicts() {
    local naps=0
    until (($(grep -c "^watching exercises/$2-" watch.out) >= $1)); do
        keep_waiting || { cat watch.out; return 1; }
    done
}

@test "exercises: watch checks at each save, lists, hints, goes on and quits by a key" {
    wrong
    watching 08
    echo -n l >&"$keys"
    await watch.out ' exercises'
    echo -n h >&"$keys"
    await watch.out '(hint '
    echo >>"$doors/two-doors.c"
    verdicts 2 08
    rm "$doors/two-doors.c" # as an editor may do for a moment
    solved
    await watch.out 'all 2 checks pass'
    echo -n n >&"$keys"
    verdicts 1 09
    echo -n q >&"$keys"
    await_exit "$pid"
    equal 0 "$status"
}

@test "exercises: Ctrl-C ends watch" {
    solved
    watching 08
    stop "$pid" TERM
    equal 0 "$status"
}

@test "exercises: a tree that can only be read" {
    solved
    unshare -Urm true 2>/dev/null || skip "namespaces are not allowed here"
    # shellcheck disable=SC2016
    run apart unshare -Urm bash -c '
        mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" || exit 77
        ! touch "$1/new" 2>/dev/null || exit 77
        cd "$1" && exercises/runner check 08 && make -s demo && make -s handout' bash "$tree"
    [ "$status" != 77 ] || skip "this system mounts nothing read-only"
    echo "$output"
    equal 0 "$status"
    like '/tmp/udp-labs-[0-9]+-[0-9]+/udp-labs-handout\.tar\.gz: .*' "${lines[-1]}"
    rm -r "${lines[-1]%/*}"
}

@test "exercises: the handout has no solutions, no mutants, no learner's file, nothing that lies about" {
    solved
    touch "$doors/two-doors.c~" "$doors/.two-doors.c.swp" "$doors/two-doors.c.saved-7" "$doors/solution.c.orig" \
        "$doors/solution" "$doors/mine.h"
    make -s -C "$tree" handout
    mkdir out
    tar -C out -xzf "$tree/build/udp-labs-handout.tar.gz"
    equal '' "$(find out \( -name 'solution*' -o -name mutants -o -name two-doors.c -o -name mine.h -o -name '*~' -o -name '.*.swp' -o -name '*.saved-*' -o -name build \))"
    cd out/udp-labs
    cmp exercises/08-two-doors/starter.c "$doors/starter.c"
    cp "$doors/solution.c" exercises/08-two-doors/two-doors.c
    run make check-08
    echo "$output"
    equal 0 "$status"
    run make solution-08
    like '.*solutions are not in this handout.*' "$output"
}

@test "exercises: a handout of a clone, where there is no git, has nothing of the history" {
    mkdir -p bin "$tree/.git/objects"
    touch "$tree/.git/objects/solution"
    for tool in bash make sh cat cksum echo cut dirname find grep gzip id mkdir mktemp mv nproc rm tar tr xargs; do
        ln -s "$(type -P "$tool")" "bin/$tool"
    done
    PATH=$PWD/bin run "$tree/exercises/handout"
    echo "$output"
    rm -r "$tree/.git"
    equal 0 "$status"
    equal '' "$(tar -tzf "$tree/build/udp-labs-handout.tar.gz" | grep solution)"
}

@test "exercises: a newer handout, unpacked over an older one, keeps the learner's files and progress" {
    make -s -C "$tree" handout
    mkdir out
    tar -C out -xzf "$tree/build/udp-labs-handout.tar.gz"
    other_learner() { NO_COLOR=1 out/udp-labs/exercises/runner "$@"; }
    other_learner hint 08
    other_learner begin 08
    echo '// mine' >>out/udp-labs/exercises/08-two-doors/two-doors.c
    echo '// newer' >>"$doors/starter.c"
    make -s -C "$tree" handout
    tar -C out -xzf "$tree/build/udp-labs-handout.tar.gz"
    sed -i '$d' "$doors/starter.c"
    equal '// newer' "$(tail -n 1 out/udp-labs/exercises/08-two-doors/starter.c)"
    equal '// mine' "$(tail -n 1 out/udp-labs/exercises/08-two-doors/two-doors.c)"
    make -s -C out/udp-labs clean
    run other_learner hint 08
    like '.*\(hint 2 of .*' "$output"
}

@test "exercises: a handout that is interrupted leaves no folder behind" {
    mkdir tmp bin
    printf '#!/bin/sh\necho began >"%s/began"\nexec sleep 60\n' "$PWD" >bin/tar
    chmod +x bin/tar
    TMPDIR=$PWD/tmp PATH=$PWD/bin:$PATH start handout setsid "$tree/exercises/handout"
    await began began
    kill -TERM -- "-$pid"
    await_exit "$pid"
    equal '' "$(ls tmp)"
}
