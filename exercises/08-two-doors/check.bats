# The checks of exercise 8, two-doors: each is a requirement of its README.md.
#
# shellcheck disable=SC2030,SC2031,SC2034,SC2154  # bats and checks.bash use what stands here

load ../checks

# open_doors PORT PORT: starts the program and waits until it is bound; $first and $second are the
# ports that it says.
open_doors() {
    start_program "$@"
    program_writes program.err 2 'two lines "bound to ADDRESS:PORT" on standard error'
    [[ ${lines[0]} = *bound\ to* && ${lines[1]} = *bound\ to* ]] ||
        complain 'two lines "bound to ADDRESS:PORT" on standard error' "${lines[0]}"$'\n'"${lines[1]}"
    first=${lines[0]##*:}
    second=${lines[1]##*:}
}

# printed COUNT: waits until the program has printed COUNT lines; they are in $lines.
printed() {
    program_writes program.out "$1" "line $1 on standard output"
}

# free_port: a port that nobody has, in $free.
free_port() {
    local name=nobody$((++nobodies))
    peer "$name"
    free=${!name}
    all_heard "$name" >/dev/null
}

@test "a datagram through either door is printed at once, with the port of that door" {
    see='lesson 3, "Read the program", steps 2 and 3'
    free_port
    one=$free
    free_port
    two=$free
    peer guest
    new_word
    open_doors "$one" "$two"
    sent="\"$word\" from 127.0.0.1:$guest to port $two, the second door"
    tell guest "$two" "$word"
    printed 1
    wanted "port $two: ${#word} bytes from 127.0.0.1:$guest: $word" "${lines[0]}"
    new_word
    sent="\"$word\" from 127.0.0.1:$guest to port $one, the first door"
    tell guest "$one" "$word"
    printed 2
    wanted "port $one: ${#word} bytes from 127.0.0.1:$guest: $word" "${lines[1]}"
}

@test "it says where it is bound, in the order of the command line; 0 is any free port" {
    see='lesson 3, "Read the program", step 2: getsockname'
    local door count=0
    free_port
    sent="two-doors 0 $free"
    open_doors 0 "$free"
    wanted_like 'two-doors: bound to 0\.0\.0\.0:[1-9][0-9]*' "${lines[0]}" \
        'two-doors: bound to 0.0.0.0:PORT, and PORT is the one that the system has picked'
    wanted "two-doors: bound to 0.0.0.0:$free" "${lines[1]}"
    peer guest 127.0.0.2
    for door in "$first" "$second"; do
        sent="\"hello\" to 127.0.0.2:$door, a door of two-doors 0 $free: 0.0.0.0 is every address"
        tell guest "$door" hello
        printed $((++count))
        wanted "port $door: 5 bytes from 127.0.0.2:$guest: hello" "${lines[count - 1]}"
    done
}

@test "a port that another program has, or that is named twice, is an error: exit 1" {
    see='lesson 3, "What can go wrong": the port is taken'
    peer other
    free_port
    for ports in "$other 0" "0 $other" "$free $free"; do
        sent="two-doors $ports, and another program has port $other"
        # shellcheck disable=SC2086  # two arguments
        run_program $ports
        taken=${ports#0 }
        taken=${taken% *}
        wanted_like "two-doors: cannot bind to 0\.0\.0\.0:$taken: [^"$'\n'"]*" "$err" \
            "two-doors: cannot bind to 0.0.0.0:$taken: ... on standard error, and nothing else"
        wanted 'exit status 1' "exit status $status"
    done
}

# crowd BUSY OTHER: the program is stopped while it sleeps; 40 datagrams come to port BUSY, then 3 to
# port OTHER. When it goes on, each two of the first six lines must be one from each port.
crowd() {
    local naps=0 had busy other i ports=()
    mapfile -t lines <program.out
    had=${#lines[@]}
    sent="40 datagrams to port $1, then 3 to port $2, all of them before the program looks"
    exec {busy}<>"/dev/udp/127.0.0.1/$1" {other}<>"/dev/udp/127.0.0.1/$2"
    asleep
    kill -STOP "$program"
    while running && [[ $state != T ]] && keep_waiting; do :; done
    for ((i = 1; i <= 40; i++)); do printf 'busy %s' "$i" >&"$busy"; done
    for ((i = 1; i <= 3; i++)); do printf 'other %s' "$i" >&"$other"; done
    kill -CONT "$program"
    exec {busy}>&- {other}>&-
    printed $((had + 43))
    for ((i = had; i < had + 8; i++)); do
        ports[i - had]=${lines[i]#port }
        ports[i - had]=${ports[i - had]%%:*}
    done
    for i in 0 2 4; do
        [[ " ${ports[*]:i:2} " = *" $1 "* && " ${ports[*]:i:2} " = *" $2 "* ]] ||
            complain "one from port $1 and one from port $2, three times" \
                "from ports ${ports[*]}, and so on"
    done
}

@test "a busy door does not starve the other: one from each in turn" {
    see='this exercise, "The story": the porter sees at which doors somebody is'
    open_doors 0 0
    crowd "$first" "$second"
    crowd "$second" "$first"
}

# poll_timeout: the timeout of the poll that the program sleeps in, in $timeout: `none`, or how long
# (of a ppoll only `some`). Fails where the kernel does not tell.
poll_timeout() {
    local call
    read -ra call 2>/dev/null <"/proc/$program/syscall" || return
    case ${call[0]} in
    7) # poll, on x86-64: a timeout below 0 is none
        timeout=$((call[3] & 0xffffffff))
        ((timeout > 0x7fffffff)) && timeout=none || timeout+=' ms'
        ;;
    73 | 271) # ppoll, on ARM and RISC-V for poll, too; and on x86-64: NULL is none
        timeout=some
        ((call[3] != 0)) || timeout=none
        ;;
    *) return 1 ;;
    esac
}

@test "while nothing comes it sleeps, and no timer wakes it" {
    see='man 2 poll: a timeout of -1 means for as long as it takes'
    local before after round seconds=0.05
    open_doors 0 0
    sent="one datagram to each door, then nothing"
    printf a >"/dev/udp/127.0.0.1/$first"
    printf b >"/dev/udp/127.0.0.1/$second"
    printed 2
    asleep
    nap
    poll_timeout || timeout=unknown seconds=1.2
    # What it still had to do, it may do in the first round; a round on a busy machine is made again.
    for round in 1 2 3; do
        before=$(grep ^voluntary "/proc/$program/status")
        read -rt "$seconds" -u "$never" || true
        after=$(grep ^voluntary "/proc/$program/status")
        [[ $before != "$after" ]] || break
    done
    asleep
    wanted "in $seconds seconds, woken 0 times" \
        "in $seconds seconds, woken $((${after//[^0-9]/} - ${before//[^0-9]/})) times"
    poll_timeout || timeout=unknown
    [[ $timeout = none || $timeout = unknown ]] ||
        complain 'a poll without a timeout' "a poll with a timeout: $timeout"
}

@test "an empty datagram is a datagram like any other" {
    see='UDP in ten minutes, "Check yourself", question 3: an empty datagram is a datagram like any other'
    peer guest
    open_doors 0 0
    sent='an empty datagram to the first door, then "hello" to the second'
    tell guest "$first" ''
    printed 1
    tell guest "$second" hello
    printed 2
    wanted "port $first: 0 bytes from 127.0.0.1:$guest: " "${lines[0]}"
    wanted "port $second: 5 bytes from 127.0.0.1:$guest: hello" "${lines[1]}"
}

@test "text is printed safely, and cut at 1024 bytes with a word" {
    see='lesson 3, "Read the program", steps 3 and 4: MSG_TRUNC, show_datagram'
    peer guest
    new_number 1100 3000
    printf -v long '%*s' "$((number - 3))" ''
    long=${long// /y}
    open_doors 0 0
    sent='"hi" and the byte 1b to the first door'
    tell guest "$first" $'hi\e'
    printed 1
    wanted "port $first: 3 bytes from 127.0.0.1:$guest: hi\\x1b" "${lines[0]}"
    sent="\"A\", the byte 1b, \"B\" and $((number - 3)) times \"y\" to the second door"
    tell guest "$second" $'A\e'B"$long"
    printed 2
    wanted "port $second: $number bytes from 127.0.0.1:$guest: A\\x1bB${long:0:1021} [cut: 1024 of $number bytes]" \
        "${lines[1]}"
}

@test "Ctrl-C or SIGTERM ends it: it says how many came through both doors, exit 0" {
    see='common/program.h: stop_on_signals, stop_descriptor, say_stopped'
    local i signal status=
    for signal in INT TERM; do
        new_number 2 5
        open_doors 0 0
        sent="$number datagrams to the first door, 1 to the second, then SIG$signal"
        for ((i = 0; i < number; i++)); do printf a >"/dev/udp/127.0.0.1/$first"; done
        printf b >"/dev/udp/127.0.0.1/$second"
        printed $((number + 1))
        asleep
        stop "$program" "$signal" >/dev/null ||
            complain "the program ends" "after $long it was still running"
        wanted "two-doors: stopped after $((number + 1)) datagrams" "$(tail -n +3 program.err)"
        wanted 'exit status 0' "exit status $status"
    done
}
