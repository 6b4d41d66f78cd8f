# The checks of exercise 3, blank-page: each proves sentences of the contract in its README.md.
#
# shellcheck disable=SC2030,SC2031,SC2034,SC2128,SC2154  # checks.bash uses what is set here, and sets the peers' ports

load ../checks

# starts_to_wait [PORT]: `wait` runs and has said its port, which is in $port.
starts_to_wait() {
    local wanted='on standard output: port 7788 (or another number)'
    sent="blank-page wait ${1-0}"
    start_program wait "${1-0}"
    program_writes program.out 1 "$wanted"
    [[ ${lines[0]} =~ ^port\ ([1-9][0-9]*)$ ]] || complain "$wanted" "on standard output: ${lines[0]}"
    port=${BASH_REMATCH[1]}
}

# asks COUNT ARGUMENT...: runs with these arguments until the peer desk has got COUNT datagrams in all; $asker
# is the port that asks.
asks() {
    sent="blank-page ${*:2}"
    start_program "${@:2}"
    comes desk.out "$1" || complain "a datagram at 127.0.0.1:$desk" "none in $long"
    asker=$(tail -n 1 desk.out)
    asker=${asker%% *}
}

# weighs SIZE: `wait` replies to a datagram of SIZE bytes with its length, and ends; $port is its port.
weighs() {
    sent+=$'\n'"then somebody sends it a datagram of $1 bytes"
    head -c "$1" /dev/urandom | "$PROBE" ask 127.0.0.1 "$port" >reply 2>reply.err &
    pids+=("$!")
    await_exit "$!" >/dev/null || complain "the reply \"$1\"" 'no reply'
    wanted "the reply \"$1\", ${#1} bytes" "the reply \"$(tr -d '\0' <reply)\", $(wc -c <reply) bytes"
    program_ends 0
    wanted "on standard output: port $port" "on standard output: $(cat program.out)"
    nothing_in program.err
}

# rejects ARGUMENT...: a message on standard error, nothing else, exit status 2.
rejects() {
    sent="$(printf ' "%s"' "$@")"
    sent="the arguments${*:+$sent}"
    run_program "$@"
    wanted_out ''
    [ -n "$err" ] || complain 'a message on standard error' 'on standard error: (nothing)'
    wanted_status 2
}

# proves: 5 6
@test "wait binds to the port on all addresses, and prints which port it is" {
    see='lesson 3, "Read the program": bind and getsockname; and "What you need from the lesson": fflush'
    starts_to_wait
    sent+=", then a datagram to 127.9.9.9:$port"
    "$PROBE" send 127.9.9.9 "$port" <<<hello
    program_ends 0
    peer before
    all_heard before >/dev/null # its port is free again
    starts_to_wait "$before"
    wanted "on standard output: port $before" "on standard output: ${lines[0]}"
    weighs 4
}

# proves: 7 8 9
@test "wait replies to a datagram of any size with its length, and ends" {
    see='lesson 2, "Read the program", step 5: recvfrom returns the length, and fills in who has sent'
    local size
    new_number 1025 65000
    for size in 5 0 "$number" 65507; do
        starts_to_wait
        weighs "$size"
    done
}

# proves: 7 8 9
@test "wait sleeps as long as it takes, and takes one datagram" {
    see='lesson 3, "Run it": bind waits until something comes, and ends'
    peer desk 127.0.0.2
    starts_to_wait
    sleeps_without_a_timer
    see='man 7 signal: with a time limit on the socket (SO_RCVTIMEO), recvfrom fails once the program was stopped'
    sent+=', is stopped, and goes on (SIGSTOP, SIGCONT)'
    kill -STOP "$program"
    while running && [[ $state != T ]] && nap; do :; done
    kill -CONT "$program"
    is_not_woken
    see='lesson 3, "Run it": bind waits until something comes, and ends'
    sent+=", then \"abc\" and \"longer\" from 127.0.0.2:$desk"
    printf '%s\n' "$port 616263" "$port 6c6f6e676572" >desk.in
    program_ends 0
    wanted "at 127.0.0.2:$desk: 1 3" "at 127.0.0.2:$desk: $(all_heard desk)"
}

# proves: 1 2 10
@test "send sends the text, prints the reply, and ends at once" {
    see='lesson 1, "Read the program", steps 2 and 4; lesson 2, "Read the program", step 5'
    local count=0 naps text who host
    peer desk
    peer stranger 127.0.0.2
    new_word
    for text in "$word" '' "$word %s 你好 "; do
        asks $((++count)) send 127.0.0.1 "$desk" "$text"
        wanted "at 127.0.0.1:$desk: $(printf %s "$text" | wc -c) $text" \
            "at 127.0.0.1:$desk: $(tail -n 1 desk.out | cut -d ' ' -f 2-)"
        new_word
        who=desk host=127.0.0.1
        ((count < 3)) || who=stranger host=127.0.0.2
        sent+=$'\n'"then $host:${!who} replies \"<$word 12>\""
        tell $who "$asker" "<$word 12>"
        for ((naps = 0; naps < 100; naps++)); do # a third of a second; longer on a busy machine
            running || break
            nap
        done
        ! running || complain 'the program ends at once' 'it goes on waiting'
        program_ends 0
        wanted "on standard output: <$word 12>" "on standard output: $(cat program.out)"
        nothing_in program.err
    done
}

