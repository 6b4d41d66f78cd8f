# Module program: what every program does: options, messages, stopping, checked output.
#
# shellcheck disable=SC2154,SC2030,SC2031  # helpers set pid, port and status, in each test
# shellcheck disable=SC2034,SC2016  # helpers use input; scripts for an inner bash are in quotes

load helpers

# Every lesson's program; of them those that run until they are stopped, and of these those that bind.
# Those that run only in a LAN, and voice, to which nothing comes, are stopped in their own files. ONLY=echo looks at
# that one alone.
# What a stranger sends to pump changes nothing that it prints: it is missing from those that `report`.
programs=() servers=() binding=() report=()
for source in "$ROOT"/lessons/*/*.c; do
    [[ -z ${ONLY-} || $source == */$ONLY.c ]] || continue
    programs+=("$(basename "$source" .c)")
    ! grep -qE 'AF_PACKET|MCAST_JOIN_GROUP|RTP' "$source" || continue
    ! grep -q 'stop_on_signals();' "$source" || servers+=("${programs[-1]}")
    ! grep -qz 'stop_on_signals();.*say("bound to' "$source" || binding+=("${programs[-1]}")
    [[ $source == */pump.c ]] || ! grep -q 'stop_on_signals();' "$source" || report+=("${programs[-1]}")
done

# usage NAME: sets $usage to the usage line of the program, or of its first command, and $letters to the
# options there that take an argument.
usage() {
    usage=$("$BUILD/$1" -h | head -n 1)
    usage=${usage%%, or *}
    letters=$(grep -oE -e '\[-[a-z] ' <<<"$usage" | tr -cd '[:lower:]' | sed 's/./& /g')
}

# begin NAME [PORT]: sets the array `operands` to what makes a good command line for the program, after
# its options, but for the PORT. What it sends goes to $port on 127.0.0.1 (which is no GROUP, so that
# nothing is ever multicast here).
begin() {
    usage "$1"
    operands=()
    [[ $usage != *FILE.wav* ]] || operands+=("$BUILD/tune.wav")
    [[ ! $usage =~ HOST|GROUP ]] || operands+=(127.0.0.1 "${2-$port}")
    [[ $usage == *HOST* || $usage != *'[PORT]'* ]] || operands+=("${2-0}")
    [[ $usage != *'[OWN]'* ]] || operands+=(0)
    [[ $usage != *TEXT* ]] || operands+=(text)
    [[ $usage != *'[INTERFACE]'* ]] || operands+=(lo)
}

# catch_all: starts a program that prints what comes to $port, to see that nothing does.
catch_all() {
    serve room "$BUILD/chatroom" -b 127.0.0.1 0
    room=$port
}

# caught_nothing: nothing came but what is sent here, last.
caught_nothing() {
    "$BUILD/sender" 127.0.0.1 "$room" end >/dev/null
    await room.out ':end'
    equal 1 "$(wc -l <room.out)"
}

# refuses MISTAKE NAME ARGUMENT...: the program says what the MISTAKE is (a pattern) and the usage
# line, two lines on standard error and nothing on standard output, and exits 2.
refuses() {
    local mistake=$1 name=$2 status=0
    shift 2
    [[ ${usage-} != "usage: $name "[a-z]* ]] || set -- "$(cut -d ' ' -f 3 <<<"$usage")" "$@" # its first command
    timeout -k 1 60 "$BUILD/$name" "$@" <typed >out 2>err || status=$?
    echo "$name $*: exit $status, and it says:"
    mapfile -t said <err
    printf '%s\n' "${said[@]}"
    equal 2 "$status"
    [[ ! -s out ]]
    equal 2 "${#said[@]}"
    like "$name: $mistake" "${said[0]}"
    like "usage: $name( .*)?" "${said[1]}"
}

# ------------------------------------ arguments -----------------------------------

@test "program: -h prints usage and every option on standard output, exit 0" {
    for name in "${programs[@]}"; do
        usage "$name"
        timeout 60 "$BUILD/$name" -h >out 2>err </dev/null
        equal '' "$(cat err)"
        like "usage: $name( .*)?" "$(head -n 1 out)"
        for letter in h $letters; do
            grep -q "^  -$letter " out
        done
        equal "$(head -n 1 out | grep -oE -e '\[-[a-z] ' | sort -u | wc -l)" "$(grep -c '^  -[^h] [A-Z]' out)"
        "$BUILD/$name" --help >again
        cmp out again
    done
}

