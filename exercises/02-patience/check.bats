# The checks of exercise 2, patience: each proves sentences of the contract in its README.md. The desk is
# who is asked; a stranger is anybody else.
#
# shellcheck disable=SC2030,SC2031,SC2034,SC2128,SC2153,SC2154  # checks.bash uses what is set here, and sets the peers' ports

load ../checks

# asked COUNT: waits until the desk was asked COUNT times; $asker is the port that asks.
asked() {
    local naps=0 gone=0 lines=()
    until has_lines desk.out "$1"; do
        running || ((gone++ < 10)) ||
            complain "try $1 at 127.0.0.1:$desk" "the program has ended after ${#lines[@]} tries"
        keep_waiting ||
            complain "try $1 at 127.0.0.1:$desk" "in $long, ${#lines[@]} tries"
    done
    asker=${lines[0]%% *}
}

# ended: waits until the program has ended; fills in $out, $err and $status.
ended() {
    program_ends
    read_output
    how_it_ended "$status"
    [[ $how = with* ]] || complain 'the program ends by itself' "it was ended $how"
}

# answered TRIES TEXT: the program has ended with this answer.
answered() {
    ended
    wanted_out "answer after $1 tries: $2"
    wanted_err ''
    wanted_status 0
}

# given_up TRIES: the program has ended without one.
given_up() {
    wanted_out ''
    wanted_err "patience: no answer after $1 tries"
    wanted_status 1
}

# proves: 1 2 12 13
@test "an answer to the first try is printed at once, exit 0" {
    see='lesson 2, "Read the program", steps 4 to 6'
    peer desk
    new_word
    text="$word %s"
    new_word
    sent="patience -w 9 asks \"$text\", the answer is \"$word %d\""
    start_program -w 9 -n 2 127.0.0.1 "$desk" "$text"
    asked 1
    tell desk "$asker" "$word %d"
    answered 1 "$word %d"
    wanted "at the desk: ${#text} $text" "at the desk: $(all_heard desk)"
}

# proves: 2 5 6 15
@test "without an answer it asks TRIES times in all, the same text from the same port, exit 1" {
    see='lesson 2, "The idea": the question may be lost, or the answer; and this exercise, "The contract"'
    peer desk
    new_word
    sent='patience -w 0.0000001 -n 1, and the desk is silent'
    run_program -w 0.0000001 -n 1 127.0.0.1 "$desk" "$word"
    given_up 1
    for number in 1 2 "$((RANDOM % 10 + 257))"; do
        sent="patience -w 0.001 -n $number asks \"$word\", and the desk is silent"
        # (A timeout of SO_RCVTIMEO is some milliseconds longer than it should be.)
        DEADLINE=5 run_program -w 0.001 -n "$number" 127.0.0.1 "$desk" "$word"
        given_up "$number"
    done
    wanted "$((4 + number)) times at the desk: ${#word} $word" \
        "$(all_heard desk | uniq -c | sed 's/^ *\([0-9]*\) /\1 times at the desk: /')"
    wanted 'all tries of one run from one port' "$(tail -n "$number" desk.out | cut -d ' ' -f 1 | uniq | wc -l |
        sed 's/^1$/all tries of one run from one port/; t; s/$/ ports/')"
}

# proves: 4 5
@test "every try waits SECONDS and no longer, the last one, too; without -n there are three" {
    see='lesson 2, "Read the program", step 5: now and wait_for_input'
    local begin first moment try
    for try in 1 2; do # on a busy machine the second one, which is longer, tells
        rm -f desk.*
        peer desk
        new_number $((100 * try)) $((130 * try)) # long, next to the time that a program takes to start
        sent="patience -w 0.$number, and the desk is silent"
        begin=${EPOCHREALTIME/[.,]/}
        start_program -w "0.$number" 127.0.0.1 "$desk" x
        asked 1
        first=${EPOCHREALTIME/[.,]/}
        asked 3
        moment=${EPOCHREALTIME/[.,]/}
        ended
        ((moment - first > number * 2500)) || break
        ((try < 2)) || complain "try 3 comes 2 times $number milliseconds after try 1" "after $(((moment - first) / 1000)) milliseconds"
    done
    moment=${EPOCHREALTIME/[.,]/}
    ((moment - begin >= number * 3000)) ||
        complain "an end after 3 times $number milliseconds" "after $(((moment - begin) / 1000)) milliseconds"
    given_up 3
    wanted $'1 x\n1 x\n1 x' "$(all_heard desk)"
}

