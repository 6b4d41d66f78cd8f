# What every exercise's check.bats loads, beside tests/helpers.bash. A check drives the learner's
# program from outside and, if something is wrong, tells what happened on the wire.
#
# shellcheck shell=bash disable=SC2016,SC2034,SC2154  # bats and the checks use what stands here

# shellcheck source=tests/helpers.bash
source "${BASH_SOURCE[0]%/*}/../tests/helpers.bash"

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
    prepare || return
    ulimit -f 400 # kilobytes, for a program that prints without end
    letters='' vain=0 long='2 seconds'
    read -r vain 2>/dev/null <"$BATS_FILE_TMPDIR/vain" || true
    ((vain == 0)) || NAPS=60 long='0.4 seconds'
    ((vain < 4)) || { echo 'not run: the program has kept four checks waiting for nothing' && return 1; }
}

# nap: three thousandths of a second.
nap() {
    read -rt 0.003 -u "$never" || true
}

keep_waiting() {
    ((naps++ < DEADLINE * NAPS)) && nap && return
    echo $((vain + 1)) >"$BATS_FILE_TMPDIR/vain"
    return 1
}

# teardown fails the check if a sanitizer has found a mistake, whatever the check has seen.
teardown() {
    local mistake
    [ -z "$program" ] || ! compgen -G 'report.*' >/dev/null || await_exit "$program" >/dev/null || true # it is still writing
    end_started
    mistake=$(cat report.* program.err 2>/dev/null | awk "$describe_mistake" | "$PROBE" show)
    if [ -n "$mistake" ]; then
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
    "$PROGRAM" "$@" <&0 >program.out 2>program.err 3>&- &
    pids+=("$!")
    await_exit "$!" >/dev/null 2>&1 || endless=yes
    slurp program.out
    out=$content
    slurp program.err
    err=$content
    [[ $out != *$'\n' ]] || out=${out::-1} # (with %, bash would take minutes for a megabyte)
    [[ $err != *$'\n' ]] || err=${err::-1}
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

# program_writes FILE COUNT WHAT: waits until FILE has COUNT lines of the program, and sets $lines to
# them; complains that WHAT has not come, at once if the program has ended.
program_writes() {
    local naps=0 gone=
    until mapfile -t lines <"$1" && ((${#lines[@]} >= $2)); do
        [ -z "$gone" ] || complain "$3" "${lines[*]:-(nothing)}, and the program has ended"
        running || gone=yes
        keep_waiting || complain "$3" "in $long: ${lines[*]:-(nothing)}"
    done
}

# took_a_second BEGIN ARGUMENT...: waits until the program has ended, which it must a second after BEGIN (in
# microseconds), and not two. On a busy machine it is run again with these arguments, to be sure: $again.
took_a_second() {
    local begin=$1 try moment
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

# serve_program ARGUMENT...: starts it and waits until it is bound; $port is its port.
serve_program() {
    local wanted='"bound to ADDRESS:PORT" on standard error'
    start_program "$@"
    program_writes program.err 1 "$wanted"
    take_port program.err || complain "$wanted" "${lines[*]}"
}

# stop_program [SIGNAL]: sends SIGINT (Ctrl-C), and wants the end, with exit status 0.
stop_program() {
    sent+=$'\n'"then ${1:+SIG}${1:-Ctrl-C}"
    kill "-${1:-INT}" "$program"
    await_exit "$program" >/dev/null || complain 'the program ends' "$long later it was still running"
    wanted 'exit status 0' "exit status $status"
}

# ----------------------------------- peers -----------------------------------

# peer NAME [ADDRESS [PORT]]: somebody at the other end. Sets $NAME to its port; what it receives comes
# into NAME.out, a line each: PORT LENGTH TEXT.
peer() {
    local name=$1
    set -- "$1" "${2:-127.0.0.1}" ${3+"$3"}
    mkfifo "$name.in"
    "${inside[@]}" "$PROBE" peer "${@:2}" <>"$name.in" >"$name.out" 2>"$name.err" 3>&- &
    pids+=("$!")
    printf -v "${name}_pid" '%s' "$!"
    await "$name.err" 'bound to'
    take_port "$name.err"
    if ((port >> 8 == (port & 255))); then # it reads the same in both byte orders: take another
        rm "$name.in" "$name.err"
        peer "$@"
        return
    fi
    printf -v "$name" '%s' "$port"
}

# hex_of TEXT: its bytes in hexadecimal, in $hex.
hex_of() {
    local LC_ALL=C i code
    hex=
    for ((i = 0; i < ${#1}; i++)); do
        printf -v code '%d' "'${1:i:1}"
        printf -v hex '%s%02x' "$hex" $((code & 255))
    done
}

# tell NAME PORT TEXT: NAME sends TEXT to PORT.
tell() {
    hex_of "$3"
    echo "$2 $hex" >"$1.in"
}

# own_network [ADDRESS...]: from now on the program and the peers run in a network of their own, that of
# loopback and of these addresses. Where that is not allowed it fails, and $reason says why.
own_network() {
    local network
    reason='ip is missing (iproute2)'
    has_ip || return
    # shellcheck disable=SC2016
    exec {network}< <(exec unshare -Urn sh -c 'PATH=$PATH:/usr/sbin:/sbin
        ip link set lo up && for address; do ip address add "$address/32" dev lo || exit; done && echo up && exec sleep 60' sh "$@" 2>&1 3>&-)
    pids+=("$!")
    inside=(nsenter -t "$!" -U -n --preserve-credentials --)
    read -r reason <&"$network" || true
    [[ $reason == up ]]
}

# allow_port_0: from now on the program and the peers run where one may send from port 0, to which no
# answer can go. That takes a raw socket (CAP_NET_RAW, right number 13): root has it, others have it in
# a network of their own.
allow_port_0() {
    local rights
    rights=$(sed -n 's/^CapEff:[[:space:]]*/0x/p' /proc/self/status)
    (((rights >> 13 & 1) == 1)) || own_network
}

# tell_from_port_0 PORT TEXT: somebody at port 0 sends TEXT to PORT of 127.0.0.1.
tell_from_port_0() {
    "${inside[@]}" "$PROBE" port0 "$1" "$2"
}

# comes FILE COUNT: waits until FILE has COUNT lines.
comes() {
    local lines=() naps=$((DEADLINE * NAPS / 2))
    until mapfile -t lines <"$1" && ((${#lines[@]} >= $2)); do
        keep_waiting || return
    done
}

# taken PORT: waits until the program has taken all that has come to PORT (of IPv4, and in the network of the
# check: the kernel shows how much waits).
taken() {
    local naps=0 queues
    while read -r _ _ _ _ queues _ < <(grep -E "^ *[0-9]+: [0-9A-F]{8}:$(printf %04X "$1") " /proc/net/udp) && [[ $queues != *:00000000 ]]; do
        keep_waiting || return
    done
}

# all_heard NAME: stops NAME, and prints what it has received in all: LENGTH TEXT.
all_heard() {
    local pid=${1}_pid
    kill -INT "${!pid}"
    await_exit "${!pid}" 2>/dev/null # in $(all_heard NAME) it is no child of the shell
    cut -d ' ' -f 2- "$1.out"
}

# ---------------------------------- verdicts ----------------------------------

# complain WANTED CAME: what was sent, what should have come, what came, how the program has ended.
# Fails.
complain() {
    local status how
    [ -z "$sent" ] || indent 'sent:    ' "$sent"
    indent 'wanted:  ' "$1"
    indent 'came:    ' "$2"
    [ ! -s program.err ] || indent 'it said: ' "$(head -c 600 program.err)"
    if [ -n "$program" ] && ! running; then
        { wait "$program" && status=0 || status=$?; } 2>/dev/null
        how_it_ended "$status"
        indent 'ended:   ' "$how"
    fi
    return 1
}

# indent WORD TEXT: the text beside the word, made harmless; of a long one the beginning.
indent() {
    printf '%s' "${2:-(nothing)}" | head -c 2000 | "$PROBE" show | awk -v word="$1" '
        NR <= 12 { print (NR == 1 ? word : "         ") $0 }
        END { if (NR > 12) print "         (and " NR - 12 " lines more)" }'
}

# wanted WANTED CAME: complains unless they are the same.
wanted() {
    [[ $1 == "$2" ]] || complain "$1" "$2"
}

# wanted_like PATTERN CAME EXAMPLE: complains unless CAME, whole, fits the extended regular
# expression.
wanted_like() {
    [[ $2 =~ ^$1$ ]] || complain "${3:-$1}" "$2"
}

# wanted_out WANTED, wanted_err WANTED, wanted_status WANTED: of what run_program has run.
wanted_out() {
    wanted "on standard output: ${1:-(nothing)}" "on standard output: ${out:-(nothing)}"
}
wanted_err() {
    wanted "on standard error: ${1:-(nothing)}" "on standard error: ${err:-(nothing)}"
}
wanted_status() {
    wanted "exit status $1" "exit status $status"
}

# helps: -h prints the usage and the options, and exits 0.
helps() {
    sent='the option -h'
    run_program -h
    [[ $out == usage:\ * ]] || complain 'on standard output: usage: ...' "on standard output: ${out:-(nothing)}"
    wanted_err ''
    wanted_status 0
}

# refuses ARGUMENT...: this is a usage error: one line, then the usage, exit status 2, nothing else.
refuses() {
    local line="[^"$'\n'"]+"
    sent="$(printf ' "%s"' "$@")"
    sent="the arguments${sent:- (none)}"
    run_program "$@"
    wanted_out ''
    [[ $err =~ ^$line:\ $line"
"usage:\ $line$ ]] ||
        complain 'on standard error: what is wrong, in a line, then a line "usage: ..."' "on standard error: ${err:-(nothing)}"
    wanted_status 2
}

# refuses_a_taken_port NAME [ARGUMENT...]: with these arguments, the last one the port, somebody has it already.
refuses_a_taken_port() {
    local name=$1
    shift
    sent="a port that is somebody else's: ${*: -1}"
    run_program "$@"
    [[ $err == "$name: cannot bind to "*":${*: -1}: "* && $err != *$'\n'* ]] ||
        complain "on standard error: $name: cannot bind to ADDRESS:${*: -1}: and why" "on standard error: ${err:-(nothing)}"
    wanted_out ''
    wanted_status 1
}

# has_one WHAT: it has one socket or one thread.
has_one() {
    local all
    case $1 in
    thread) all=("/proc/$program/task/"*) ;;
    socket) mapfile -t all < <(find "/proc/$program/fd" -lname 'socket:*' 2>/dev/null) ;;
    esac
    wanted "number of ${1}s: 1" "number of ${1}s: ${#all[@]}"
}

# switches: how often the program has gone to sleep so far.
switches() {
    sed -n 's/^voluntary_ctxt_switches:[[:space:]]*//p' "/proc/$program/status"
}

# is_not_woken: while nothing comes, the program sleeps and is not woken, not even to look.
is_not_woken() {
    local try before after i
    asleep
    for try in 1 2 3; do # it may have been about to sleep
        before=$(switches)
        for i in {1..30}; do nap; done
        after=$(switches)
        [ "$before" != "$after" ] || return 0
    done
    complain 'it sleeps while nothing comes' "it was woken $((after - before)) times in 0.1 seconds"
}

# sleeps_without_a_timer: and what it sleeps in has no limit.
sleeps_without_a_timer() {
    local call
    is_not_woken
    # Linux tells which call it sleeps in, and its arguments; the numbers are those of x86-64 and of arm64.
    read -ra call 2>/dev/null <"/proc/$program/syscall" || call=(running)
    case $(uname -m):${call[0]} in
    x86_64:7) [[ ${call[3]} = 0xffffffff* ]] ;;                             # poll: -1
    x86_64:23 | x86_64:270 | aarch64:72) [[ ${call[5]} = 0x0 ]] ;;          # select: NULL
    x86_64:271 | aarch64:73) [[ ${call[3]} = 0x0 ]] ;;                      # ppoll: NULL
    x86_64:232 | x86_64:281 | aarch64:22) [[ ${call[4]} = 0xffffffff* ]] ;; # epoll_wait: -1
    x86_64:35 | x86_64:230 | aarch64:101 | aarch64:115) false ;;            # nanosleep
    *) true ;;
    esac || complain 'it sleeps for as long as nothing comes' 'a timer will wake it'
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