@test "program: an unknown option, or one without its argument, is a usage error" {
    catch_all
    echo typed >typed
    for name in "${programs[@]}"; do
        begin "$name"
        for option in -x --version -E -1; do
            refuses "unknown option ${option:0:2}" "$name" "$option" "${operands[@]}"
        done
        for letter in $letters; do
            refuses "option -$letter needs an argument" "$name" "-$letter"
        done
    done
    caught_nothing
}

@test "program: an operand that is missing or one too many is a usage error; so is an option behind them" {
    catch_all
    echo typed >typed
    for name in "${programs[@]}"; do
        begin "$name"
        [[ ! $usage =~ '] '(HOST|GROUP|FILE.wav)' ' ]] || refuses "${BASH_REMATCH[1]} is missing" "$name"
        for extra in extra -h '' -e; do
            [[ $extra != -* || ${operands[*]} ]] || continue # race takes no operand, which could stand before it
            refuses "unexpected argument \"$extra\".*" "$name" "${operands[@]}" "$extra"
        done
    done
    caught_nothing
}

@test "program: what follows -- or HOST is no option: TEXT may begin with -" {
    catch_all
    "$BUILD/sender" -- 127.0.0.1 "$port" -h
    "$BUILD/sender" 127.0.0.1 "$port" --help
    await_lines room.out 2
    equal '-h --help' "$(sed 's/.*127.0.0.1://' room.out | paste -sd ' ')"
}

@test "program: a bad PORT is a usage error, and nothing is sent" {
    catch_all
    echo typed >typed
    pattern='bad port "[^"]*": a number from [01] to 65535'
    # Each of these, carelessly read, is the port at which we listen.
    for bad in "${room}x" "$((room + 65536))" "-$((65536 - room))" "+$room" " $room" "$room " \
        "0x$(printf %x "$room")" "$room.0" "$((room + (1 << 32)))" "${room}e0" "$room,$room" \
        '' -1 70000 65536 18446744073709551616 99999999999999999999999999 ' ' x; do
        refuses "$pattern" sender 127.0.0.1 "$bad" text
    done
    bad=$((room + 65536))
    for name in "${programs[@]}"; do
        begin "$name" "$bad"
        [[ $usage != *'[PORT'* ]] || refuses "$pattern" "$name" "${operands[@]}"
        begin "$name"
        for letter in l p; do
            [[ $usage != *"[-$letter PORT]"* ]] || refuses "$pattern" "$name" "-$letter" "$bad" "${operands[@]}"
        done
    done
    caught_nothing
}

@test "program: port 0 is a usage error where a program sends, typed too" {
    : >typed
    for name in "${programs[@]}"; do
        begin "$name" 0
        [[ ! $usage =~ HOST|GROUP ]] || refuses 'bad port "0": a number from 1 to 65535' "$name" "${operands[@]}"
    done
    for bad in 0 70000 '' 80x; do
        printf '127.0.0.1\n%s\nhello\n' "$bad" >typed
        refuses "bad port \"$bad\": a number from 1 to 65535" threaded-chat -b 127.0.0.1 -l 0
    done
}

@test "program: bad SECONDS are a usage error, and nothing is sent" {
    catch_all
    : >typed
    for bad in 0 0.0 -1 -0.5 +1 1e3 1e-3 nan inf infinity INF abc '' 1.2.3 ' 1' '1 ' 1s 0x1 0x1p3 . ',' 1,5 .. 00; do
        refuses 'bad time "[^"]*": a number of seconds above 0.*' receiver -w "$bad" 127.0.0.1 "$port" text
    done
    for name in "${programs[@]}"; do
        begin "$name"
        for letter in $letters; do
            [[ $usage != *"[-$letter SECONDS]"* ]] ||
                refuses 'bad time "0": a number of seconds above 0.*' "$name" "-$letter" 0 "${operands[@]}"
        done
    done
    caught_nothing
}

