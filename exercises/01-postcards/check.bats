# The checks of exercise 1, postcards: each proves sentences of the contract in its README.md.
#
# shellcheck disable=SC2030,SC2031,SC2034,SC2128,SC2154  # checks.bash uses what is set here, and sets the peers' ports

load ../checks

# some_lines COUNT: COUNT lines of random words in $lines, each with its newline.
some_lines() {
    local i
    lines=
    for ((i = 0; i < $1; i++)); do
        new_word
        lines+="$word $RANDOM"$'\n'
    done
}

# long_line LENGTH: a line of LENGTH times "x".
long_line() {
    head -c "$1" /dev/zero | tr '\0' x
    echo
}

# as_heard: the lines as a peer prints them: LENGTH TEXT.
as_heard() {
    awk '{ print length($0), $0 }'
}

# names_the_lines N...: on standard error, these lines are named as too long, and no others.
names_the_lines() {
    local named
    named=$(grep -o 'line [0-9][0-9]*' <<<"$err" | uniq | paste -sd , | sed 's/,/, /g')
    wanted "messages on standard error that name $(printf 'line %s\n' "$@" | paste -sd , | sed 's/,/, /g')" \
        "messages on standard error that name ${named:-no line}"
}

# proves: 1 2
@test "every line is one datagram, in order, without its newline" {
    see='lesson 1, "Read the program", step 4: one sendto, one datagram'
    peer desk
    new_number 3 12
    some_lines "$number"
    sent="$number lines on standard input"
    run_program 127.0.0.1 "$desk" <<<"${lines%$'\n'}"
    wanted "$(as_heard <<<"${lines%$'\n'}")" "$(all_heard desk)"
}

# proves: 10 11 12
@test "it says how many datagrams and bytes it has sent, and exits 0" {
    see='lesson 1, "Read the program", step 4: what sendto returns'
    peer desk
    new_number 300 900
    some_lines "$number"
    sent="$number lines of $((${#lines} - number)) bytes in all, newlines not counted"
    run_program 127.0.0.1 "$desk" <<<"${lines%$'\n'}"
    wanted_out "sent $number datagrams, $((${#lines} - number)) bytes"
    wanted_err ''
    wanted_status 0
    sent='one line: "x"'
    run_program 127.0.0.1 "$desk" <<<x
    wanted_out 'sent 1 datagrams, 1 bytes'
    sent='an empty standard input'
    peer other
    run_program 127.0.0.1 "$other"
    wanted 'no datagram' "$(all_heard other | sed 's/^/a datagram: /')no datagram"
    wanted_out 'sent 0 datagrams, 0 bytes'
    wanted_status 0
}

# proves: 3
@test "an empty line is an empty datagram" {
    see='this exercise, "The contract", 3: an empty datagram is a datagram like any other'
    peer desk
    new_word
    sent="five lines: an empty one, \"$word\", two empty ones, \"$word\""
    run_program 127.0.0.1 "$desk" <<<$'\n'"$word"$'\n\n\n'"$word"
    wanted "0 "$'\n'"${#word} $word"$'\n0 \n0 \n'"${#word} $word" "$(all_heard desk)"
    wanted_out "sent 5 datagrams, $((2 * ${#word})) bytes"
}

# proves: 4
@test "a last line without a newline is sent, too" {
    see='this exercise, "The contract", 4; hint 3'
    peer desk
    new_word
    sent="\"first\\n\", then \"$word\" with no newline behind it"
    printf 'first\n%s' "$word" >typed
    run_program 127.0.0.1 "$desk" <typed
    wanted "5 first"$'\n'"${#word} $word" "$(all_heard desk)"
    wanted_out "sent 2 datagrams, $((5 + ${#word})) bytes"
}

