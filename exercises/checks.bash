# What every exercise's check.bats loads, beside tests/helpers.bash. A check drives the learner's
# program from outside and, if something is wrong, tells what happened on the wire.
#
# shellcheck shell=bash disable=SC2016,SC2034,SC2154  # bats and the checks use what is set here

# shellcheck source=tests/helpers.bash
source "${BASH_SOURCE[0]%/*}/../tests/helpers.bash"
source "${BASH_SOURCE[0]%/*}/peers.bash"
source "${BASH_SOURCE[0]%/*}/verdicts.bash"

PROGRAM=${PROGRAM-} # the learner's program: an absolute path
PROBE=$BUILD/probe
DEADLINE=2 # seconds; see keep_waiting
NAPS=300   # a second
program=   # its process id, once it was started
sent=      # what the check has sent, in words
see=       # where the lesson explains it
inside=()  # what the program and the peers are started with: see allow_port_0

# What a sanitizer finds goes into report.PID, and its exit status is one that no contract uses. (The slow
# unwinder sees who has called getline, too, which is compiled without frame pointers.)
MISTAKE=86
export ASAN_OPTIONS=exitcode=$MISTAKE:log_path=report:fast_unwind_on_malloc=0
export UBSAN_OPTIONS=exitcode=$MISTAKE:log_path=report LSAN_OPTIONS=exitcode=$MISTAKE

