# The checks of exercise 8, two-doors: each proves sentences of the contract in its README.md.
#
# shellcheck disable=SC2030,SC2031,SC2034,SC2154  # bats and checks.bash use what is set here

load ../checks

# open_doors PORT PORT: starts the program and waits until it is bound; $first and $second are the
# ports that it says.
open_doors() {
    start_program "$@"
    see_doors
}
see_doors() {
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

# proves: 1 6 10
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

# proves: 1 2 3 4
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

# proves: 5
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
        wanted_out ''
        wanted_status 1
    done
}

# stop_asleep: stops the program while it sleeps.
stop_asleep() {
    local naps=0
    asleep
    kill -STOP "$program"
    while running && [[ $state != T ]] && keep_waiting; do :; done
}

# crowd BUSY OTHER: the program is stopped while it sleeps; 40 datagrams come to port BUSY, then 3 to
# port OTHER. When it goes on, each two of the first six lines must be one from each port.
crowd() {
    local had busy other i ports=()
    mapfile -t lines <program.out
    had=${#lines[@]}
    sent="40 datagrams to port $1, then 3 to port $2, all of them before the program looks"
    exec {busy}<>"/dev/udp/127.0.0.1/$1" {other}<>"/dev/udp/127.0.0.1/$2"
    stop_asleep
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

# proves: 11 14
@test "a busy door does not starve the other: one from each in turn" {
    see='this exercise, "The story": the porter sees at which doors somebody is'
    local naps=0 some last
    open_doors 0 0
    crowd "$first" "$second"
    crowd "$second" "$first"
    stop_program
    wanted 'two-doors: stopped after 86 datagrams' "$(tail -n +3 program.err)"

    # It cannot print, so it goes on only when the datagram has come to the second door.
    fill_pipe
    start_into '>full' 0 0
    see_doors
    sent="90 datagrams of 1000 bytes to port $first; when it has taken some of them, one to port $second"
    stop_asleep
    "$PROBE" flood 127.0.0.1 "$first" 90 1000
    some=$(queues "$first")
    kill -CONT "$program"
    while [ "$(queues "$first")" = "$some" ] && keep_waiting; do :; done
    asleep
    "$PROBE" flood 127.0.0.1 "$second" 1 1
    : >all
    cat <&8 >>all 3>&- &
    pids+=("$!")
    comes all 91 || complain '91 lines on standard output' "$(wc -l <all)"
    stop_program
    last=$(grep -n "^port $second: 1 bytes" all | cut -d : -f 1)
    ((${last:-91} < 80)) || complain "one from port $second before the last of port $first" "it is number ${last:-(none)} of 91"
}

# proves: 12 15
@test "while nothing comes it sleeps, and no timer wakes it" {
    see='man 2 poll: a timeout of -1 means for as long as it takes'
    open_doors 0 0
    sent='nothing'
    sleeps_without_a_timer
    sent='one datagram to each door, then nothing'
    printf a >"/dev/udp/127.0.0.1/$first"
    printf b >"/dev/udp/127.0.0.1/$second"
    printed 2
    sleeps_without_a_timer
    has_one thread
}

# proves: 9
@test "an empty datagram is a datagram like any other" {
    see='How UDP works, "Check yourself", question 3: an empty datagram is a datagram like any other'
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

# proves: 7 8
@test "text is printed safely, and cut at 1024 bytes with a word" {
    see='lesson 3, "Read the program", steps 3 and 4: MSG_TRUNC, show_datagram'
    local text
    peer guest
    open_doors 0 0
    sent='"hi 你好 %s" and the byte 1b to the first door'
    tell guest "$first" $'hi 你好 %s\e'
    printed 1
    wanted "port $first: 13 bytes from 127.0.0.1:$guest: hi 你好 %s\\x1b" "${lines[0]}"
    sent='"é", U+0085, U+202E, and the bytes 7f, ff, e4 bd to the second door'
    tell guest "$second" $'é\u0085\u202e\x7f\xff\xe4\xbd'
    printed 2
    wanted "port $second: 11 bytes from 127.0.0.1:$guest: é\\u0085\\u202e\\x7f\\xff\\xe4\\xbd" "${lines[1]}"
    new_number 1025 3000
    printf -v text '%*s' "$((number - 3))" ''
    text=${text// /y}
    sent="\"A\", the byte 1b, \"B\" and $((number - 3)) times \"y\" to the second door"
    tell guest "$second" $'A\e'B"$text"
    printed 3
    wanted "port $second: $number bytes from 127.0.0.1:$guest: A\\x1bB${text:0:1021} [cut: 1024 of $number bytes]" \
        "${lines[2]}"
    sent='1024 times "y" to the first door'
    tell guest "$first" "yyy${text:0:1021}"
    printed 4
    wanted "port $first: 1024 bytes from 127.0.0.1:$guest: yyy${text:0:1021}" "${lines[3]}"
    sent='65507 times "x" to the second door'
    "$PROBE" flood 127.0.0.1 "$second" 1 65507
    printed 5
    wanted_like "port $second: 65507 bytes from 127\.0\.0\.1:[0-9]+: x* \[cut: 1024 of 65507 bytes\]" "${lines[4]}" \
        "port $second: 65507 bytes from 127.0.0.1:PORT: xxx... [cut: 1024 of 65507 bytes]"
}

# proves: 13 14
@test "Ctrl-C or SIGTERM ends it: it says how many came through both doors, exit 0" {
    see='common/program.h: stop_on_signals, stop_descriptor, say_stopped'
    local signal burst
    for signal in INT TERM; do
        new_number 2 5
        open_doors 0 0
        sent="$number empty datagrams to the first door, 2 times 128 to the second"
        "$PROBE" flood 127.0.0.1 "$first" "$number" 0
        printed "$number"
        for burst in 1 2; do
            "$PROBE" flood 127.0.0.1 "$second" 128 1
            printed $((number + burst * 128))
        done
        asleep
        stop_program "$signal"
        wanted "two-doors: stopped after $((number + 256)) datagrams" "$(tail -n +3 program.err)"
    done
    fill_pipe
    start_into '>full' 0 0
    see_doors
    sent='"x" to the first door'
    printf x >"/dev/udp/127.0.0.1/$first"
    stop_blocked_program "$first"
    wanted_like 'two-doors: stopped after 1 datagrams?' "$(tail -n +3 program.err)"
}

# proves: 16 17
@test "-h helps; a usage error is told: exit 2" {
    see='lesson 3, "What can go wrong"; parse_arguments'
    local bad
    helps
    refuses
    refuses 0
    refuses 0 0 0
    refuses -x 0 0
    for bad in '' -1 65536 7788x; do
        refuses "$bad" 0
        refuses 0 "$bad"
    done
}