# proves: 3 4 5 17 19 20 21
@test "SECONDS is 1 if it is left out; -h helps; what cannot be right is told: exit 2" {
    see='lesson 2, "Read the program", step 5, and "Run it"; parse_arguments'
    local begin later moment waiting longer bad
    peer desk
    peer nobody
    begin=${EPOCHREALTIME/[.,]/}
    sent="patience -n 1, and the desk is silent"
    start_program -n 1 127.0.0.1 "$desk" x
    asked 1
    later=${EPOCHREALTIME/[.,]/}
    start longer "$PROGRAM" -w 1.35 -n 1 127.0.0.1 "$desk" y
    longer=$pid
    is_not_woken
    waiting=$program program=
    mv program.out asking.out # what it prints comes there
    mv program.err asking.err

    helps
    refuses
    refuses 127.0.0.1 "$nobody"
    refuses 127.0.0.1 "$nobody" x y
    refuses -x 127.0.0.1 "$nobody" x
    for bad in '' 0 "${nobody}x" "$((nobody + 65536))"; do refuses 127.0.0.1 "$bad" x; done
    for bad in '' 0 -1 1x; do refuses -w "$bad" 127.0.0.1 "$nobody" x; done
    for bad in '' 0 1001 -1 3x; do refuses -n "$bad" 127.0.0.1 "$nobody" x; done
    wanted 'nothing sent' "$(all_heard nobody)nothing sent"
    sent='patience -n 1000 to 127.255.255.255, a broadcast address, where sendto fails'
    run_program -n 1000 127.255.255.255 7788 hello
    wanted_like 'patience: cannot send 5 bytes to 127\.255\.255\.255:7788: [^'$'\n'']*' "$err" \
        'on standard error: patience: cannot send 5 bytes to 127.255.255.255:7788: and the reason'
    wanted_out ''
    wanted_status 1

    program=$waiting
    mv asking.out program.out
    mv asking.err program.err
    sent="patience -n 1, and the desk is silent"
    took_a_second "$begin" -n 1 127.0.0.1 "$desk" x
    wanted 'exit status 1' "exit status $status"
    sent='patience -w 1.35 -n 1, and the desk is silent'
    await_exit "$longer" >/dev/null || complain 'the program ends' "$long later it was still running"
    moment=${EPOCHREALTIME/[.,]/}
    ((moment - later >= 1350000)) || complain 'an end after 1.35 seconds' "after $(((moment - later) / 1000)) milliseconds"
}