# proves: 2
@test "a reply has any size, also none" {
    see='lesson 2, "Read the program", step 5: recvfrom cuts off what does not fit into the buffer'
    local large
    large=$(head -c $((2 * 65506)) /dev/zero | tr '\0' 7)0a
    peer desk
    asks 1 send 127.0.0.1 "$desk" hello
    sent+=$'\nthen an empty datagram comes'
    tell desk "$asker" ''
    program_ends 0
    wanted 'on standard output: 1 byte, a newline' \
        "on standard output: $(wc -c <program.out) byte, $([ "$(cat program.out)" = '' ] && echo a newline)"
    asks 2 send 127.0.0.1 "$desk" hello
    sent+=$'\nthen 65506 times "w" and a newline come'
    echo "$asker $large" >desk.in
    program_ends 0
    wanted 'on standard output: 65508 bytes, with the newline' "on standard output: $(wc -c <program.out) bytes, with the newline"
}

# proves: 3
@test "what is not printable in a reply is printed as ?" {
    see='lesson 2, "What can go wrong": the text comes from a stranger, and a terminal obeys some bytes'
    local i letter hex='' shown=''
    for i in {0..255}; do # before it asks: it waits for no more than a second
        printf -v hex '%s%02x' "$hex" "$i"
        printf -v letter '%b' "\\x${hex: -2}"
        ((i >= 32 && i <= 126)) || letter='?'
        shown+=$letter
    done
    peer desk
    asks 1 send 127.0.0.1 "$desk" hello
    sent+=$'\n'"then the bytes ${hex::16}...${hex: -16} come"
    echo "$asker $hex" >desk.in
    program_ends 0
    wanted "on standard output: $shown" "on standard output: $(tr -d '\0' <program.out)"
}

# proves: 4
@test "send sleeps a second; if no reply comes, it gives up: exit 1" {
    see='this exercise, "What you need from the lesson": poll'
    local begin=${EPOCHREALTIME/[.,]/} took NAPS=300 long='2 seconds' # whatever came before: it may take a second
    peer desk
    asks 1 send 127.0.0.1 "$desk" hello
    is_not_woken
    program_ends 1
    took=$(((${EPOCHREALTIME/[.,]/} - begin) / 1000))
    ((took >= 990)) || complain 'an end after a second' "an end after $took milliseconds"
    [ -s program.err ] || complain 'a message on standard error' 'on standard error: (nothing)'
    nothing_in program.out
}

# proves: 1 12
@test "if a call fails, it is named, with the reason: exit 1" {
    see='this exercise, "What you need from the lesson": perror'
    peer desk
    sent="blank-page wait $desk, a port that is taken"
    run_program wait "$desk"
    wanted_like '.*bind.*in use.*' "$err" 'on standard error: bind: Address already in use'
    wanted_out ''
    wanted_status 1
    sent='blank-page send 127.255.255.255 7788 hello, to a broadcast address'
    run_program send 127.255.255.255 7788 hello
    wanted_like '.*(send|connect).*[Pp]ermission denied.*' "$err" 'on standard error: sendto: Permission denied'
    wanted_out ''
    wanted_status 1
    sent='blank-page send, and TEXT has 65508 bytes'
    run_program send 127.0.0.1 "$desk" "$(head -c 65508 /dev/zero | tr '\0' x)"
    wanted_like '.*send.*[Mm]essage too l.*' "$err" 'on standard error: sendto: Message too long'
    wanted_out ''
    wanted_status 1
    wanted 'nothing sent' "$(all_heard desk)nothing sent"
}

# proves: 10 11
@test "a bad argument is told, and nothing is sent: exit 2" {
    see='this exercise, "The contract", 10 and 11; hint 3; man 3 strtol'
    local bad
    peer desk
    rejects
    for bad in listen waiting wai Wait ''; do rejects "$bad" "$desk"; done
    for bad in sender sen wait; do rejects "$bad" 127.0.0.1 "$desk" hello; done
    rejects send 127.0.0.1 "$desk"
    rejects send 127.0.0.1 "$desk" hello you
    rejects wait
    rejects wait 0 0
    for bad in localhost 127.0.0.256 127.1 ::1 ''; do rejects send "$bad" "$desk" hello; done
    for bad in '' 0 -1 65536 "${desk}x" "$((desk + 65536))" "$((desk + (1 << 32)))" port " $desk" "+$desk"; do rejects send 127.0.0.1 "$bad" hello; done
    for bad in '' -1 65536 0x ' 0' +0; do rejects wait "$bad"; done
    wanted 'nothing sent' "$(all_heard desk)nothing sent"
}
