# The checks of exercise 13, right-door: each proves sentences of the contract in its README.md.
#
# shellcheck disable=SC2030,SC2031,SC2034,SC2153,SC2154  # bats and checks.bash use what is set here

load ../checks

# any_address: an address of this machine that no server knows beforehand, in $host.
any_address() {
    host=127.$((RANDOM % 250 + 1)).$((RANDOM % 256)).$((RANDOM % 250 + 2))
}

# asks HOST FILE [SOURCE [PORT]]: sends FILE as one datagram. The answer comes into the file `answer`; $from is the
# endpoint that it came from, $mine the port of who asked.
asks() {
    "${inside[@]}" "$PROBE" call "$1" "$port" "${@:3}" <"$2" >answer 2>probe.err 3>&- &
    pids+=("$!")
    { await_exit "$!" >/dev/null && [ "$status" = 0 ]; } || complain 'an answer' "none in $long"
    slurp probe.err
    from=${content##*reply from }
    from=${from%$'\n'}
    mine=${content%%$'\n'*}
    mine=${mine##*:}
}

# answered_from ADDRESS: the answer is from there, and is the question: FILE.
answered_from() {
    wanted "an answer from $1:$port" "an answer from $from"
    cmp -s answer "$2" || complain "the same $(wc -c <"$2") bytes" "$(wc -c <answer) bytes: $(head -c 100 answer | "$PROBE" show)"
}

# prints NUMBER ASKED PEER LENGTH TEXT: and that is line NUMBER, with nothing after it.
prints() {
    local line="#$1 asked at $2 by $3, returned $4 bytes: $5"
    program_writes program.out "$1" "on standard output: $line"
    wanted "on standard output: $line" "on standard output: ${lines[*]:$1 - 1}"
}

# proves: 4 5 10 13 17
@test "the answer comes from the address that was asked, whichever it is" {
    see='this exercise, "recvmsg and sendmsg", and "From where?"'
    local number source=127.0.0.1
    serve_program 0
    for number in 1 2 3 4 5 6; do
        any_address
        ((number % 3)) || host=${host%.*}.255 # one like any other: the network is 127.0.0.0/8
        new_word
        printf '%s' "$word" >question
        sent="\"$word\" from $source to $host, question $number"
        asks "$host" question "$source"
        answered_from "$host" question
        prints "$number" "$host" "$source:$mine" ${#word} "$word"
        any_address
        source=$host
    done
    sent='the last question again, to 127.0.0.1'
    asks 127.0.0.1 question
    answered_from 127.0.0.1 question
    prints 7 127.0.0.1 "127.0.0.1:$mine" ${#word} "$word"
    is_not_woken
    running || complain 'a server that goes on' 'it has ended'
}

# proves: 4 10 16 17
@test "each datagram is answered once, to its own sender; the answers are counted" {
    see='lesson 4, "Read the program", steps 4 and 5'
    local burst i
    any_address
    peer one "$host"
    peer two "$host"
    serve_program 0
    sent="300 datagrams of 1 byte from $host:$one to the same address, one from $host:$two"
    for burst in 1 2 3; do
        for ((i = 0; i < 100; i++)); do echo "$port 78"; done >one.in
        program_writes one.out $((burst * 100)) "answer $((burst * 100))"
    done
    tell two "$port" y
    program_writes two.out 1 'an answer'
    prints 301 "$host" "$host:$two" 1 y
    sent='"z" from a client that is gone when the answer comes'
    kill -STOP "$program"
    printf z | "$PROBE" send "$host" "$port"
    kill -CONT "$program"
    program_writes program.out 302 'line 302 on standard output'
    is_not_woken
    stop_program
    wanted '300 answers' "$(all_heard one | wc -l) answers"
    wanted '1 y' "$(all_heard two)"
    wanted 'on standard error: right-door: stopped after 302 datagrams' "on standard error: $(tail -n +2 program.err)"
}

# proves: 8 11
@test "a question to a broadcast address is answered from an address of this machine" {
    see='this exercise, "From where?": ipi_addr and ipi_spec_dst'
    local any number=0
    new_word
    printf '%s' "$word" >question
    for any in 0.0.0.0 ::; do
        [ $any != :: ] || needs_ipv6 'only in part: '
        sent="nothing yet, with -b $any"
        serve_program -b "$any" 0
        sent="\"$word\" to 127.255.255.255, with -b $any"
        asks 127.255.255.255 question
        answered_from 127.0.0.1 question
        prints 1 127.255.255.255 "127.0.0.1:$mine" ${#word} "$word"
        any_address
        sent+=$'\n'"then to $host"
        asks "$host" question
        answered_from "$host" question
        prints 2 "$host" "127.0.0.1:$mine" ${#word} "$word"
        stop_program
    done
}

# proves: 9 12
@test "any datagram comes back whole, from the empty one to the largest; of a long one, the line shows 1024 bytes" {
    see='lesson 4, "Read the program", step 3; a struct iovec keeps its length from call to call'
    local size text number=0 shown
    serve_program 0
    for size in 0 1 1024 1025 0 3000 40000 65507 2; do
        head -c "$size" /dev/zero | tr '\0' q >question
        number=$((number + 1))
        sent="a datagram of $size bytes to 127.0.0.1, question $number"
        asks 127.0.0.1 question
        answered_from 127.0.0.1 question
        text=$(head -c 1024 question)
        ((size <= 1024)) || text+=" [shown: 1024 of $size bytes]"
        prints $number 127.0.0.1 "127.0.0.1:$mine" "$size" "$text"
    done
    head -c 5000 /dev/urandom >question
    printf '\0\1\nend\0' >>question
    sent='5007 random bytes, zero bytes among them'
    asks 127.0.0.1 question
    answered_from 127.0.0.1 question
}

# proves: 4 12
@test "what is shown does no harm, and all bytes come back as they came" {
    see='common/text.h: show_datagram'
    new_word
    printf '%s\0\033[31m\n\xff\xe2\x80\xaeé你\n' "$word" >question
    serve_program 0
    sent="a datagram with control characters: $(cat -v question | tr -d '\0')"
    asks 127.0.0.1 question
    answered_from 127.0.0.1 question
    prints 1 127.0.0.1 "127.0.0.1:$mine" $((${#word} + 17)) "$word"'\x00\x1b[31m\n\xff\u202eé你\n'
}

# proves: 1 3 6 7 8 9 11
@test "with -b :: it serves IPv6 and IPv4, and answers IPv4, too, from the address that was asked" {
    see='this exercise, "From where?": one socket for both'
    local number=0 source
    needs_ipv6
    serve_program -b :: 0
    wanted "on standard error: right-door: bound to [::]:$port" "on standard error: $(cat program.err)"
    for host in any ::1 any ::1 127.255.255.255 any any; do
        source=127.0.0.1
        [ $host != ::1 ] || source='[::1]'
        [ $host != any ] || any_address
        new_word
        printf '%s' "$word" >question
        number=$((number + 1))
        sent="\"$word\" to $host, question $number"
        asks "$host" question
        case $host in
        ::1) answered_from '[::1]' question ;;
        127.255.255.255) answered_from 127.0.0.1 question ;;
        *) answered_from "$host" question ;;
        esac
        prints $number "$host" "$source:$mine" ${#word} "$word"
    done
    head -c 65527 /dev/zero | tr '\0' q >question
    sent='65527 bytes to ::1'
    asks ::1 question
    answered_from '[::1]' question
    head -c 65507 question >smaller
    sent="65507 bytes to $host"
    asks "$host" smaller
    answered_from "$host" smaller
}

# own_ipv6: a network of its own, in which this machine has several IPv6 addresses; two are link-local.
own_ipv6() {
    own_network 2001:db8:1::1 2001:db8:2::2 2001:db8:3::3 || return
    reason='no IPv6 here'
    # shellcheck disable=SC2016
    "${inside[@]}" sh -c 'PATH=$PATH:/usr/sbin:/sbin
        ip link add eth0 type veth peer name eth1 && ip link set eth1 up && ip link set eth0 up &&
        ip address add fe80::77/64 dev eth0 nodad && ip address add fe80::88/64 dev eth0 nodad &&
        ip address add 2001:db8:4::4/64 dev eth0 nodad' 2>/dev/null
}

# forbid_the_answer ADDRESS: somebody at ADDRESS asks, and goes; then no datagram may be sent there.
forbid_the_answer() {
    # shellcheck disable=SC2016
    "${inside[@]}" sh -c 'PATH=$PATH:/usr/sbin:/sbin
        ip address add "$1/128" dev lo nodad && { "$2" call 2001:db8:1::1 "$3" "$1" <question >/dev/null 2>call.err & } &&
        until grep -q "sent it" call.err; do sleep 0.01; done && kill "$!" &&
        ip address del "$1/128" dev lo && ip route add prohibit "$1/128"' sh "$1" "$PROBE" "$port" >forbid.err 2>&1
}

# proves: 6 11 15
@test "the same over IPv6, on a machine with several addresses" {
    see='this exercise, "From where?": IPV6_PKTINFO'
    local number=0 pair source asked
    own_ipv6 || skip "no network of its own: $reason"
    serve_program -b :: 0
    for pair in '2001:db8:1::1 2001:db8:2::2' '2001:db8:3::3 2001:db8:1::1' '2001:db8:2::2 ::1' 'fe80::77%eth0 fe80::88%eth0' \
        'fe80::88%eth0 fe80::77%eth0' 'fe80::77%eth0 2001:db8:4::4' '2001:db8:1::1 2001:db8:3::3'; do
        host=${pair% *} source=${pair#* }
        new_word
        printf '%s' "$word" >question
        number=$((number + 1))
        sent="\"$word\" from $source to $host, question $number"
        asks "$host" question "$source"
        answered_from "[$host]" question
        program_writes program.out $number 'a line on standard output'
        asked=${lines[number - 1]/asked at fe80::77 /asked at fe80::77%eth0 } # with or without the interface
        asked=${asked/asked at fe80::88 /asked at fe80::88%eth0 }
        wanted "#$number asked at $host by [$source]:$mine, returned ${#word} bytes: $word" "$asked"
    done
    any_address
    sent="to $host"
    asks "$host" question
    answered_from "$host" question
    # A question whose answer the routing table forbids, when it is to be sent.
    sent="from 2001:db8:5::5, to which the routing table then forbids the way"
    kill -STOP "$program"
    forbid_the_answer 2001:db8:5::5 || complain 'a network in which this can be tried' "$(cat forbid.err)"
    kill -CONT "$program"
    await_lines program.err 2 >/dev/null || complain 'a warning on standard error' "$(cat program.err)"
    sent+=$'\n'"to $host"
    asks "$host" question
    answered_from "$host" question
}

# proves: 1 4 5
@test "with -b ADDRESS it takes and answers what comes to that address" {
    see='lesson 3, "Read the program", step 2'
    any_address
    new_word
    printf '%s' "$word" >question
    serve_program -b "$host" 0
    sent="\"$word\" to $host, with -b $host"
    asks "$host" question
    answered_from "$host" question
    prints 1 "$host" "127.0.0.1:$mine" ${#word} "$word"
    sent="the same from 127.0.0.1:$port: the same port at another address"
    asks "$host" question 127.0.0.1 "$port"
    answered_from "$host" question
    prints 2 "$host" "127.0.0.1:$port" ${#word} "$word"
}

# proves: 15 16
@test "a datagram that cannot be answered causes a warning, and does not count" {
    see='lesson 4, "The idea": anybody can send anything, from a source port of 0, too'
    local said
    allow_port_0 || skip "nothing can be sent from port 0 here: $reason"
    serve_program 0
    new_word
    printf '%s' "$word" >question
    sent='"x" from port 0, to which no answer can go, twice'
    tell_from_port_0 "$port" x
    tell_from_port_0 "$port" x
    sent+=$'\n'"then \"$word\" to 127.0.0.1, then Ctrl-C"
    asks 127.0.0.1 question
    answered_from 127.0.0.1 question
    prints 1 127.0.0.1 "127.0.0.1:$mine" ${#word} "$word"
    stop_program
    mapfile -t said <program.err
    ((${#said[@]} > 3)) || complain 'two warnings on standard error' "$((${#said[@]} - 2))"
    wanted 'right-door: stopped after 1 datagrams' "${said[-1]/%datagram/datagrams}"
}

# proves: 14 16 17
@test "Ctrl-C or SIGTERM ends it, with a summary and exit 0; so does nothing else, but output that cannot be written" {
    see='lesson 4, "Read the program", step 3: why MSG_DONTWAIT'
    local said
    serve_program 0
    is_not_woken
    sent='nothing'
    stop_program TERM
    nothing_in program.out
    wanted 'on standard error: right-door: stopped after 0 datagrams' "on standard error: $(tail -n +2 program.err)"

    printf x >question
    sent='"x" to 127.0.0.3'
    serve_program 0
    asks 127.0.0.3 question
    program_writes program.out 1 'a line on standard output'
    is_not_woken
    stop_program
    said=$(tail -n +2 program.err)
    wanted 'on standard error: right-door: stopped after 1 datagram' "on standard error: ${said%s}"

    see='common/program.h: flush_output'
    sent='"x", and standard output is /dev/full, where nothing can be written'
    start_into '>/dev/full' 0
    is_bound
    asks 127.0.0.1 question
    program_ends
    wanted 'on standard error: right-door: cannot write standard output: No space left on device' \
        "on standard error: $(tail -n +2 program.err)"
    wanted 'exit status 1' "exit status $status"
}

# proves: 1 2 3 18 19 20
@test "-h helps; where it is bound, and what cannot be right, is told" {
    see='lesson 3, "Read the program", step 2, and "What can go wrong"; parse_arguments'
    is_called_as_echo_is right-door
}