# proves: 2 5
@test "a line is any bytes: a zero byte does not end it" {
    see='lesson 1, "Read the program", step 4: the length is given as a number'
    peer desk
    new_word
    sent="four lines: \"$word\", a zero byte, \"$word\"; a zero byte; \" \\t$word\\xff\\r\"; \"$word \\t \""
    printf '%s\0%s\n\0\n \t%s\xff\r\n%s \t \n' "$word" "$word" "$word" "$word" >typed
    run_program 127.0.0.1 "$desk" <typed
    wanted "$((2 * ${#word} + 1)) $word\\x00$word
1 \\x00
$((${#word} + 4))  \\t$word\\xff\\r
$((${#word} + 3)) $word \\t " "$(all_heard desk)"
}

# proves: 6 12
@test "the longest line that fits, 65507 bytes, is sent whole" {
    see='lesson 1, "What can go wrong": the text is too long'
    peer desk
    sent='one line of 65507 bytes'
    long_line 65507 >typed
    run_program 127.0.0.1 "$desk" <typed
    wanted 'at the peer: datagrams of so many bytes: 65507' "at the peer: datagrams of so many bytes: $(all_heard desk | cut -d ' ' -f 1)"
    wanted_out 'sent 1 datagrams, 65507 bytes'
    wanted_err ''
    wanted_status 0
}

# proves: 6 7 8 12
@test "a longer line is reported with its number and skipped, the rest is sent, and it exits 1" {
    see='lesson 1, "What can go wrong": the text is too long'
    local first second third
    peer desk
    new_number 2 9
    first=$number
    new_number $((first + 1)) $((first + 9))
    second=$number
    new_number 1000000 3000000
    sent="lines of 65508 bytes (line $first), of $number bytes, the second one of them zero (line $second)"
    some_lines $((second - 1))
    printf %s "$lines" >short
    run_program 127.0.0.1 "$desk" < <(
        head -n $((first - 1)) short && long_line 65508
        head -n $((second - 2)) short | tail -n +"$first" && printf 'x\0' && long_line $((number - 2))
        tail -n 1 short
    )
    wanted "$(as_heard <short)" "$(all_heard desk)"
    wanted_out "sent $((second - 1)) datagrams, $(($(wc -c <short) - second + 1)) bytes"
    names_the_lines "$first" "$second"
    wanted_status 1

    peer far
    new_number 257 300
    some_lines "$number"
    third=$((number + 3))
    sent="a line of 65508 bytes, then an empty one and $number short ones, then one of 65508 bytes without a newline (line $third)"
    { long_line 65508 && echo && printf %s "$lines" && long_line 65508 | tr -d '\n'; } >typed
    run_program 127.0.0.1 "$far" <typed
    wanted_out "sent $((number + 1)) datagrams, $((${#lines} - number)) bytes"
    names_the_lines 1 "$third"
    wanted_status 1
}

# proves: 7 9 10 12
@test "however many lines there are, it takes no more memory and no more descriptors" {
    see='lesson 1, "Read the program", step 1: one socket for all; and hint 2: one piece of memory for all lines'
    local before after i line
    peer desk
    all_heard desk >/dev/null # nobody listens: that is faster
    mkfifo typed
    input=typed
    ulimit -n 64
    steady_memory
    start_program 127.0.0.1 "$desk"
    exec {keys}<>typed # while it is open, the program waits for more
    sent='60 lines of 60000 bytes'
    types 60 "$(long_line 60000)"
    before=$(memory "$program")
    sent='260 lines of 60000 bytes'
    types 200 "$(long_line 60000)"
    after=$(memory "$program")
    ((after - before < 6000)) || complain 'memory that does not grow with the number of lines' \
        "$((before / 1024)) MB after 60 lines, $((after / 1024)) MB after 260"
    sent+=$'\n6000 lines, every other one empty, the others "card"'
    types 3000 $'card\n'
    before=$(memory "$program")
    sent+=$'\n60000 more of them'
    DEADLINE=4 types 30000 $'card\n'
    after=$(memory "$program")
    ((after - before < 200)) || complain 'memory that does not grow with the number of lines' \
        "$before kilobytes after 6000 short lines, $after after 66000"
    sent+=$'\na line of 65508 bytes'
    types 1 "$(long_line 65508)"
    exec {keys}>&-
    program_ends 1
    read_output
    wanted_out 'sent 66260 datagrams, 15732000 bytes'
    names_the_lines 66261
    sent='70 lines of 65508 bytes'
    line=$(long_line 65508)
    run_program 127.0.0.1 "$desk" < <(for i in {1..70}; do echo "$line"; done)
    wanted_out 'sent 0 datagrams, 0 bytes'
}

# types COUNT LINE: types LINE so many times, and waits until all is read, but for what a pipe has room for.
types() {
    yes "$2" 2>/dev/null | head -n $(($1 * $(wc -l <<<"$2"))) >&"$keys" &
    pids+=("$!")
    await_exit "$!" >/dev/null || ! running || complain 'all lines are read' "they are not, in $long"
    running || complain 'all lines are read' 'the program has ended'
}

# proves: 13
@test "if sendto fails, it says so and ends: exit 1" {
    see='lesson 1, "Read the program", step 4: sendto returns -1 if it fails'
    sent="three lines to 127.255.255.255, a broadcast address, where sendto fails"
    run_program 127.255.255.255 7788 <<<$'one\ntwo\nthree'
    wanted_like "postcards: cannot send 3 bytes to 127\.255\.255\.255:7788: [^"$'\n'"]*" "$err" \
        "postcards: cannot send 3 bytes to 127.255.255.255:7788: ... on standard error, and nothing else"
    wanted_out ''
    wanted_status 1
    sent="an empty line to 127.255.255.255"
    run_program 127.255.255.255 7788 <<<''
    wanted_like 'postcards: cannot send 0 bytes to .*' "$err" 'on standard error: postcards: cannot send 0 bytes to 127.255.255.255:7788: ...'
    wanted_out ''
    wanted_status 1
}

# proves: 6 14
@test "HOST may be a name or an IPv6 address" {
    see='lesson 1, "Read the program", step 1: endpoint_resolve takes all of them'
    peer desk
    ! has_ipv6 || peer house ::1 "$desk" # a name may have both addresses
    new_word
    sent="\"$word\" to localhost, port $desk"
    run_program localhost "$desk" <<<"$word"
    wanted "${#word} $word" "$(all_heard desk; ! has_ipv6 || all_heard house)"
    needs_ipv6 'only in part: '
    see='lesson 1, "Read the program", step 1: the family of the socket; and this exercise, "The contract", 6 to 8'
    peer lodge ::1
    new_number 65508 65527
    sent="four lines to [::1]:$lodge: \"$word\", one of $number bytes, one of 65507 bytes, \"after\""
    { echo "$word" && long_line "$number" && long_line 65507 && echo after; } >typed
    run_program ::1 "$lodge" <typed
    wanted "${#word} $word"$'\n65507 xxx\n5 after' "$(all_heard lodge | sed 's/xxxx*/xxx/')"
    names_the_lines 2
    wanted_status 1
}

# proves: 15 16
@test "-h helps; a usage error is told, and nothing is sent: exit 2" {
    see='lesson 1, "Read the program": parse_arguments'
    helps
    peer desk
    local port
    refuses
    refuses 127.0.0.1
    refuses 127.0.0.1 "$desk" junk <<<hello
    refuses -x 127.0.0.1 "$desk" <<<hello
    for port in '' 0 -1 65536 "${desk}x" "$((desk + 65536))"; do
        refuses 127.0.0.1 "$port" <<<hello
    done
    wanted 'nothing sent' "$(all_heard desk)nothing sent"
}
