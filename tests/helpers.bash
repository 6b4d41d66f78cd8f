# What every test file loads. A test starts real programs, waits for what they print (never for a
# fixed time), and leaves no process behind.
#
# shellcheck shell=bash disable=SC2016,SC2034,SC2154  # scripts for an inner bash are in quotes; bats and the tests use the rest

ROOT=${BASH_SOURCE[0]%/*}/..
[[ $ROOT = /* ]] || ROOT=$PWD/$ROOT
BUILD=${BUILD:-build}
[[ $BUILD = /* ]] || BUILD=$PWD/$BUILD
DEADLINE=10 # seconds: a wait that takes longer has failed; see keep_waiting
NAPS=100 # a second

setup() {
    prepare
}

# prepare: what each test, and each check of an exercise, begins with.
prepare() {
    set +T # bats looks at each command of each function; that is slow, and seldom needed
    cd "$BATS_TEST_TMPDIR" || return
    pids=() input=
    exec </dev/null {never}<> <(:) # nothing is ever to be read from $never: see nap
}

teardown() {
    end_started
}

# end_started: ends the processes that this test has started, and only those, by their ids.
end_started() {
    local pid stat
    for pid in "${pids[@]}"; do
        # The number of one that has ended may by now be that of a stranger.
        stat=
        read -r stat 2>/dev/null <"/proc/$pid/stat" || true
        [[ ${stat##*') '} == ?" $BASHPID "* ]] || continue
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
}

# start NAME COMMAND...: runs it in the background; $pid is its process. Its output goes to
# NAME.out and NAME.err; its input comes from $input, if that is set, else it is empty.
start() {
    local name=$1
    shift
    : >"$name.out" 2>"$name.err" # now, so that nobody reads what an earlier one has printed
    "$@" <"${input:-/dev/null}" >"$name.out" 2>"$name.err" 3>&- &
    pid=$!
    pids+=("$pid")
}

# serve NAME COMMAND...: the same for a program that binds: waits until it has, and sets $port.
serve() {
    start "$@"
    await "$1.err" 'bound to'
    take_port "$1.err"
}

# take_port FILE: sets $port from the `bound to` line in FILE.
take_port() {
    slurp "$1"
    [[ $content =~ 'bound to '[^$'\n']*:([0-9]+) ]] && port=${BASH_REMATCH[1]}
}

# slurp FILE: its text, in $content. (Waiting is done without starting processes: it is done often.)
slurp() {
    content=
    [ ! -e "$1" ] || IFS= read -rd '' content <"$1" || true
}

# nap: a hundredth of a second.
nap() {
    read -rt 0.01 -u "$never" || true
}

# keep_waiting: naps, and counts it in the caller's $naps; fails after DEADLINE seconds. They are seconds of
# naps, not of the clock: on a busy machine both we and what we wait for take longer.
keep_waiting() {
    ((naps++ < DEADLINE * NAPS)) && nap
}

# await FILE TEXT: waits until TEXT is in FILE.
await() {
    local naps=0
    until slurp "$1" && [[ $content == *"$2"* ]]; do
        keep_waiting || {
            echo "in $DEADLINE s, \"$2\" did not come into $1, which holds:"
            cat "$1"
            return 1
        }
    done
}

# has_lines FILE COUNT: FILE has COUNT lines or more, of which line COUNT has its newline: a long line may
# come in pieces. Sets $lines to all that is there, without the newlines.
has_lines() {
    mapfile lines <"$1"
    local last=${lines[$2 > 0 ? $2 - 1 : 0]-}
    lines=("${lines[@]%$'\n'}")
    (($2 == 0)) || [[ $last == *$'\n' ]]
}

# await_lines FILE COUNT: waits until FILE has at least COUNT lines.
await_lines() {
    local naps=0 lines=()
    until has_lines "$1" "$2"; do
        keep_waiting || {
            echo "in $DEADLINE s, $1 did not get $2 lines; it holds:"
            cat "$1"
            return 1
        }
    done
}

# peer NAME [ADDRESS [PORT]]: somebody who prints what comes, in hexadecimal: PORT LENGTH BYTES, and sends what is
# written into NAME.in. Sets $NAME to its port, $NAME_pid to its process. (The exercises have their own: peers.bash.)
peer() {
    rm -f "$1".*
    mkfifo "$1.in"
    exec {keep}<>"$1.in"
    input=$1.in serve "$1" "$BUILD/probe" hex "${2-127.0.0.1}" "${3-0}"
    printf -v "$1" %s "$port"
    printf -v "$1_pid" %s "$pid"
}

# free_port: a port that nobody has, in $free. It stays free until we bind to it: it is below those that the system
# gives to sockets that ask for none (ip_local_port_range), and a test that runs beside this one, with another process
# ID, begins with another.
free_port() {
    : "${free=$((10000 + BASHPID % 5000))}"
    while free=$((free + 5000)) && [ -n "$(queues "$free")" ]; do :; done
}

# queues PORT: how much waits at PORT, as the kernel shows it (in the network of the test; there may be no IPv6).
queues() {
    awk -v port=":$(printf %04X "$1")\$" '$2 ~ port { print $5 }' /proc/net/udp /proc/net/udp6 2>/dev/null || true
}

# taken PORT: waits until the program has taken all that has come to PORT.
taken() {
    local naps=0
    while [[ $(queues "$1") =~ :0*[1-9A-F] ]]; do
        keep_waiting || return
    done
}

# memory PID: what the program has of its own, in kilobytes. (These are counted when they are read. VmRSS and
# VmHWM are not: each processor notes what has changed, and tells it later; on a busy machine they grow by jumps.)
memory() {
    sed -n 's/^Anonymous:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$1/smaps_rollup"
}

# await_exit PID: waits until the process has ended, and sets $status to how.
await_exit() {
    local naps=0 state
    while read -r state 2>/dev/null <"/proc/$1/stat" && [[ $state != *') Z '* ]]; do
        keep_waiting || { echo "in $DEADLINE s, process $1 did not end"; return 1; }
    done
    status=0
    wait "$1" || status=$?
}

# stop PID [SIGNAL]: sends SIGINT (Ctrl-C), and waits for the end.
stop() {
    kill "-${2:-INT}" "$1"
    await_exit "$1"
}

# apart COMMAND...: runs it as from a shell of its own: what an outer make was told is not for it, nor
# is what bats says to itself.
apart() {
    local variable options=()
    for variable in $(compgen -e BATS) BUILD MAKEFLAGS MFLAGS MAKELEVEL SANITIZE PROGRAMS TESTS; do
        options+=(-u "$variable")
    done
    env "${options[@]}" PATH="$(tr : '\n' <<<"$PATH" | grep -v libexec/bats-core | paste -sd :)" "$@"
}

make() {
    apart timeout -k 1 300 make "$@"
}

# equal WANTED GOT: compares, and shows both if they differ.
equal() {
    [[ $1 == "$2" ]] && return
    printf 'wanted: %s\n   got: %s\n' "$1" "$2"
    return 1
}

# like PATTERN GOT: compares GOT, whole, with an extended regular expression.
like() {
    [[ $2 =~ ^$1$ ]] && return
    printf 'wanted, as a pattern: %s\n                 got: %s\n' "$1" "$2"
    return 1
}

# has_ipv6: this machine has it; a container often has none.
has_ipv6() {
    grep -qs '^0*1 .* lo$' /proc/net/if_inet6
}

# needs_ipv6 ['only in part: ']: skips the test, or what is left of it.
needs_ipv6() {
    has_ipv6 || skip "${1-}no IPv6 here"
}

# needs_charset CHARSET...: skips the test, or what is left of it, if iconv does not know one of them:
# glibc has its charsets in modules, which may be a package of their own.
needs_charset() {
    local charset status
    for charset; do
        status=0
        "$BUILD/probe" charset "$charset" 2>/dev/null || status=$?
        ((status < 2)) || skip "this iconv does not know $charset"
    done
}

# needs_encoder CHARSET...: the same if iconv cannot write one of them, as musl's, which only reads most.
needs_encoder() {
    local charset
    needs_charset "$@"
    for charset; do
        "$BUILD/probe" charset "$charset" || skip "this iconv can only read $charset"
    done
}

# has_ip: there is the command ip (iproute2), which some systems keep from an ordinary user's PATH.
has_ip() {
    PATH=$PATH:/usr/sbin:/sbin command -v ip >/dev/null
}

# needs_lan: skips the test where network namespaces are not allowed.
needs_lan() {
    local reason
    reason=$("$ROOT/lessons/lan" 2 true 2>&1) || skip "no virtual LAN here: $reason"
}

# lan COMMAND...: runs it in a virtual LAN of three hosts.
lan() {
    timeout -k 1 60 "$ROOT/lessons/lan" 3 "$@" 3>&-
}

# in_lan SCRIPT: runs it on host 1 of a LAN, with the programs on the PATH, with these functions, and with those
# that the file has put into $lan_functions; a command that fails ends it. What it prints is in $output and $lines.
in_lan() {
    needs_lan
    run lan bash -c '
        set -e
        PATH=$1:$PATH

        # await TEXT FILE
        await() {
            until grep -qsF -e "$1" "$2"; do sleep 0.01; done
        }

        # start NAME HOST COMMAND...: runs it there, and waits until it has bound; its process is $pid. Its
        # output goes to NAME, its messages to NAME.err; its input comes from $input, if that is set.
        start() {
            rm -f "$1" "$1.err"
            on "${@:2}" <"${input:-/dev/null}" >"$1" 2>"$1.err" & pid=$!
            await "bound to" "$1.err"
        }
        '"${lan_functions-}$1" bash "$BUILD"
    echo "$output"
    equal 0 "$status"
}
