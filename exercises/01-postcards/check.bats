# The checks of exercise 1, postcards: each is a requirement of its README.md.

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

@test "every line is one datagram, in order, without its newline" {
    see='lesson 1, "Read the program", step 4: one sendto, one datagram'
    peer desk
    new_number 3 12
    some_lines "$number"
    sent="$number lines on standard input"
    run_program 127.0.0.1 "$desk" <<<"${lines%$'\n'}"
    wanted "$(as_heard <<<"${lines%$'\n'}")" "$(all_heard desk)"
}

@test "it says how many datagrams and bytes it has sent, or why it cannot send: exit 1" {
    see='lesson 1, "Read the program", step 4: what sendto returns'
    peer desk
    new_number 300 900
    some_lines "$number"
    sent="$number lines of $((${#lines} - number)) bytes in all, newlines not counted"
    run_program 127.0.0.1 "$desk" <<<"${lines%$'\n'}"
    wanted "sent $number datagrams, $((${#lines} - number)) bytes" "$out"
    wanted 'exit status 0' "exit status $status"
    sent="three lines to 127.255.255.255, a broadcast address, where sendto fails"
    run_program 127.255.255.255 "$desk" <<<$'one\ntwo\nthree'
    wanted_like "postcards: cannot send 3 bytes to 127\.255\.255\.255:$desk: [^"$'\n'"]*" "$err" \
        "postcards: cannot send 3 bytes to 127.255.255.255:$desk: ... on standard error, and nothing else"
    wanted 'on standard output: nothing' "on standard output: ${out:-nothing}"
    wanted 'exit status 1' "exit status $status"
}

@test "an empty line is an empty datagram" {
    see='UDP in ten minutes, "Check yourself", question 3: an empty datagram is a datagram like any other'
    peer desk
    new_word
    sent="three lines: \"$word\", an empty one, \"$word\""
    run_program 127.0.0.1 "$desk" <<<"$word"$'\n\n'"$word"
    wanted "${#word} $word"$'\n0 \n'"${#word} $word" "$(all_heard desk)"
    wanted "sent 3 datagrams, $((2 * ${#word})) bytes" "$out"
}

@test "a last line without a newline is sent, too" {
    see='this exercise, "The contract"'
    peer desk
    new_word
    sent="\"first\\n\", then \"$word\" with no newline behind it"
    printf 'first\n%s' "$word" >typed
    run_program 127.0.0.1 "$desk" <typed
    wanted "5 first"$'\n'"${#word} $word" "$(all_heard desk)"
}

@test "no input sends nothing: sent 0 datagrams, 0 bytes" {
    see='this exercise, "The contract"'
    peer desk
    sent='an empty standard input'
    run_program 127.0.0.1 "$desk"
    wanted '' "$(all_heard desk)"
    wanted 'sent 0 datagrams, 0 bytes' "$out"
    wanted 'exit status 0' "exit status $status"
}

@test "a line is any bytes: a zero byte does not end it" {
    see='lesson 1, "Read the program", step 4: the length is given as a number'
    peer desk
    new_word
    sent="three lines: \"$word\", a zero byte, \"$word\"; \" \\t$word\\xff\\r\"; \"$word \\t \""
    printf '%s\0%s\n \t%s\xff\r\n%s \t \n' "$word" "$word" "$word" "$word" >typed
    run_program 127.0.0.1 "$desk" <typed
    wanted "$((2 * ${#word} + 1)) $word\\x00$word
$((${#word} + 4))  \\t$word\\xff\\r
$((${#word} + 3)) $word \\t " "$(all_heard desk)"
}

@test "the longest line that fits, 65507 bytes, is sent whole" {
    see='UDP in ten minutes: why 65,507'
    peer desk
    sent='one line of 65507 bytes'
    long_line 65507 >typed
    run_program 127.0.0.1 "$desk" <typed
    wanted 65507 "$(all_heard desk | cut -d ' ' -f 1)"
    wanted 'sent 1 datagrams, 65507 bytes' "$out"
    wanted 'exit status 0' "exit status $status"
}

@test "a longer line is reported with its number and skipped, the rest is sent, and it exits 1" {
    see='UDP in ten minutes: why 65,507'
    local first second i lengths=65508
    peer desk
    new_number 2 9
    first=$number
    new_number $((first + 1)) $((first + 9))
    second=$number
    new_number 65509 90000
    ((RANDOM % 2)) && lengths+=" $number" || lengths="$number $lengths"
    sent="$((second + 1)) lines, line $first of ${lengths% *} bytes, line $second of ${lengths#* }"
    for ((i = 1; i <= second + 1; i++)); do
        if ((i == first)); then
            long_line "${lengths% *}"
        elif ((i == second)); then
            long_line "${lengths#* }"
        else
            new_word
            echo "$word" | tee -a short
        fi
    done >typed
    run_program 127.0.0.1 "$desk" <typed
    wanted "$(as_heard <short)" "$(all_heard desk)"
    wanted "sent $((second - 1)) datagrams, $(($(wc -c <short) - second + 1)) bytes" "$out"
    wanted "messages on standard error that name line $first, line $second" \
        "messages on standard error that name $(grep -o 'line [0-9][0-9]*' <<<"$err" | uniq | paste -sd , | sed 's/,/, /g')"
    wanted 'exit status 1' "exit status $status"
}

@test "HOST may be an IPv6 address" {
    needs_ipv6
    see='lesson 1, "Read the program", step 1: the family of the socket is that of the address'
    peer desk ::1
    new_word
    new_number 65508 65527
    sent="three lines to [::1]:$desk: \"$word\", one of $number bytes, \"after\""
    { echo "$word" && long_line "$number" && echo after; } >typed
    run_program ::1 "$desk" <typed
    wanted "${#word} $word"$'\n5 after' "$(all_heard desk | cut -c -70)"
    wanted 'exit status 1' "exit status $status"
}
