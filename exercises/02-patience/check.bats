# The checks of exercise 2, patience: each is a requirement of its README.md. The desk is who is
# asked; a stranger is anybody else.

# shellcheck disable=SC2034,SC2153,SC2154  # bats and checks.bash use what stands here

load ../checks

# asked COUNT: waits until the desk was asked COUNT times; $asker is the port that asks.
asked() {
    local naps=0 gone=0 lines=()
    until mapfile -t lines <desk.out && ((${#lines[@]} >= $1)); do
        running || ((gone++ < 10)) ||
            complain "try $1 at 127.0.0.1:$desk" "the program has ended after ${#lines[@]} tries"
        keep_waiting ||
            complain "try $1 at 127.0.0.1:$desk" "in $long, ${#lines[@]} tries"
    done
    asker=${lines[0]%% *}
}

# ended: waits until the program has ended; fills in $out, $err and $status.
ended() {
    await_exit "$program" >/dev/null ||
        complain "the program ends" "it was still running after $long"
    slurp program.out
    out=${content%$'\n'}
    slurp program.err
    err=${content%$'\n'}
    ((status <= 128)) ||
        complain "the program ends by itself" "it was ended by SIG$(kill -l $((status - 128)))"
}

# answered TRIES TEXT: the program has ended with this answer.
answered() {
    ended
    wanted "answer after $1 tries: $2" "$out"
    wanted 'exit status 0' "exit status $status"
}

# given_up TRIES: the program has ended without one.
given_up() {
    wanted '' "$out"
    wanted "patience: no answer after $1 tries" "$err"
    wanted 'exit status 1' "exit status $status"
}

@test "an answer to the first try is printed at once, exit 0" {
    see='lesson 2, "Read the program", steps 4 to 6'
    peer desk
    new_word
    text=$word
    new_word
    sent="patience asks \"$text\", the answer is \"$word\""
    start_program -w 9 -n 2 127.0.0.1 "$desk" "$text"
    asked 1
    tell desk "$asker" "$word"
    answered 1 "$word"
    wanted "${#text} $text" "$(all_heard desk)"
}

@test "without an answer it asks TRIES times in all, the same text from the same port, exit 1" {
    see='lesson 2, "The idea": the question may be lost, or the answer; and this exercise, "The contract"'
    peer desk
    new_word
    new_number 2 5
    sent="patience -w 0.02 -n $number asks \"$word\", and the desk is silent"
    run_program -w 0.02 -n "$number" 127.0.0.1 "$desk" "$word"
    given_up "$number"
    wanted "$(for ((i = 0; i < number; i++)); do echo "${#word} $word"; done)" "$(all_heard desk)"
    wanted 'all tries from one port' "$(cut -d ' ' -f 1 desk.out | uniq | wc -l |
        sed 's/^1$/all tries from one port/; t; s/$/ ports/')"
}

@test "every try waits SECONDS asleep, the last one, too; without -n there are three" {
    see='lesson 2, "Read the program", step 5: now and wait_for_input'
    peer desk
    new_number 100 160 # long, next to the time that a program takes to start
    sent="patience -w 0.$number, and the desk is silent"
    local begin=${EPOCHREALTIME/[.,]/} took naps=0 states=
    start_program -w "0.$number" 127.0.0.1 "$desk" x
    asked 1
    while running; do
        states+=$state
        ((naps <= (number * 3 + 1500) * NAPS / 1000)) ||
            complain "an end after 3 times $number milliseconds" 'it still waits, more than a second later'
        keep_waiting
    done
    [[ $states = *S* ]] || complain 'a program that sleeps while it waits (state S)' \
        "states ${states::20}: it went round and round (R)"
    ended
    took=$((${EPOCHREALTIME/[.,]/} - begin))
    ((took >= number * 3000)) ||
        complain "an end after 3 times $number milliseconds" "after $((took / 1000)) milliseconds"
    given_up 3
    wanted $'1 x\n1 x\n1 x' "$(all_heard desk)"
}

@test "a late answer, to an earlier try, counts" {
    see='lesson 2, "The idea": an answer comes to the port that asked'
    peer desk
    new_word
    sent="patience -w 0.05 asks twice; only then the desk answers \"$word\", to the port of the first try"
    start_program -w 0.05 -n 200 127.0.0.1 "$desk" hello
    asked 2
    tell desk "$asker" "$word"
    ended
    wanted_like "answer after [0-9]+ tries: $word" "$out" "answer after 2 tries: $word"
    local tries=${out#answer after }
    tries=${tries%% *}
    wanted "$(all_heard desk | wc -l) tries, as many as the desk was asked" \
        "$tries tries, as many as the desk was asked"
}

@test "an empty answer is an answer" {
    see='UDP in ten minutes, "Check yourself", question 3: an empty datagram is a datagram like any other'
    peer desk
    sent='patience asks "", and the answer is empty, too'
    start_program -w 9 -n 2 127.0.0.1 "$desk" ''
    asked 1
    tell desk "$asker" ''
    answered 1 ''
    wanted '0 ' "$(all_heard desk)"
}

@test "the answer is printed safely, and cut at 1024 bytes with a word" {
    see='lesson 2, "Read the program", steps 5 and 6: MSG_TRUNC, show_datagram'
    peer desk
    new_number 1100 3000
    printf -v long '%*s' "$((number - 3))" ''
    long=${long// /y}
    sent="patience asks, and the answer is \"A\", the byte 1b, \"B\" and $((number - 3)) times \"y\""
    start_program -w 9 -n 2 127.0.0.1 "$desk" hello
    asked 1
    tell desk "$asker" $'A\e'B"$long"
    answered 1 "A\\x1bB${long:0:1021} [cut: 1024 of $number bytes]"
}

@test "a datagram from another port is ignored, and ends no try" {
    see='lesson 2, "Look inside": the socket is connected to nobody'
    peer desk
    peer stranger
    new_word
    sent="127.0.0.1:$desk is asked, 127.0.0.1:$stranger says \"chatter\", then 127.0.0.1:$desk says \"$word\""
    start_program -w 9 -n 2 127.0.0.1 "$desk" hello
    asked 1
    # The stranger writes to the desk, too. When the desk has it, the program has had the chatter.
    printf '%s\n' "$asker 63686174746572" "$desk 78" >stranger.in
    asked 2
    tell desk "$asker" "$word"
    answered 1 "$word"
    wanted "5 hello"$'\n'"1 x" "$(all_heard desk)"
}

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

@test "strangers do not start the clock again" {
    see='lesson 2, "Read the program", step 5: why a deadline, and not a number of seconds'
    peer desk
    peer stranger
    sent="patience -w 0.15 asks 127.0.0.1:$desk, which is silent; 127.0.0.1:$stranger chatters without a pause"
    start_program -w 0.15 -n 2 127.0.0.1 "$desk" hello
    asked 1
    local naps=0 lines=()
    until mapfile -t lines <desk.out && ((${#lines[@]} >= 2)); do
        running || complain 'try 2 after 0.15 seconds' 'the program has ended before it'
        echo "$asker 78" >stranger.in
        DEADLINE=1 keep_waiting ||
            complain 'try 2 after 0.15 seconds' 'in a second, no second try'
    done
    wanted '' "$(cat program.out)"
}

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

@test "HOST may be an IPv6 address" {
    needs_ipv6
    see='lesson 2, "Read the program", step 1: the family of the socket is that of the address'
    peer desk ::1
    new_word
    sent="[::1]:$desk is asked, and answers \"$word\""
    start_program -w 9 -n 1 ::1 "$desk" hello
    asked 1
    tell desk "$asker" "$word"
    answered 1 "$word"
}