# proves: 10 12 13
@test "a late answer, to an earlier try, counts" {
    see='lesson 2, "The idea": an answer comes to the port that asked'
    peer desk
    new_word
    sent="patience -w 0.05 asks three times; only then the desk answers \"$word\", to the port of the first try"
    start_program -w 0.05 -n 200 127.0.0.1 "$desk" hello
    asked 3
    tell desk "$asker" "$word"
    ended
    wanted_like "answer after [0-9]+ tries: $word" "$out" "answer after 3 tries: $word"
    wanted_err ''
    wanted_status 0
    local tries=${out#answer after }
    tries=${tries%% *}
    wanted "$(all_heard desk | wc -l) tries, as many as the desk was asked" \
        "$tries tries, as many as the desk was asked"
}

# proves: 1 11
@test "an empty answer is an answer" {
    see='How UDP works, "Check yourself", question 3: an empty datagram is a datagram like any other'
    peer desk
    sent='patience asks "", and the answer is empty, too'
    start_program -w 9 -n 2 127.0.0.1 "$desk" ''
    asked 1
    tell desk "$asker" ''
    answered 1 ''
    wanted '0 ' "$(all_heard desk)"
}

# proves: 1 14
@test "the answer is printed safely, and cut at 1024 bytes with a word" {
    see='lesson 2, "Read the program", steps 5 and 6: MSG_TRUNC, show_datagram'
    local question
    peer desk
    printf -v question '%*s' $((RANDOM % 2000 + 1025)) ''
    for number in 1024 $((65507 - RANDOM % 2000)); do
        head -c $((number - 5)) /dev/zero | tr '\0' y >text # (for bash it would be much)
        sent="patience asks with ${#question} blanks, and the answer is \"A\", the bytes 1b and 00, \"B\", $((number - 5)) times \"y\" and a newline"
        start_program -w 9 -n 2 127.0.0.1 "$desk" "$question"
        comes desk.out $((number == 1024 ? 1 : 2)) || complain 'a question at the desk' 'none'
        asker=$(tail -n 1 desk.out)
        echo "${asker%% *} 411b0042$(sed 's/y/79/g' text)0a" >desk.in
        ((number > 1024)) || answered 1 "A\\x1b\\x00B$(<text)\\n"
    done
    answered 1 "A\\x1b\\x00B$(head -c 1020 text) [cut: 1024 of $number bytes]"
    wanted "at the desk, two times: ${#question} blanks" \
        "at the desk, two times: $(all_heard desk | uniq | awk '{ print $1, length == length($1) + 1 + $1 ? "blanks" : $2 }')"
}

# proves: 7 8 12 17
@test "a datagram from another port is ignored, and ends no try" {
    see='lesson 2, "Look inside": the socket is connected to nobody'
    peer desk
    peer stranger
    new_word
    sent="127.0.0.1:$desk is asked, 127.0.0.1:$stranger says \"chatter\", then nothing in a datagram; then 127.0.0.1:$desk says \"$word\""
    start_program -w 9 -n 2 127.0.0.1 "$desk" hello
    asked 1
    # The stranger writes to the desk, too. When the desk has it, the program has had the chatter.
    printf '%s\n' "$asker 63686174746572" "$asker " "$desk 78" >stranger.in
    asked 2
    is_not_woken
    tell desk "$asker" "$word"
    answered 1 "$word"
    wanted "5 hello"$'\n'"1 x" "$(all_heard desk)"
}

# proves: 7 8
@test "a datagram from another address with the same port is ignored" {
    see='lesson 2, "What can go wrong": the answer comes from another address'
    peer desk 0.0.0.0 # asked at 127.0.0.2, it answers from 127.0.0.1
    new_word
    sent="127.0.0.2:$desk is asked, 127.0.0.1:$desk says \"$word\""
    start_program -w 0.1 -n 1 127.0.0.2 "$desk" hello
    asked 1
    tell desk "$asker" "$word"
    ended
    given_up 1
}

# proves: 5 6 8 9
@test "strangers do not start the clock again" {
    see='lesson 2, "Read the program", step 5: why a deadline, and not a number of seconds'
    peer desk
    peer stranger
    sent="patience -w 0.2 asks 127.0.0.1:$desk, which is silent; 127.0.0.1:$stranger chatters without a pause"
    local begin=${EPOCHREALTIME/[.,]/} took
    start_program -w 0.2 -n 2 127.0.0.1 "$desk" hello
    asked 1
    local naps=0 lines=()
    until has_lines desk.out 2; do
        running || complain 'try 2 after 0.2 seconds' 'the program has ended before it'
        printf "$asker %s\n" 78 79 7a 78 79 7a >stranger.in
        keep_waiting || complain 'try 2 after 0.2 seconds' "in $long, no second try"
    done
    took=$((${EPOCHREALTIME/[.,]/} - begin))
    ((took >= 200000)) || complain 'try 2 after 0.2 seconds' "after $((took / 1000)) milliseconds"
    nothing_in program.out
    wanted 'at the desk: 5 hello' "at the desk: $(cut -d ' ' -f 2- desk.out | uniq)"
}

# proves: 16
@test "nobody at the port is silence: it waits and asks again" {
    see='lesson 2, "Look inside": Port Unreachable'
    peer desk
    all_heard desk >/dev/null # it goes away: the port is nobody's
    sent="patience -w 0.03 -n 2 asks 127.0.0.1:$desk, where nobody is"
    local begin=${EPOCHREALTIME/[.,]/}
    run_program -w 0.03 -n 2 127.0.0.1 "$desk" hello
    local took=$((${EPOCHREALTIME/[.,]/} - begin))
    given_up 2
    ((took >= 60000)) ||
        complain "an end after 2 times 30 milliseconds" "after $((took / 1000)) milliseconds"
}

# proves: 7 18
@test "HOST may be a name or an IPv6 address, and strangers are told by address and port there, too" {
    see='lesson 2, "Read the program", step 1: endpoint_resolve takes all of them'
    peer desk
    ! has_ipv6 || peer desk6 ::1 "$desk" # a name may have both addresses
    new_word
    sent="localhost:$desk is asked, and answers \"$word\""
    start_program -w 9 -n 1 localhost "$desk" hello
    naps=0
    until [ -s desk.out ] || { has_ipv6 && [ -s desk6.out ]; }; do
        { running && keep_waiting; } || complain "try 1 at localhost:$desk" 'none'
    done
    if [ -s desk.out ]; then
        asked 1
        tell desk "$asker" "$word"
    else
        read -r asker _ <desk6.out
        tell desk6 "$asker" "$word"
    fi
    answered 1 "$word"

    needs_ipv6 'only in part: '
    see='lesson 2, "Read the program", step 1: the family of the socket; hint 4: struct sockaddr_in6'
    rm -f desk*
    peer desk ::1
    peer stranger ::1
    peer mapped 127.0.0.1 "$desk" # to a socket of IPv6 it is ::ffff:127.0.0.1
    new_word
    sent="[::1]:$desk is asked; \"chatter\" comes from [::1]:$stranger and from 127.0.0.1:$desk, then [::1]:$desk says \"$word\""
    start_program -w 9 -n 1 ::1 "$desk" hello
    asked 1
    printf '%s\n' "$asker 63686174746572" "$desk 78" >stranger.in
    asked 2
    tell mapped "$asker" chatter
    tell mapped "$mapped" x # once it has this, the program has had the chatter
    comes mapped.out 1
    tell desk "$asker" "$word"
    answered 1 "$word"
}