@test "program: SECONDS may be fractions, and they are waited" {
    catch_all
    for seconds in 0.05 .05 00.05 0.050000; do
        for name in receiver broadcast connected; do
            start=${EPOCHREALTIME/[.,]/}
            run timeout 60 "$BUILD/$name" -w "$seconds" 127.0.0.1 "$port" hello
            time=$((${EPOCHREALTIME/[.,]/} - start))
            case $name in
            receiver | connected) equal 1 "$status" ;;
            broadcast) equal 0 "$status" ;;
            esac
            echo "$name -w $seconds took $time microseconds"
            ((time >= 50000 && time < 5000000))
        done
    done
    serve echo "$BUILD/echo" -b 127.0.0.1 0
    for seconds in 1. 1000000 99999999999999999999; do
        timeout 60 "$BUILD/receiver" -w "$seconds" 127.0.0.1 "$port" hello
    done
}

@test "program: an unknown charset is a usage error, and nothing is sent" {
    catch_all
    echo typed >typed
    for name in "${programs[@]}"; do
        begin "$name"
        [[ $letters != *e* ]] || refuses 'unknown charset "no-such".*' "$name" -e no-such "${operands[@]}"
    done
    caught_nothing
}

@test "program: a usage error is one line and harmless, whatever was in the argument" {
    local LC_ALL=C # the patterns are for bytes
    : >typed
    for bad in $'80\n80' $'80\e[31m' $'80\xff' $'\u202e80'; do
        refuses 'bad port ".*": a number from 1 to 65535' sender 127.0.0.1 "$bad" text
        equal 0 "$(LC_ALL=C tr -d '\n -~\200-\377' <err | wc -c)"
    done
    refuses 'bad port "[x.]+.*' sender 127.0.0.1 "$(printf 'x%.0s' {1..5000})" text
}

# -------------------------------- runtime errors, output -------------------------------

# Where standard output cannot be written, and why.
unwritable=('>/dev/full' 'No space left on device'
    '5<>pipe >pipe 5>&-' 'Broken pipe'
    '>&-' 'Bad file descriptor')

# to_nowhere REDIRECTION COMMAND...: runs it with its standard output unwritable.
to_nowhere() {
    [[ -p pipe ]] || mkfifo pipe
    exec timeout -k 1 60 bash -c "exec $1"'; shift; exec "$@"' bash "$@"
}

# gives_up NAME REASON: $status and the last line of the file err say that output failed.
gives_up() {
    cat err
    equal 1 "$status"
    equal "$1: cannot write standard output: $2" "$(tail -n 1 err)"
}

@test "program: output that cannot be written is an error, exit 1: -h of every program" {
    for name in "${programs[@]}"; do
        for ((i = 0; i < ${#unwritable[@]}; i += 2)); do
            status=0
            (to_nowhere "${unwritable[i]}" "$BUILD/$name" -h) 2>err || status=$?
            gives_up "$name" "${unwritable[i + 1]}"
            equal 1 "$(wc -l <err)"
        done
    done
}

@test "program: output that cannot be written is an error, exit 1: sender, receiver, bind" {
    for ((i = 0; i < ${#unwritable[@]}; i += 2)); do
        rm -f echo.* bind.*
        serve echo "$BUILD/echo" -b 127.0.0.1 0
        for name in sender receiver; do
            status=0
            (to_nowhere "${unwritable[i]}" "$BUILD/$name" 127.0.0.1 "$port" hello) 2>err || status=$?
            gives_up "$name" "${unwritable[i + 1]}"
            equal 1 "$(wc -l <err)"
        done
        stop "$pid"
        serve bind to_nowhere "${unwritable[i]}" "$BUILD/bind" -b 127.0.0.1 0
        "$BUILD/sender" 127.0.0.1 "$port" hello
        await_exit "$pid"
        cp bind.err err
        gives_up bind "${unwritable[i + 1]}"
    done
}

# at_free_port NAME: sets $arguments to those with which the program runs at a free port of 127.0.0.1. (Nobody is at
# port 1.)
at_free_port() {
    case $1 in
    threaded-chat) arguments=(-b 127.0.0.1 -l 0 127.0.0.1 1) ;;
    lossy) arguments=(-b 127.0.0.1 127.0.0.1 1 0) ;;
    pump) arguments=(take -b 127.0.0.1 0) ;;
    *) arguments=(-b 127.0.0.1 0) ;;
    esac
}

# up NAME LABEL [COMMAND...]: starts, by the command, a program that runs until it is stopped, and
# waits until it runs; sets $pid, and $port, where it listens. Its keyboard is silent.
up() {
    local name=$1 label=$2 input=keyboard arguments
    shift 2
    [[ -p keyboard ]] || mkfifo keyboard
    exec 7<>keyboard
    rm -f peer.* "$label.out" "$label.err"
    case $name in
    broadcast)
        serve peer "$BUILD/bind" -b 127.0.0.1 0
        start "$label" "$@" "$BUILD/broadcast" 127.0.0.1 "$port"
        await "$label.err" 'waiting for replies'
        await_lines peer.out 1
        port=$(sed 's/.*127.0.0.1:\([0-9]*\): .*/\1/' peer.out)
        ;;
    *)
        at_free_port "$name"
        serve "$label" "$@" "$BUILD/$name" "${arguments[@]}"
        ;;
    esac
}

