# The checks of exercise 10, who is there: each is a requirement of its README.md.
#
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154  # checks.bash uses $see, and sets $port and $word; checks share nothing

load ../checks

# says NAME PORT TEXT: the peer NAME sends TEXT to PORT.
says() {
    local LC_ALL=C i code hex=
    for ((i = 0; i < ${#3}; i++)); do
        printf -v code '%d' "'${3:i:1}"
        printf -v hex '%s%02x' "$hex" $((code & 255))
    done
    sent+="${sent:+$'\n'}$1: \"${3//$'\n'/\\n}\""
    echo "$2 $hex" >"$1.in"
}

# new_token: 8 hexadecimal digits, in $token.
new_token() {
    printf -v token '%04x%04x' "$((RANDOM * 2))" "$((RANDOM * 2))"
}

# ------------------------------------ serve ------------------------------------

# serves: starts `serve NAME` with a random name; $served is its port.
serves() {
    new_word
    name=$word-$RANDOM
    serve_program serve "$name" 0
    served=$port
}

# hears NAME NUMBER TEXT: the NUMBERth datagram at NAME must be TEXT.
hears() {
    local lines=()
    comes "$1.out" "$2" || complain "at $1: $3" "at $1: nothing"
    mapfile -t lines <"$1.out"
    wanted "at $1: $3" "at $1: ${lines[$2 - 1]#* * }"
}

@test "serve answers each question with its token and the name, and says whom it has answered" {
    see='this exercise, "The contract", serve'
    serves
    peer ann
    peer bob
    log=
    for ((i = 1; i <= 2; i++)); do
        for asker in ann bob; do
            new_token
            says "$asker" "$served" "WHO? $token"
            hears "$asker" "$i" "HERE $token $name"
            log+="answered 127.0.0.1:${!asker}"$'\n'
        done
    done
    comes program.out 4 || true
    slurp program.out
    wanted "$log" "$content"
}

@test "serve answers nothing that is not exactly a question" {
    see='this exercise, "The contract", serve; lesson 4, "Check yourself": received bytes are no string'
    serves
    peer ann
    new_token
    for text in '' 'WHO?' 'WHO? ' "WHO? ${token:1}" "WHO? ${token}0" "WHO? ${token:1}g" "WHO? A${token:1}" "WHO?  ${token:1}" \
        "who? $token" "WHO? $token"$'\n' "WHO? $token $name" "HERE $token $name" "$name"; do
        says ann "$served" "$text"
    done
    echo "$served 57484f3f203031323334353600" >ann.in
    echo "$served 57484f3f20303132333435363700" >ann.in
    sent+=$'\nann: "WHO? 0123456" and a zero byte; "WHO? 01234567" and a zero byte'
    says ann "$served" "WHO? $token"
    hears ann 1 "HERE $token $name"
    new_token
    says ann "$served" "WHO? $token"
    hears ann 2 "HERE $token $name"
    comes program.out 2 || true
    wanted '2 lines on standard output' "$(wc -l <program.out) lines on standard output"
}

@test "serve ends on Ctrl-C, with a summary and exit 0" {
    see='lesson 4, "Read the program"'
    serves
    peer ann
    new_number 2 4
    for ((i = 1; i <= number; i++)); do
        new_token
        says ann "$served" "WHO? $token"
        hears ann "$i" "HERE $token $name"
    done
    says ann "$served" 'noise'
    sent+=$'\nCtrl-C'
    stop "$program" >/dev/null || complain 'the program ends' 'it goes on'
    wanted 'exit status 0' "exit status $status"
    wanted "who-is-there: stopped after $number datagrams" "$(tail -n 1 program.err)"
}

@test "serve goes on after a question that cannot be answered (source port 0)" {
    see='lesson 4, "The idea": anybody can send anything, from a source port of 0, too'
    allow_port_0 || skip "nothing can be sent from port 0 here: $reason"
    serves
    peer ann
    new_token
    tell_from_port_0 "$served" "WHO? $token"
    sent="from port 0, to which no answer can go: \"WHO? $token\""
    new_number 2 4
    for ((i = 1; i <= number; i++)); do
        new_token
        says ann "$served" "WHO? $token"
        hears ann "$i" "HERE $token $name"
    done
    sent+=$'\nCtrl-C'
    stop "$program" >/dev/null || complain 'the program ends' 'it goes on'
    wanted "$number lines on standard output" "$(wc -l <program.out) lines on standard output"
    wanted "who-is-there: stopped after $number datagrams" "$(tail -n 1 program.err)"
    wanted 'exit status 0' "exit status $status"
}

# ------------------------------------- ask -------------------------------------

# ready PEER ADDRESS...: starts `desk`, whom the program will ask, and more peers at addresses of
# loopback.
ready() {
    peer desk 0.0.0.0
    heard=0
    while (($# > 1)); do
        peer "$1" "$2"
        shift 2
    done
}

# asks SECONDS: starts `ask`. Sets $token to that of its question, and $asker to its port.
asks() {
    local lines=()
    begun=${EPOCHREALTIME/[.,]/}
    rm -f program.out
    start_program ask -w "$1" 127.0.0.1 "$desk"
    heard=$((heard + 1))
    comes desk.out "$heard" || complain 'a question: WHO? and a token' "nothing; it ended with: $(cat program.err)"
    mapfile -t lines <desk.out
    [[ ${lines[heard - 1]} =~ ^([0-9]+)\ 13\ WHO\?\ ([0-9a-f]{8})$ ]] ||
        complain 'WHO? and a token of 8 digits 0 to 9, a to f: 13 bytes' "${lines[heard - 1]#* }"
    asker=${BASH_REMATCH[1]} token=${BASH_REMATCH[2]}
    sent="desk was asked: \"WHO? $token\""
}

# in_time SECONDS PEER...: whether all that the peers had to say was sent well before SECONDS had
# passed. If not, the machine is too busy: the round is to be made again.
in_time() {
    local microseconds=${1/0./}00000 name
    shift
    for name in "$@"; do
        echo "$desk" >"$name.in" # an empty datagram, behind all that it had to say
    done
    heard=$((heard + $#))
    comes desk.out "$heard"
    ((${EPOCHREALTIME/[.,]/} - begun < ${microseconds:0:6} * 3 / 4))
}

# lists STATUS LINE...: it must end, and have printed the lines.
lists() {
    local exit_status=$1
    shift
    await_exit "$program" >/dev/null || complain 'the program ends' 'it still waits'
    slurp program.out
    wanted "$(printf '%s\n' "$@")" "${content%$'\n'}"
    wanted "exit status $exit_status" "exit status $status"
}

@test "ask sends one question, with a new token each time; if nobody answers: 0 found, exit 1" {
    see='this exercise, "The contract", ask'
    ready
    asks 0.05
    first=$token
    lists 1 '0 found'
    asks 0.05
    lists 1 '0 found'
    [[ $first != "$token" ]] || complain 'another token the second time' "$token again"
    wanted '2 datagrams at desk' "$(wc -l <desk.out) datagrams at desk"
}

@test "ask lists who has answered, sorted by name, then by address, then by port" {
    see='hint 4: qsort, and addresses as numbers; this exercise, "The contract", ask'
    ready one 127.0.0.10 two 127.0.1.2 three 127.0.0.9 four 127.0.0.9
    for wait in 0.15 0.15 0.3 0.6 0.9; do
        asks "$wait"
        new_word
        says one "$asker" "HERE $token m-$word"
        says two "$asker" "HERE $token m-$word"
        says three "$asker" "HERE $token m-$word"
        says four "$asker" "HERE $token z"
        says desk "$asker" "HERE $token A1234567890123456789012345678901"
        in_time "$wait" one two three four desk && break
    done
    lists 0 "A1234567890123456789012345678901 at 127.0.0.1:$desk" "m-$word at 127.0.0.9:$three" \
        "m-$word at 127.0.0.10:$one" "m-$word at 127.0.1.2:$two" "z at 127.0.0.9:$four" '5 found'
}

@test "each endpoint is listed once, with its first answer, and more of them do not make it wait longer" {
    see='hint 3: the clock starts once; hint 4: who has answered already'
    ready one 127.0.0.2 two 127.0.0.2
    peer twin 127.0.9.9 "$one"
    for wait in 0.15 0.15 0.3 0.6 0.9; do
        asks "$wait"
        new_word
        says one "$asker" "HERE $token $word"
        says one "$asker" "HERE $token $word"
        says one "$asker" "HERE $token other"
        says two "$asker" "HERE $token $word"
        says twin "$asker" "HERE $token $word"
        in_time "$wait" one two twin && break
    done
    sent+=$'\n'"(one is 127.0.0.2:$one, two is 127.0.0.2:$two, twin is 127.0.9.9:$one)"
    for ((i = 0; i < 40; i++)); do
        read -r state 2>/dev/null <"/proc/$program/stat" && [[ $state != *') Z '* ]] || break
        echo "$asker" >one.in
        read -rt 0.05 -u "$never" || true
    done
    sent+=$'\none, until it ends: an empty datagram every 0.05 seconds'
    ((i < 40)) || complain "it ends after $wait seconds" 'it goes on for two seconds more'
    if ((one < two)); then
        lists 0 "$word at 127.0.0.2:$one" "$word at 127.0.0.2:$two" "$word at 127.0.9.9:$one" '3 found'
    else
        lists 0 "$word at 127.0.0.2:$two" "$word at 127.0.0.2:$one" "$word at 127.0.9.9:$one" '3 found'
    fi
}

@test "malformed answers, and answers to another question, are ignored" {
    see='this exercise, "The contract", ask; lesson 5, "The idea": anybody can send anything'
    ready one 127.0.0.2 two 127.0.0.3
    for wait in 0.15 0.15 0.3 0.6 0.9; do
        asks "$wait"
        asked=$token
        new_token
        for text in '' 'HERE' "HERE $asked" "HERE $asked " "HERE $asked"$'\t'bad "HERE $asked bad name" "HERE $asked bad"$'\n' "HERE $asked "$'\e[2J' \
            "HERE $asked b123456789012345678901234567890123" "HERE ${asked:1} bad" "here $asked bad" "WHO? $asked" "HERE $token late"; do
            says one "$asker" "$text"
        done
        echo "$asker 4845524520${asked//?/30}20626164" >one.in # eight zeros as a token
        new_word
        says two "$asker" "HERE $asked $word"
        in_time "$wait" one two && break
    done
    lists 0 "$word at 127.0.0.3:$two" '1 found'
}

@test "ask reaches a server by broadcast: 127.255.255.255 is this machine" {
    see='lesson 7, "Read the program", step 2: SO_BROADCAST'
    serves
    for wait in 0.1 0.3 0.9; do # longer, for a busy machine
        sent="ask -w $wait 127.255.255.255 $served, while \"serve $name 0\" runs"
        run_asking=0
        timeout -k 1 10 "$PROGRAM" ask -w "$wait" 127.255.255.255 "$served" >ask.out 2>ask.err 3>&- || run_asking=$?
        [ -s ask.err ] || ((run_asking != 0)) || break
    done
    wanted "$name at 127.0.0.1:$served"$'\n1 found' "$(cat ask.out ask.err)"
    wanted 'exit status 0' "exit status $run_asking"
}

@test "on a LAN, ask alone finds every server on port 7788" {
    see='lesson 7: 255.255.255.255 is every host on this network'
    sent='on hosts 2 and 3: serve NAME; on host 1: ask'
    new_word
    status=0
    # Outside its LAN nothing of this would be allowed: the script runs in there.
    timeout -k 1 20 "$ROOT/lessons/lan" 3 bash -c '
        export ASAN_OPTIONS=detect_leaks=0 # it would look for /proc of another namespace
        : >err2 >err3
        on 2 "$1" serve "$2-2" >out2 2>err2 & on 3 "$1" serve "$2-3" >out3 2>err3 &
        for file in err2 err3; do
            for ((i = 0; i < 300; i++)); do
                [[ $(<"$file") != *"bound to"* ]] || break
                read -rt 0.01 <> <(:) || true
            done
        done
        for wait in 0.1 0.3 0.9; do
            "$1" ask -w $wait >found 2>>found; status=$?
            [[ $(<found) != *"2 found" ]] || break
        done
        exit $status' bash "$PROGRAM" "$word" >lan.out 2>lan.err 3>&- || status=$?
    [[ $(<lan.err) != lan:* ]] || skip "no virtual LAN here: $(<lan.err)"
    wanted "$word-2 at 10.77.0.2:7788"$'\n'"$word-3 at 10.77.0.3:7788"$'\n2 found' "$(cat found)"
    wanted 'exit status 0' "exit status $status"
}
