# What every exercise's check.bats loads, beside tests/helpers.bash. A check drives the learner's
# program from outside and, if something is wrong, tells what happened on the wire.
#
# shellcheck shell=bash disable=SC2016,SC2034,SC2154  # bats and the checks use what stands here

# shellcheck source=tests/helpers.bash
source "${BASH_SOURCE[0]%/*}/../tests/helpers.bash"

PROGRAM=${PROGRAM-} # the learner's program: an absolute path
PROBE=$BUILD/probe
DEADLINE=3 # seconds; see keep_waiting
NAPS=300 # a second
program=   # its process id, once it was started
sent=      # what the check has sent, in words
see=       # where the lesson explains it
inside=() # what the program and the peers are started with: see allow_port_0

setup() {
    prepare || return
    ulimit -f 1000 # kilobytes, for a program that prints without end
    letters=
}

# nap: three thousandths of a second.
nap() {
    read -rt 0.003 -u "$never" || true
}

# teardown also explains a crash: what ended the program, and where.
teardown() {
    # A sanitizer takes a moment to say where.
    [ -z "$program" ] || ! grep -qs Sanitizer program.err || DEADLINE=2 await_exit "$program" >/dev/null || true
    end_started
    [ -z "${BATS_TEST_COMPLETED-}" ] || return 0
    grep -hE 'ERROR: (Address|Leak)Sanitizer|runtime error:|^ +#[0-9]+ .*[ /]exercises/[0-9]+-[^ ]*\.c:' ./*.err 2>/dev/null |
        sed 's|[^ ]*/exercises/|exercises/|; s/==[0-9]*==//; s/^ */crash:   /' | head -n 4 | "$PROBE" show
    [ -z "$see" ] || echo "read:    $see"
}

# --------------------------- the program under check ---------------------------

# run_program ARGUMENT...: runs it to its end, with the standard input of the call (empty, if nothing
# is said); its output is in $out and $err, its exit status in $status.
run_program() {
    local endless=
    "$PROGRAM" "$@" <&0 >program.out 2>program.err 3>&- &
    pids+=("$!")
    await_exit "$!" >/dev/null 2>&1 || endless=yes
    slurp program.out
    out=$content
    slurp program.err
    err=$content
    [[ $out != *$'\n' ]] || out=${out::-1} # (with %, bash would take minutes for a megabyte)
    [[ $err != *$'\n' ]] || err=${err::-1}
    if ((${#out} + ${#err} > 900000)); then
        complain "the program ends" "it prints without end: ${out:0:100}..."
    elif [ -n "$endless" ]; then
        complain "the program ends" "it was still running after $DEADLINE seconds"
    elif ((status > 128)); then
        complain "the program ends by itself" "it was ended by SIG$(kill -l $((status - 128)))"
    fi
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
            "state $state, for $DEADLINE seconds: it goes round and round"
    done
}

# program_writes FILE COUNT WHAT: waits until FILE has COUNT lines of the program, and sets $lines to
# them; complains that WHAT has not come, at once if the program has ended.
program_writes() {
    local naps=0 gone=
    until mapfile -t lines <"$1" && ((${#lines[@]} >= $2)); do
        [ -z "$gone" ] || complain "$3" "${lines[*]:-(nothing)}, and the program has ended"
        running || gone=yes
        keep_waiting || complain "$3" "in $DEADLINE seconds: ${lines[*]:-(nothing)}"
    done
}

# serve_program ARGUMENT...: starts it and waits until it is bound; $port is its port.
serve_program() {
    start_program "$@"
    program_writes program.err 1 '"bound to ADDRESS:PORT" on standard error'
    take_port program.err || complain '"bound to ADDRESS:PORT" on standard error' "${lines[*]}"
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

# allow_port_0: from now on the program and the peers run where one may send from port 0, to which no
# answer can go. That takes a raw socket (CAP_NET_RAW, right number 13): root has it, others have it in
# a network of their own. Where that is not allowed either, it fails, and $reason says why.
allow_port_0() {
    local rights network
    rights=$(sed -n 's/^CapEff:[[:space:]]*/0x/p' /proc/self/status)
    (((rights >> 13 & 1) == 0)) || return 0
    reason='ip is missing (iproute2)'
    has_ip || return
    exec {network}< <(exec unshare -Urn sh -c 'PATH=$PATH:/usr/sbin:/sbin; ip link set lo up && echo up && exec sleep 60' 2>&1 3>&-)
    pids+=("$!")
    inside=(nsenter -t "$!" -U -n --preserve-credentials --)
    read -r reason <&"$network" || true
    [[ $reason == up ]]
}

# tell_from_port_0 PORT TEXT: somebody at port 0 sends TEXT to PORT of 127.0.0.1.
tell_from_port_0() {
    "${inside[@]}" "$PROBE" port0 "$1" "$2"
}

# comes FILE COUNT: waits until FILE has COUNT lines; after the first wait in vain, not for long.
comes() {
    local lines=() naps=$((DEADLINE * NAPS / 2))
    [ ! -e "$BATS_FILE_TMPDIR/waited" ] || naps=$((DEADLINE * NAPS - 60))
    until mapfile -t lines <"$1" && ((${#lines[@]} >= $2)); do
        keep_waiting || {
            : >"$BATS_FILE_TMPDIR/waited"
            return 1
        }
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
    local status
    [ -z "$sent" ] || indent 'sent:    ' "$sent"
    indent 'wanted:  ' "$1"
    indent 'came:    ' "$2"
    [ ! -s program.err ] || indent 'it said: ' "$(head -c 600 program.err)"
    if [ -n "$program" ] && ! running; then
        { wait "$program" && status=0 || status=$?; } 2>/dev/null
        if ((status > 128)); then
            indent 'ended:   ' "by SIG$(kill -l $((status - 128)))"
        else
            indent 'ended:   ' "with exit status $status"
        fi
    fi
    return 1
}

indent() {
    printf '%s%s\n' "$1" "$(printf '%s' "${2:-(nothing)}" | head -c 2000 | "$PROBE" show | sed '2,$s/^/         /')"
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