# summed_up NAME LABEL [COUNT]: the program's last words are the summary, which counts the lines
# that it printed; there are COUNT of them.
summed_up() {
    local count
    cat "$2.err"
    count=$(wc -l <"$2.out")
    equal "${3-$count}" "$count"
    case $1 in
    threaded-chat) equal "$1: stopped after 0 sent and $count received" "$(tail -n 1 "$2.err")" ;;
    *) like "$1: stopped after $count datagrams?" "$(tail -n 1 "$2.err")" ;;
    esac
}

@test "program: output that cannot be written ends a server with a message, exit 1" {
    for name in "${report[@]}"; do
        for ((i = 0; i < ${#unwritable[@]}; i += 2)); do
            up "$name" err to_nowhere "${unwritable[i]}"
            "$BUILD/sender" 127.0.0.1 "$port" hello
            await_exit "$pid"
            cp err.err err
            gives_up "$name" "${unwritable[i + 1]}"
        done
    done
}

@test "program: output that cannot be written ends a server in a flood, too" {
    for name in "${report[@]}"; do
        up "$name" err to_nowhere '>/dev/full'
        server=$pid
        start flood "$BUILD/probe" flood 127.0.0.1 "$port" 100000000 64
        await_exit "$server"
        kill -KILL "$pid"
        cp err.err err
        gives_up "$name" 'No space left on device'
    done
}

@test "program: a file that reaches its limit is an error, exit 1, as a full disk is" {
    # shellcheck disable=SC2016
    up chatroom err bash -c 'ulimit -f 1; exec "$@"' bash
    "$BUILD/probe" flood 127.0.0.1 "$port" 100 1000
    await_exit "$pid"
    cp err.err err
    gives_up chatroom 'File too large'
}

@test "program: with standard input, output or error closed, no socket takes its number" {
    catch_all
    timeout 60 "$BUILD/sender" 127.0.0.1 "$port" one <&-
    timeout 60 "$BUILD/sender" 127.0.0.1 "$port" two 2>&-
    timeout 60 "$BUILD/sender" 127.0.0.1 "$port" three <&- 2>&-
    status=0
    timeout 60 "$BUILD/sender" 127.0.0.1 "$port" <&- 2>err || status=$?
    equal 1 "$status"
    equal 'sender: nothing was typed: the input has ended' "$(cat err)"
    await_lines room.out 3
    equal 'one two three' "$(sed 's/.*127.0.0.1://' room.out | paste -sd ' ')"
    # The socket must not be standard output either, not even if standard input is closed, too.
    status=0
    timeout 60 "$BUILD/receiver" -w 5 127.0.0.1 "$port" four <&- >&- 2>err || status=$?
    gives_up receiver 'Bad file descriptor'
}

@test "program: a runtime error is one line, NAME: what: reason, exit 1" {
    catch_all
    for name in "${programs[@]}"; do
        case $name in
        sender | receiver) arguments=(127.255.255.255 "$room" hello) ;;
        limits) arguments=(127.255.255.255 "$room") ;;
        broadcast) arguments=(-e ascii 127.0.0.1 "$room" é) ;;
        threaded-chat) arguments=(-b 127.0.0.1 -l "$room" 127.0.0.1) ;;
        lossy) arguments=(-b 127.0.0.1 127.0.0.1 1 "$room") ;;
        layers | voice) arguments=(no-such) ;;
        connected) arguments=(127.255.255.255 "$room" hello) ;;
        pump) arguments=(take -b 127.0.0.1 "$room") ;;
        race) continue ;;      # it asks itself alone: see race.bats
        multicast) continue ;; # it runs in a LAN: see multicast.bats
        *) arguments=(-b 127.0.0.1 "$room") ;;
        esac
        status=0
        timeout 60 "$BUILD/$name" "${arguments[@]}" >out 2>err </dev/null || status=$?
        equal 1 "$status"
        equal '' "$(cat out)"
        equal 1 "$(grep -vc ': bound to ' err)"
        like "$name: cannot [^:]*(:[0-9]+)?: [A-Z].*" "$(tail -n 1 err)"
    done
    run timeout 60 "$BUILD/receiver" -w 0.05 127.0.0.1 "$room" end
    equal 1 "$status"
    equal "receiver: no reply from 127.0.0.1:$room in 0.05 seconds: is anybody there?" "${lines[1]}"
    equal 1 "$(wc -l <room.out)" # none of the others had sent
}

