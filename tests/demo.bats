# The demo: lessons/demo, which `make demo` runs.
#
# shellcheck disable=SC2154,SC2034  # $pid is set by start

load helpers

DEMO=$ROOT/lessons/demo
# What the demo plays: each program of a lesson that it names.
mapfile -t PROGRAMS < <(printf '%s\n' "$ROOT"/lessons/*/*.c | sed 's|.*/||; s|\.c$||' |
    while read -r name; do ! grep -qE "^(start|run) .*\b$name " "$DEMO" || echo "$name"; done)
ACTS=$(grep -c '^act ' "$DEMO")

# Its temporary files go where they can be counted.
fresh_tmp() {
    export TMPDIR=$BATS_TEST_TMPDIR/tmp
    rm -rf "$TMPDIR"
    mkdir "$TMPDIR"
}

# copies DIRECTORY: a build directory of our own, in which one program can be replaced; and no other
# process on this machine runs programs from there.
copies() {
    mkdir "$1"
    local program
    for program in "${PROGRAMS[@]}"; do
        cp "$BUILD/$program" "$1/$program"
    done
    cp "$BUILD/tune.wav" "$1"
}

# nothing_left DIRECTORY: waits until no process runs a program from there, and sees to it that
# there is no temporary file.
nothing_left() {
    local naps=0 left
    while left=$(grep -lsaF -f <(echo "$PWD/$1/") /proc/[0-9]*/cmdline); do
        keep_waiting || { echo "still there: $left"; return 1; }
    done
    equal '' "$(ls -A "$TMPDIR")"
}

@test "demo: make demo plays all acts with their programs and exits 0" {
    cd "$ROOT"
    # PROGRAMS=: they are there, and nothing is built while other tests use them.
    run make --no-print-directory demo PROGRAMS= BUILD="${BUILD#"$PWD"/}"
    echo "$output"
    equal 0 "$status"
    equal "$ACTS" "$(grep -c '^[1-9][0-9]*\. ' <<<"$output")"
    # Every line of a program begins with its lesson's number and a name.
    for label in '01 sender' '02 receiver' '03 bind' '04 echo' '05 chatroom' '06 ann' '06 bob' '07 broadcast' '10 connected' '11 lossy' '12 race' '13 take' '13 pump' '15 voice'; do
        grep -q "^  $label | " <<<"$output" || { echo "no line of $label in: $output"; return 1; }
    done
    equal '' "$(grep -Ev '^$|^[1-9][0-9]*\. |^  [0-9][0-9] [a-z]+ \| |^  \(gb2312 is left out|^All [0-9]+ acts' <<<"$output")"
    like "All $ACTS acts went as they should\..*" "${lines[-1]}"
}

@test "demo: shows what each act is about" {
    BUILD=$BUILD run timeout -k 1 60 "$DEMO"
    echo "$output"
    equal 0 "$status"
    for line in '03 bind | received 5 bytes from 127\.0\.0\.1:[0-9]*: hello' \
        '02 receiver | received 6 bytes from 127\.0\.0\.1:[0-9]*: 你好' \
        '05 chatroom | 【.*】127\.0\.0\.1:hello, everyone' \
        '05 chatroom | 【.*】127\.0\.0\.1:\\x1b\[31mboo!' \
        '06 bob | >>127\.0\.0\.1:[0-9]*:Are you there, Bob?' \
        '06 ann | >>127\.0\.0\.1:[0-9]*:Yes, Ann: 我在。' \
        '07 broadcast | Received from 127\.0\.0\.1:[0-9]*: Hi' \
        '11 lossy | #1 -> lost' \
        '11 lossy | #2 -> twice' \
        '13 take | received [0-9]* datagrams, .*, 64\.0 a call' \
        '15 voice | sent 5 packets, 0\.10 s of sound, .*' \
        '11 lossy | #4 -> lost' '11 lossy | #5 -> passed'; do
        grep -q "^  $line$" <<<"$output" || { echo "no line $line in: $output"; return 1; }
    done
    # Each line once.
    equal 1 "$(grep -c 'hello, everyone$' <<<"$output")"
}

