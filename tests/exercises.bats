# exercises/lab, the runner: what a learner sees of it. The checks themselves are proven by
# exercises/prove.
#
# shellcheck disable=SC2154  # set by the helpers

load helpers

# A copy of the project, in which files may be broken; built once, since that takes a second.
setup_file() {
    tree=$BATS_FILE_TMPDIR/tree
    mkdir "$tree"
    tar -C "$BATS_TEST_DIRNAME/.." -cf - --exclude=./build --exclude=./.git . | tar -xf - -C "$tree"
    for directory in "$tree"/exercises/[0-9]*; do
        cp "$directory"/starter/*.c "$directory"
        rm -f "$directory"/*.saved-*
    done
    export tree doors=$tree/exercises/03-two-doors
    unset BUILD MAKEFLAGS MFLAGS MAKELEVEL
    make -s -C "$tree" exercise EXERCISE=03
}

lab() {
    NO_COLOR=1 "$tree/exercises/lab" "$@"
}

# solved, wrong: the file of exercise 03 that passes, and one that does not.
solved() {
    cat "$doors/solution/two-doors.c" >"$doors/two-doors.c"
}
wrong() {
    cat "$doors/mutants/no-ntohs.c" >"$doors/two-doors.c"
}

@test "exercises: what is checked is the file that is there, however old it is" {
    solved
    run lab check 03
    equal 0 "$status"
    like '.*all [0-9]+ checks pass.*' "$output"
    wrong
    touch -d '1 hour ago' "$doors/two-doors.c"
    run lab check 03
    equal 1 "$status"
    like '.*[0-9] of [0-9]+ checks pass.*' "$output"
    solved
    touch -d '2 hours ago' "$doors/two-doors.c"
    run lab check 03
    equal 0 "$status"
}

@test "exercises: a warning of the compiler is shown at each check, and nothing else of the build" {
    for where in fails passes; do
        [ "$where" = fails ] && wrong || solved
        sed -i 's/^int main(/static int unused_thing;\n&/' "$doors/two-doors.c"
        for round in 1 2; do
            run lab check 03
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
    run lab check 03
    equal 1 "$status"
    like '.*not ok +it compiles.*two-doors\.c:[0-9]+.*error.*0 of [0-9]+ checks pass.*' "$output"
}

@test "exercises: a crash is told with its signal or its line" {
    solved
    sed -i 's/^    stop_on_signals();/&\n    raise(SIGSEGV);/; s/^#include <errno.h>/&\n#include <signal.h>/' "$doors/two-doors.c"
    run lab check 03
    equal 1 "$status"
    like '.*(ended: +by SIG|crash: +.*two-doors\.c:[0-9]+).*' "$output"
    [[ $output != *'"$@"'* ]]
}

@test "exercises: what a program prints to harm the terminal is shown, not obeyed" {
    solved
    sed -i 's/^    stop_on_signals();/&\n    say("\\xe2\\x80\\xae");\n    fputs("\\033[2J\\n", stderr);/' "$doors/two-doors.c"
    run lab check 03
    equal 1 "$status"
    [[ $output == *'\x1b[2J'* ]]
    [[ $output != *$'\e'* && $output != *$'\u202e'* ]]
}

@test "exercises: a missing file stops nothing but its own check" {
    rm "$doors/two-doors.c"
    run lab
    equal 0 "$status"
    like '.*03 two-doors +missing: make reset-03.*04 shout +not started.* of 9 exercises.*' "$output"
    run lab check 03
    equal 1 "$status"
    like 'lab: exercises/03-two-doors/two-doors\.c is missing: make reset-03' "$output"
    run lab hint 03
    equal 0 "$status"
    run lab reset 03
    equal 0 "$status"
    cmp "$doors/two-doors.c" "$doors/starter/two-doors.c"
}

@test "exercises: hints come one after another, and the last one again" {
    rm -f "$tree/build/lab/03.hints"
    count=$(grep -c '^## ' "$doors/hints.md")
    for ((n = 1; n <= count + 1; n++)); do
        run lab hint 03
        like ".*\(hint $((n > count ? count : n)) of $count\)" "$output"
    done
}

@test "exercises: reset keeps the file, and the solution is for who has passed" {
    wrong
    run lab solution 03
    equal 1 "$status"
    like '.*does not pass yet.*' "$output"
    FORCE=1 run lab solution 03
    equal 0 "$status"
    like '.*\+.*' "$output"
    run lab reset 03
    equal 0 "$status"
    like '.*kept as exercises/03-two-doors/two-doors\.c\.saved-1.*' "$output"
    cmp "$doors/two-doors.c.saved-1" "$doors/mutants/no-ntohs.c"
    cmp "$doors/two-doors.c" "$doors/starter/two-doors.c"
    solved
    run lab solution 03
    equal 0 "$status"
    equal 'They are the same.' "$output"
}

@test "exercises: what passed is not run again" {
    solved
    lab check 03
    run lab check 03
    equal 0 "$status"
    rm "$tree/build/exercises/two-doors"
    run lab
    like '.*03 two-doors +passed ([0-9]+) of [0-9]+.*1 of 9 exercises.*make check-01' "$output"
    [ ! -e "$tree/build/exercises/two-doors" ]
}

# watching NN: starts watch; what is written to $keys are the keys that are pressed.
watching() {
    mkfifo keys
    exec {keys}<>keys
    input=keys start watch env NO_COLOR=1 "$tree/exercises/lab" watch "$@"
    await watch.out 'watching exercises/'
}

# verdicts COUNT NN: waits for that many verdicts on the exercise.
verdicts() {
    local end=$((SECONDS + DEADLINE))
    until (($(grep -c "^watching exercises/$2-" watch.out) >= $1)); do
        ((SECONDS <= end)) || { cat watch.out; return 1; }
        nap
    done
}

@test "exercises: watch checks at each save, lists, hints, goes on and quits by a key" {
    wrong
    watching 03
    echo -n l >&"$keys"
    await watch.out 'of 9 exercises'
    echo -n h >&"$keys"
    await watch.out '(hint '
    echo >>"$doors/two-doors.c"
    verdicts 2 03
    rm "$doors/two-doors.c"
    await watch.out 'two-doors.c is missing'
    solved
    await watch.out 'exercise 03 passes; on to exercise 04'
    echo -n x >&"$keys"
    verdicts 1 04
    echo -n q >&"$keys"
    await_exit "$pid"
    equal 0 "$status"
}

@test "exercises: Ctrl-C ends watch" {
    solved
    watching 03
    stop "$pid" TERM
    equal 0 "$status"
}

@test "exercises: a tree that can only be read" {
    solved
    unshare -Urm true 2>/dev/null || skip "namespaces are not allowed here"
    # shellcheck disable=SC2016
    run unshare -Urm bash -c '
        mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" || exit 77
        ! touch "$1/new" 2>/dev/null || exit 77
        cd "$1" && TMPDIR=$2 exercises/lab check 03' bash "$tree" "$PWD"
    [ "$status" != 77 ] || skip "this system mounts nothing read-only"
    echo "$output" 
    equal 0 "$status"
}

@test "exercises: the handout has the starters, and neither solutions nor what lies about" {
    solved
    touch "$doors/two-doors.c~" "$doors/.two-doors.c.swp" "$doors/two-doors.c.saved-7"
    lab handout
    mkdir out
    tar -C out -xzf "$tree/build/udp-labs-handout.tar.gz"
    equal '' "$(find out \( -name solution -o -name mutants -o -name '*~' -o -name '.*.swp' -o -name '*.saved-*' -o -name build \))"
    cmp out/udp-labs/exercises/03-two-doors/two-doors.c "$doors/starter/two-doors.c"
    cd out/udp-labs
    cp "$doors/solution/two-doors.c" exercises/03-two-doors/
    run make check-03
    equal 0 "$status"
    run make solution-03
    like '.*solutions are not in this handout.*' "$output"
}