# setup: a check in which something was waited for in vain makes the later ones less patient; after four,
# the others are not run. So the verdict on a program that sleeps for ever does not take long.
setup() {
    # Two bats run the checks, since a check mostly waits: each takes the next one that nobody has taken.
    [ -z "${TAKEN-}" ] || mkdir "$TAKEN/$BATS_TEST_NUMBER" 2>/dev/null || skip taken
    prepare || return
    ulimit -f "${KILOBYTES:-400}" # for a program that prints without end
    letters='' vain=() long='2 seconds'
    { mapfile -t vain <"${TAKEN:-$BATS_FILE_TMPDIR}/vain"; } 2>/dev/null || true # a line for each such check
    ((${#vain[@]} == 0)) || NAPS=60 long='0.4 seconds'
    ((${#vain[@]} < 4)) || { echo 'not run: the program has kept four checks waiting for nothing' && return 1; }
}

# nap: three thousandths of a second.
nap() {
    read -rt 0.003 -u "$never" || true
}

keep_waiting() {
    ((naps++ < DEADLINE * NAPS)) && nap && return
    echo >>"${TAKEN:-$BATS_FILE_TMPDIR}/vain"
    return 1
}

# teardown fails the check if a sanitizer has found a mistake, whatever the check has seen. (gcc's UBSan knows
# no log_path: it writes to standard error.)
teardown() {
    local mistake
    [ "${BATS_TEST_SKIPPED-}" != taken ] || return 0
    [ -z "$program" ] || ! compgen -G 'report.*' >/dev/null || await_exit "$program" >/dev/null || true # it is still writing
    end_started
    mistake=$(cat report.* program.err 2>/dev/null | awk "$describe_mistake" | "$PROBE" show)
    if [ -n "$mistake" ]; then
        [ -z "${BATS_TEST_COMPLETED-}" ] || mistake+='; all else in this check is right'
        echo "mistake: $mistake"
        echo 'read:    this exercise, "The rules": a mistake that the sanitizers find'
        return 1
    fi
    [ -n "${BATS_TEST_COMPLETED-}" ] || [ -z "$see" ] || echo "read:    $see"
}

# describe_mistake: what, and where in the learner's file, in a line; of several the first.
describe_mistake='
    /: runtime error: / && !what { what = $0; sub(/.*runtime error: /, "", what); at = $1 }
    /ERROR: AddressSanitizer: / && !what { what = $0; sub(/.*AddressSanitizer: /, "", what); sub(/ on .*| \(.*/, "", what) }
    / leak of [0-9]+ byte/ && !what { what = "a leak: " $4 " bytes were never given back with free" }
    what && !at && /^ +#.*[ \/]exercises\/[0-9][0-9]-/ { at = $NF; who = $4 }
    END {
        if (!what) exit
        sub(/.*exercises\//, "exercises/", at)
        sub(/:$/, "", at)
        if (at ~ /^exercises/) what = what (what ~ /^a leak/ ? "; they were taken in " : ", in ") (who ? who ", " : "") at
        print what
    }'

# --------------------------- the program under check ---------------------------

# run_program ARGUMENT...: runs it to its end, with the standard input of the call (empty, if nothing
# is said); its output is in $out and $err, its exit status in $status.
run_program() {
    local endless='' how text
    "${inside[@]}" "$PROGRAM" "$@" <&0 >program.out 2>program.err 3>&- &
    pids+=("$!")
    await_exit "$!" >/dev/null 2>&1 || endless=yes
    read_output
    if ((${#out} + ${#err} > 350000)); then
        see=
        text=${out:0:60}${err:0:60}
        complain 'the program ends' "it prints without end: ${text//$'\n'/\\n}..."
    elif [ -n "$endless" ]; then
        see=
        complain 'the program ends' "it was still running after $long"
    elif how_it_ended "$status" && [[ $how != with* ]]; then
        complain 'the program ends by itself' "it was ended $how"
    fi
}

# read_output: what the program has printed, in $out and $err, without the last newline.
read_output() {
    slurp program.err
    without_newline
    err=$content
    slurp program.out
    without_newline
    out=$content
}

without_newline() {
    [[ $content != $'\n' ]] || content='(an empty line)'
    [[ $content != *$'\n' ]] || content=${content::-1} # (with %, bash would take minutes for a megabyte)
}

# how_it_ended STATUS: in words, in $how. (A shell cannot tell an exit status of 130 from SIGINT.)
how_it_ended() {
    how="with exit status $1"
    (($1 <= 128)) || how="by SIG$(kill -l $(($1 - 128))), or with exit status $1"
    [[ $how != *XFSZ* ]] || how='by SIGXFSZ: it has printed without end'
    (($1 != MISTAKE)) || how='by a sanitizer, which has found a mistake'
}

# start_program ARGUMENT...: starts it in the background, as $program (a process id).
start_program() {
    start program "${inside[@]}" "$PROGRAM" "$@"
    program=$pid
}

# start_into REDIRECTION ARGUMENT...: the same, but the shell redirects its output.
start_into() {
    # shellcheck disable=SC2016
    start program "${inside[@]}" bash -c 'exec "$0" "$@" '"$1" "$PROGRAM" "${@:2}"
    program=$pid
}

# running: the program has not ended; $state is what it does: S sleep, R run, T stopped.
running() {
    read -r state 2>/dev/null <"/proc/$program/stat" || return
    state=${state##*') '}
    state=${state::1}
    [[ $state != Z ]]
}

# asleep: waits until the program sleeps, or has ended.
asleep() {
    local naps=0
    while running && [[ $state != S ]]; do
        keep_waiting || complain 'a program that sleeps while nothing comes (state S)' \
            "state $state, for $long: it goes round and round"
    done
}

# settled [NAME]: the peer NAME has sent all that it was told, the program has taken what came to $served, and sleeps.
settled() {
    [ -z "${1-}" ] || sent_by "$1" || complain 'the program takes the datagrams' 'they could not be sent'
    taken "$served" || complain 'the program takes the datagrams' 'it does not'
    asleep
}

# milliseconds: of the clock, in $moment.
milliseconds() {
    moment=${EPOCHREALTIME/[.,]/}
    moment=$((moment / 1000))
}

# wait_for MILLISECONDS.
wait_for() {
    local seconds
    printf -v seconds '%d.%03d' $(($1 / 1000)) $(($1 % 1000))
    (($1 <= 0)) || read -rt "$seconds" -u "$never" || true
}

# whole_lines FILE: its last line, if there is one, has its newline.
whole_lines() {
    [ ! -s "$1" ] || [ "$(tail -c 1 "$1" | wc -l)" = 1 ]
}

# in_one_line FILE: $lines, which are all of FILE; a newline that is not there is told.
in_one_line() {
    whole_lines "$1" || lines+=('(no newline after it)')
    echo "${lines[*]:-(nothing)}"
}

# program_writes FILE COUNT WHAT: waits until FILE has COUNT lines of the program, and sets $lines to
# them; complains that WHAT has not come, at once if the program has ended.
program_writes() {
    local naps=0 gone=
    until has_lines "$1" "$2"; do
        [ -z "$gone" ] || complain "$3" "$(in_one_line "$1"), and the program has ended"
        running || gone=yes
        keep_waiting || complain "$3" "in $long: $(in_one_line "$1")"
    done
}

# program_ends [STATUS]: waits until the program has ended, with this exit status.
program_ends() {
    await_exit "$program" >/dev/null || complain 'the program ends' "$long later it was still running"
    [ -z "${1-}" ] || wanted_status "$1"
}

# took_a_second BEGIN ARGUMENT...: waits until the program has ended, which it must a second after BEGIN (in
# microseconds), and not two. On a busy machine it is run again with these arguments, to be sure: $again.
took_a_second() {
    local begin=$1 try moment NAPS=300 long='2 seconds' # whatever came before
    shift
    again=
    for try in 1 2; do
        await_exit "$program" >/dev/null || complain 'an end after a second' "$long later it was still running"
        moment=${EPOCHREALTIME/[.,]/}
        ((moment - begin >= 1000000)) || complain 'an end after a second' "after $(((moment - begin) / 1000)) milliseconds"
        ((moment - begin >= 1900000)) || return 0
        ((try == 1)) || complain 'an end after a second' "after $(((moment - begin) / 1000)) milliseconds"
        begin=$moment again=yes
        start_program "$@"
    done
}

# serve_program ARGUMENT...: starts it and waits until it is bound; $port is its port. With -b ADDRESS it must be
# bound to this address.
serve_program() {
    local host
    start_program "$@"
    is_bound
    [[ " $*" =~ ' -b '([^ ]+) ]] || return 0
    host=${BASH_REMATCH[1]}
    [[ $host != *:* ]] || host="[$host]"
    [[ ${lines[0]} == *": bound to $host:$port" ]] || complain "on standard error: bound to $host:$port" "${lines[0]}"
}

# is_bound: waits until the program is bound; $port is its port.
is_bound() {
    local wanted='"bound to ADDRESS:PORT" on standard error'
    program_writes program.err 1 "$wanted"
    take_port program.err || complain "$wanted" "${lines[*]}"
}

# steady_memory: from now on the sanitizer uses memory that is given back again at once, and keeps local variables
# on the stack alone, so that a program that takes no more memory does not grow.
steady_memory() {
    ASAN_OPTIONS+=:quarantine_size_mb=0:thread_local_quarantine_size_kb=0:detect_stack_use_after_return=0
}

# signal_program SIGNAL: sends it. If the program has ended by itself, program_ends tells how.
signal_program() {
    kill "-$1" "$program" 2>/dev/null || true
}

# stop_program [SIGNAL]: sends SIGINT (Ctrl-C), and wants the end, with exit status 0.
stop_program() {
    sent+=$'\n'"then ${1:+SIG}${1:-Ctrl-C}"
    signal_program "${1:-INT}"
    program_ends 0
}

# fill_pipe: makes the pipe `full`, for start_into: it has no room.
fill_pipe() {
    rm -f full
    mkfifo full
    exec 8<>full
    tr '\0' x </dev/zero | dd of=full bs=4096 iflag=fullblock oflag=nonblock 2>/dev/null || true
}

# stop_blocked_program PORT: the program writes into this pipe and has got a datagram at PORT, so it waits for
# room. Sends SIGINT, then makes room, and wants the end, with exit status 0.
stop_blocked_program() {
    sent+=$'\nthen Ctrl-C, while it waits for room in the pipe that is its standard output; then there is room'
    taken "$1" || complain 'the program takes the datagram' 'it does not'
    asleep
    signal_program INT
    cat <&8 >/dev/null 3>&- &
    pids+=("$!")
    program_ends 0
}

# ------------------------------ inputs, at random ------------------------------

# new_word: a word of 4 to 10 letters, in $word.
new_word() {
    [ -n "$letters" ] || letters=$(head -c 12000 /dev/urandom | LC_ALL=C tr -dc '[:lower:]')
    local at=$((RANDOM % 900))
    word=${letters:at:RANDOM % 7 + 4}
}

# new_number LOW HIGH: a number, in $number.
new_number() {
    number=$(($1 + (RANDOM * 32768 + RANDOM) % ($2 - $1 + 1)))
}