@test "demo: leaves no file in the temporary directory, and no process" {
    fresh_tmp
    copies programs
    BUILD=$PWD/programs run timeout -k 1 60 "$DEMO"
    echo "$output"
    equal 0 "$status"
    nothing_left programs
}

@test "demo: whichever program does nothing, it exits non-zero and leaves nothing behind" {
    fresh_tmp
    for program in "${PROGRAMS[@]}"; do
        copies "without-$program"
        printf '#!/bin/sh\nexit 1\n' >"without-$program/$program"
        BUILD=$PWD/without-$program start "demo-$program" timeout -k 1 60 "$DEMO"
    done
    demos=("${pids[@]}") number=0
    for program in "${PROGRAMS[@]}"; do
        DEADLINE=50 await_exit "${demos[number]}"
        echo "$program does nothing: exit $status"
        [ "$status" -ne 0 ]
        [ -s "demo-$program.err" ]
        [[ $(<"demo-$program.out") != *' acts went as they should'* ]]
        number=$((number + 1))
    done
    for program in "${PROGRAMS[@]}"; do
        nothing_left "without-$program"
    done
}

@test "demo: a program that does not exit 0 when it is stopped makes it fail" {
    env --default-signal=INT true 2>/dev/null || skip "this env has no --default-signal"
    fresh_tmp
    copies programs
    # env: the demo's programs run in its background, where a shell would ignore SIGINT.
    cat >programs/echo <<'EOF'
#!/bin/sh
exec env --default-signal=INT sh -c '
    "$ECHO" "$@" & pid=$!
    trap "kill -INT $pid; wait $pid; exit 1" INT TERM
    wait' sh "$@"
EOF
    export ECHO=$PWD/programs/real-echo
    cp "$BUILD/echo" "$ECHO"
    BUILD=$PWD/programs run timeout -k 1 60 "$DEMO" 3>&- # for which bats would wait, if echo stayed
    [ "$status" -ne 0 ]
    nothing_left programs
}

@test "demo: a program that ends by itself, but with an error, makes it fail" {
    fresh_tmp
    programs=(sender receiver bind broadcast)
    for program in "${programs[@]}"; do
        copies "bad-$program"
        printf '#!/bin/sh\n"%s/%s" "$@"\nexit 9\n' "$BUILD" "$program" >"bad-$program/$program"
        BUILD=$PWD/bad-$program start "demo-$program" timeout -k 1 60 "$DEMO"
    done
    demos=("${pids[@]}") number=0
    for program in "${programs[@]}"; do
        DEADLINE=50 await_exit "${demos[number]}"
        cat "demo-$program.out"
        [ "$status" -ne 0 ]
        equal "demo: $program ended with exit status 9" "$(<"demo-$program.err")"
        number=$((number + 1))
    done
}

@test "demo: needs no more than a shell: no bats, no python, no network tools on the PATH" {
    fresh_tmp
    mkdir bin
    for tool in timeout sh cat sed grep wc head tail mktemp mkfifo rm sleep; do
        ln -s "$(command -v "$tool")" "bin/$tool"
    done
    PATH=$PWD/bin BUILD=$BUILD run timeout -k 1 60 "$DEMO"
    echo "$output"
    equal 0 "$status"
}

@test "demo: Ctrl-C and SIGTERM in the middle leave nothing behind" {
    env --default-signal=INT true 2>/dev/null || skip "this env has no --default-signal"
    fresh_tmp
    copies programs
    for ((act = 1; act <= ACTS; act++)); do
        ((act % 2)) && signal=TERM || signal=INT
        # A background job of a script would ignore SIGINT, and so would a shell in it.
        BUILD=$PWD/programs start demo env --default-signal=INT "$DEMO"
        await demo.out "$act. "
        stop "$pid" "$signal"
        echo "in act $act, SIG$signal: exit $status"
        [ "$status" -ne 0 ]
        nothing_left programs
    done
}