# ------------------------------------ stopping ------------------------------------

@test "program: Ctrl-C and SIGTERM stop a server in which nothing has ever come" {
    for name in "${servers[@]}"; do
        for signal in INT TERM; do
            up "$name" server
            stop "$pid" "$signal"
            equal 0 "$status"
            summed_up "$name" server 0
        done
    done
}

@test "program: Ctrl-C and SIGTERM stop a server that waits for the next datagram" {
    for name in "${report[@]}"; do
        for signal in INT TERM; do
            up "$name" server
            for text in one two three; do
                "$BUILD/sender" 127.0.0.1 "$port" "$text"
            done
            await_lines server.out 3
            stop "$pid" "$signal"
            equal 0 "$status"
            summed_up "$name" server 3
        done
    done
}

@test "program: the datagram before Ctrl-C is printed and counted, or neither" {
    for name in "${servers[@]}"; do
        for round in {1..4}; do
            up "$name" "$round"
            "$BUILD/probe" flood 127.0.0.1 "$port" "$round" 10
            stop "$pid"
            equal 0 "$status"
            summed_up "$name" "$round"
        done
    done
}

@test "program: a signal at any moment stops a server, from its start on" {
    # Rounds run side by side. A signal that comes before the program is ready ends it as it ends
    # any program; from `bound to` on, it must end with its summary and exit 0.
    for name in "${binding[@]}"; do
        mkfifo "keys-$name"
        exec 7<>"keys-$name"
        at_free_port "$name"
        started=()
        for round in {1..24}; do
            input=keys-$name start "$name-$round" "$BUILD/$name" "${arguments[@]}"
            started+=("$pid")
            # From no time at all, once it is the program and no more a bash, to ten milliseconds.
            while kill -0 "$pid" && [[ $(<"/proc/$pid/comm") != "$name" ]]; do :; done
            ((round % 4 == 0)) || sleep "0.00$((RANDOM % 10))"
            signal=TERM
            if [[ $(cat "$name-$round.err" 2>&1) == *'bound to'* ]]; then
                : >"$name-$round.ready"
                ((round % 2)) || signal=INT # (which bash makes its children ignore until then)
            fi
            kill "-$signal" "$pid"
        done
        for round in {1..24}; do
            await_exit "${started[round - 1]}"
            echo "$name, round $round: $status"
            if [[ -e $name-$round.ready ]] || grep -q stopped "$name-$round.err"; then
                equal 0 "$status"
                summed_up "$name" "$name-$round" 0
            else
                equal 143 "$status"
            fi
        done
    done
}

@test "program: a signal in a flood stops a server, and what it counts is what it printed" {
    for round in {1..2}; do
        for name in "${report[@]}"; do
            up "$name" server
            server=$pid
            start flood "$BUILD/probe" flood 127.0.0.1 "$port" 100000000 64
            await_lines server.out $((RANDOM % 500 + 1))
            stop "$server" INT
            kill -KILL "$pid"
            equal 0 "$status"
            summed_up "$name" server
        done
    done
}

@test "program: many signals in a row stop a server as one does" {
    for name in "${servers[@]}"; do
        for round in {1..3}; do
            up "$name" server
            many=()
            for copy in {1..100}; do many+=("$pid"); done
            kill -TERM "${many[@]}" # some come while the program is ending, some when it has ended
            await_exit "$pid"
            equal 0 "$status"
            summed_up "$name" server 0
        done
    done
}

@test "program: waiting costs no processor time" {
    catch_all
    TIMEFORMAT=%3U+%3S
    { time timeout 60 "$BUILD/receiver" -w 0.7 127.0.0.1 "$port" hello >/dev/null 2>&1 || true; } 2>used
    cat used
    used=$(tr -d . <used)
    used=$((10#${used%+*} + 10#${used#*+})) # milliseconds
    ((used < 150))
}

@test "program: a signal between the look at the flag and the wait is not missed" {
    [[ $BUILD != */sanitize-* ]] || skip "a sanitizer wants to be loaded first"
    cat >race.c <<'END'
/* A poll that gets SIGTERM just before it waits: the moment of the race, at will. */
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <unistd.h>
int poll(struct pollfd *fds, nfds_t n, int milliseconds)
{
    static int calls;
    struct timespec time = { milliseconds / 1000, milliseconds % 1000 * 1000000L };
    if (calls++ == 0)
        kill(getpid(), SIGTERM);
    return ppoll(fds, n, milliseconds < 0 ? NULL : &time, NULL);
}
END
    ${CC:-cc} -shared -fPIC -o race.so race.c 2>/dev/null || skip "no compiler for a shared library"
    LD_PRELOAD=$PWD/race.so "$BUILD/echo" -h >/dev/null 2>loader || true
    [[ ! -s loader ]] || skip "no preloading here"
    mkfifo keyboard
    exec 7<>keyboard
    catch_all
    for name in "${servers[@]}"; do
        at_free_port "$name"
        [[ $name != broadcast ]] || arguments=(127.0.0.1 "$room")
        input=keyboard start server env LD_PRELOAD="$PWD/race.so" "$BUILD/$name" "${arguments[@]}"
        await_exit "$pid"
        equal 0 "$status"
        summed_up "$name" server 0
    done
}

# ------------------------------------- output -------------------------------------

@test "program: every line is out by the time a server waits, into a pipe as into a file" {
    for name in "${report[@]}"; do
        up "$name" server
        for text in one two; do
            "$BUILD/sender" 127.0.0.1 "$port" "$text"
            [[ $name != lossy ]] || text=passed # it says no more
            await server.out "$text"
        done
        stop "$pid"
        equal 0 "$status"
        # Into a pipe: the line comes out at its other end while the server still runs.
        [[ -p lines ]] || mkfifo lines
        exec 8<>lines
        up "$name" server bash -c 'exec "$@" >lines' bash
        "$BUILD/sender" 127.0.0.1 "$port" hello
        IFS= read -r -t "$DEADLINE" line <&8
        like '.*[: ](hello|passed)' "$line"
        kill -0 "$pid"
        stop "$pid"
    done
}

@test "program: a chat room's memory does not grow with the number of datagrams" {
    [[ $BUILD != */sanitize-* ]] || skip "sanitizers keep memory of their own"
    needs_charset iso-8859-1
    serve room "$BUILD/chatroom" -b 127.0.0.1 -e iso-8859-1 0
    for round in 1 2 3 4; do
        "$BUILD/probe" flood 127.0.0.1 "$port" 10000 1000
        taken "$port"
        "$BUILD/sender" 127.0.0.1 "$port" "end of $round"
        await room.out "end of $round"
        memory "$pid" >>sizes
    done
    cat sizes
    (($(tail -n 1 sizes) <= $(head -n 1 sizes) + 64))
}
