# The checks of exercise 10, who is there: each proves sentences of the contract in its README.md.
#
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2153,SC2154  # checks.bash uses $see, and sets $port and $word; checks share nothing

load ../checks

# says NAME PORT TEXT: the peer NAME sends TEXT to PORT.
says() {
    sent+="${sent:+$'\n'}$1: \"${3//$'\n'/\\n}\""
    tell "$@"
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

# proves: 4 5
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
    wanted "on standard output: ${log%$'\n'}" "on standard output: $(cat program.out)"
}

# proves: 6
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

# proves: 8 9
@test "serve sleeps while nothing comes; Ctrl-C or SIGTERM ends it, with a summary and exit 0" {
    see='lesson 4, "Read the program"'
    local i questions
    serves
    sent=nothing
    stop_program TERM
    wanted 'on standard error: who-is-there: stopped after 0 datagrams' "on standard error: $(tail -n +2 program.err)"
    serves
    peer ann
    new_token
    sent="noise, an empty datagram and 258 questions from 127.0.0.1:$ann"
    tell ann "$served" noise
    tell ann "$served" ''
    hex_of "WHO? $token"
    for questions in 129 258; do
        for ((i = 0; i < 129; i++)); do echo "$served $hex"; done >ann.in
        comes ann.out "$questions" || complain "at ann: $questions answers" "at ann: $(wc -l <ann.out) answers"
    done
    is_not_woken
    stop_program
    wanted 'on standard error: who-is-there: stopped after 258 datagrams' "on standard error: $(tail -n +2 program.err)"
}

# proves: 7
@test "serve says so and goes on after a question that cannot be answered (source port 0)" {
    see='lesson 4, "The idea": anybody can send anything, from a source port of 0, too'
    local i said
    allow_port_0 || skip "nothing can be sent from port 0 here: $reason"
    serves
    peer ann
    new_token
    tell_from_port_0 "$served" "WHO? $token"
    sent="from port 0, to which no answer can go: \"WHO? $token\""
    for i in 1 2; do
        says ann "$served" "WHO? $token"
        hears ann "$i" "HERE $token $name"
    done
    mapfile -t said <program.err
    ((${#said[@]} > 1)) || complain 'a warning on standard error' 'no warning'
    stop_program
    wanted '2 lines on standard output' "$(wc -l <program.out) lines on standard output"
    wanted 'who-is-there: stopped after 2 datagrams' "$(tail -n 1 program.err)"
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
# passed. If not, the machine is too busy: the round is to be made again, with more time. Skips the check if
# that was the last one.
in_time() {
    local seconds=$1 microseconds=${1/0./}00000 name
    shift
    for name in "$@"; do
        echo "$desk" >"$name.in" # an empty datagram, behind all that it had to say
    done
    heard=$((heard + $#))
    comes desk.out "$heard"
    ((${EPOCHREALTIME/[.,]/} - begun >= ${microseconds:0:6} * 3 / 4)) || return 0
    [[ $seconds != 0.9 ]] || skip 'this machine is too busy'
    kill -KILL "$program"
    return 1
}

# lists STATUS LINE...: it must end, and have printed the lines.
lists() {
    local exit_status=$1
    shift
    program_ends
    wanted "on standard output: $(printf '%s\n' "$@")" "on standard output: $(cat program.out)"
    wanted "exit status $exit_status" "exit status $status"
}

# proves: 10 11 20
@test "ask sends one question, with a new token each time; if nobody answers: 0 found, exit 1" {
    see='this exercise, "The contract", 10 and 11; man 2 getrandom'
    local first half apart runs second
    ready
    asks 0.05
    first=$token
    lists 1 '0 found'
    printf -v half %04x $((program & 0xffff))
    [[ $token == "$half"???? || $token == ????"$half" ]] || half='' # which may happen by chance: once
    asks 0.05
    [ -z "$half" ] || [[ $token != *"$(printf %04x $((program & 0xffff)))"* ]] ||
        complain 'a random token' "the process number, $program, in hexadecimal: $token"
    lists 1 '0 found'
    for runs in 2 3 4 5; do # so close to the first one, by chance: once in 128 runs
        apart=$(((16#$first - 16#$token) & 0xffffffff))
        ((apart < 1 << 24 || apart > 255 << 24)) || break
        ((runs < 5)) || complain 'a new token each time, at random' "first $first, some runs later $token"
        asks 0.05
        lists 1 '0 found'
    done
    wanted "$runs datagrams at desk" "$(wc -l <desk.out) datagrams at desk"

    # Where the program is process 1 each time, twice in one second. (The sanitizer would look for /proc there.)
    unshare -Urpf true 2>/dev/null || skip 'only in part: no process number twice here'
    inside=(unshare -Urpf) ASAN_OPTIONS+=:detect_leaks=0
    for runs in 1 2 3; do
        second=${EPOCHREALTIME%[.,]*}
        asks 0.001
        first=$token
        lists 1 '0 found'
        asks 0.001
        lists 1 '0 found'
        [ "${EPOCHREALTIME%[.,]*}" != "$second" ] || break
    done
    [ "$token" != "$first" ] || complain 'a random token' "$token two times in one second, from the same process number"
}

# crowd: 1000 ports of 127.0.0.1 answer, each with a name of its own.
crowd() (
    ulimit -Sn 2048 # a descriptor for each port
    for ((i = 0; i < 1000; i++)); do
        exec {fd}<>"/dev/udp/127.0.0.1/$asker"
        printf 'HERE %s n%04d' "$token" "$i" >&"$fd"
        ((i % 100 < 99)) || taken "$asker" # so that there is room for the next
    done
)

# proves: 2 3 12 19 23 24
@test "SECONDS is 1 if it is left out; there is room for 1000 answers; -h helps; bad arguments are told: exit 2" {
    see='this exercise, "The contract", 2, 3, 19 and 24; parse_arguments; hint 4'
    local bad waiting late
    ready
    begun=${EPOCHREALTIME/[.,]/}
    sent="ask 127.0.0.1 $desk"
    start_program ask 127.0.0.1 "$desk"
    comes desk.out 1 || complain 'a question' 'nothing'
    read -r asker _ _ token <desk.out # PORT LENGTH WHO? TOKEN
    is_not_woken
    sent+=$'\n1000 ports of 127.0.0.1: HERE, the token and n0000 to n0999'
    crowd
    late=$(((${EPOCHREALTIME/[.,]/} - begun) / 900000)) # the machine is too busy
    waiting=$program program=
    mv program.out asking.out # what it prints comes there
    mv program.err asking.err
    helps
    refuses
    refuses who
    refuses serve
    refuses serve ann 0 0
    refuses ask 127.0.0.1 "$desk" junk
    refuses -x ask
    for bad in '' 123456789012345678901234567890123 'a b' a_b $'a\n' ä a@ a/ 'a`' 'a{' 'a['; do refuses serve "$bad" 0; done
    for bad in '' -1 65536 7788x; do refuses serve ann "$bad"; done
    for bad in '' 0 -1 65536 "${desk}x"; do refuses ask 127.0.0.1 "$bad"; done
    for bad in '' 0 1x; do refuses ask -w "$bad" 127.0.0.1 "$desk"; done
    program=$waiting
    mv asking.out program.out
    mv asking.err program.err
    sent="ask 127.0.0.1 $desk"$'\n1000 ports of 127.0.0.1: HERE, the token and n0000 to n0999'
    wanted '1 question at desk, and nothing else' "$(wc -l <desk.out) question at desk, and nothing else"
    took_a_second "$begun" ask 127.0.0.1 "$desk"
    ((late == 0)) && [ -z "$again" ] || skip 'only in part: this machine is too busy'
    wanted 'on standard output, at the end: 1000 found' "on standard output, at the end: $(tail -n 1 program.out)"
    wanted '1000 names, sorted' "$(cut -d ' ' -f 1 program.out | grep '^n' | sort -uc && grep -c '^n' program.out) names, sorted"
}

# proves: 15 16 17 18 20
@test "ask lists who has answered, sorted by name, then by address, then by port" {
    see='hint 4: qsort, and addresses and ports as numbers'
    local near=127.0.0.9 next=127.0.0.10 far=127.0.1.2 ports=(0 0) lower=four upper=five
    if own_network 10.0.0.9 10.0.0.10 200.0.0.1; then # there any port is free
        near=10.0.0.9 next=10.0.0.10 far=200.0.0.1 ports=(9976 60161) # 26f8 and eb01: f826 and 01eb the other way round, and far apart
    fi
    ready one "$next" two "$far" three "$near" afar 127.100.100.100
    peer four "$near" "${ports[0]}"
    peer five "$near" "${ports[1]}"
    ((four < five)) || lower=five upper=four
    for wait in 0.1 0.3 0.6 0.9; do
        asks "$wait"
        new_word
        says two "$asker" "HERE $token m-$word"
        says one "$asker" "HERE $token m-$word"
        says three "$asker" "HERE $token m-$word"
        says "$upper" "$asker" "HERE $token z"
        echo "$desk" >"$upper.in" # once desk has this, the answer has come, ahead of the next
        heard=$((heard + 1))
        comes desk.out "$heard"
        says "$lower" "$asker" "HERE $token z"
        says desk "$asker" "HERE $token A1234567890123456789012345678901"
        says afar "$asker" "HERE $token y"
        in_time "$wait" one two three four five desk afar && break
    done
    lists 0 "A1234567890123456789012345678901 at 127.0.0.1:$desk" "m-$word at $near:$three" "m-$word at $next:$one" \
        "m-$word at $far:$two" "y at 127.100.100.100:$afar" "z at $near:${!lower}" "z at $near:${!upper}" '7 found'
    for wait in 0.1 0.3 0.6 0.9; do
        asks "$wait"
        says one "$asker" "HERE $token ab"
        says two "$asker" "HERE $token Zz"
        says three "$asker" "HERE $token abc"
        says four "$asker" "HERE $token a-c"
        says five "$asker" "HERE $token 9"
        says desk "$asker" "HERE $token a0"
        in_time "$wait" one two three four five desk && break
    done
    lists 0 "9 at $near:$five" "Zz at $far:$two" "a-c at $near:$four" "a0 at 127.0.0.1:$desk" "ab at $next:$one" \
        "abc at $near:$three" '6 found'
}

# proves: 12 20 21
@test "it listens to the end, and Ctrl-C is the end" {
    see='hint 3: the clock starts once; common/program.h: stop_requested'
    local signal
    ready one 127.0.0.2 two 127.0.0.3
    for wait in 0.2 0.5 0.9; do
        asks "$wait"
        says one "$asker" "HERE $token early"
        read -rt "0.$((${wait#0.} * 6))" -u "$never" || true
        sent+=$'\nafter more than half of the time:'
        says two "$asker" "HERE $token late"
        in_time "$wait" one two && break
    done
    lists 0 "early at 127.0.0.2:$one" "late at 127.0.0.3:$two" '2 found'
    asks 9
    asleep
    sent+=$'\nthen Ctrl-C'
    signal_program INT
    lists 1 '0 found'
    for signal in INT TERM; do
        asks 9
        says one "$asker" "HERE $token $signal"
        says one "$desk" x # once desk has it, the answer has come
        heard=$((heard + 1))
        comes desk.out "$heard"
        taken "$asker"
        sent+=$'\n'"then SIG$signal"
        kill "-$signal" "$program"
        lists 0 "$signal at 127.0.0.2:$one" '1 found'
    done
}

# proves: 12 14
@test "each endpoint is listed once, with its first answer, and more of them do not make it wait longer" {
    see='hint 3: the clock starts once; hint 4: who has answered already'
    ready one 127.0.0.2 two 127.0.0.2
    peer twin 127.0.9.9 "$one"
    for wait in 0.1 0.3 0.6 0.9; do
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
        running || break
        echo "$asker" >one.in
        printf 'HERE %s zz' "$token" 2>/dev/null >"/dev/udp/127.0.0.1/$asker" || true
        read -rt 0.05 -u "$never" || true
    done
    sent+=$'\nuntil it ends, every 0.05 seconds: an empty datagram from one, and "HERE '"$token"' zz" from another port of 127.0.0.1'
    ((i < 40)) || complain "it ends after $wait seconds" 'it goes on for two seconds more'
    await_exit "$program" >/dev/null || true
    sed -i '/^zz at 127/d; s/^[1-9][0-9]* found$/3 found/' program.out # how many of them came, nobody knows
    if ((one < two)); then
        lists 0 "$word at 127.0.0.2:$one" "$word at 127.0.0.2:$two" "$word at 127.0.9.9:$one" '3 found'
    else
        lists 0 "$word at 127.0.0.2:$two" "$word at 127.0.0.2:$one" "$word at 127.0.9.9:$one" '3 found'
    fi
}

# proves: 13
@test "malformed answers, and answers to another question, are ignored" {
    see='this exercise, "The contract", ask; lesson 5, "The idea": anybody can send anything'
    ready one 127.0.0.2 two 127.0.0.3
    for wait in 0.1 0.3 0.6 0.9; do
        asks "$wait"
        asked=$token
        new_token
        for text in '' 'HERE' "HERE $asked" "HERE $asked " "HERE $asked"$'\t'bad "HERE $asked bad name" "HERE $asked bad"$'\n' "HERE $asked "$'\e[2J' \
            "HERE $asked b123456789012345678901234567890123" "HERE ${asked:1} bad" "here $asked bad" "WHO? $asked" "HERE $token late"; do
            says one "$asker" "$text"
        done
        [[ $asked == "${asked^^}" ]] || says one "$asker" "HERE ${asked^^} bad"
        echo "$asker 4845524520${asked//?/30}20626164" >one.in # eight zeros as a token
        new_word
        says two "$asker" "HERE $asked $word"
        in_time "$wait" one two && break
    done
    lists 0 "$word at 127.0.0.3:$two" '1 found'
}

# proves: 1 10 22
@test "ask reaches a server by broadcast: 127.255.255.255 is this machine" {
    see='lesson 7, "Read the program", step 2: SO_BROADCAST'
    serves
    wanted_like 'who-is-there: bound to 0\.0\.0\.0:[1-9][0-9]*' "$(cat program.err)" \
        'on standard error: who-is-there: bound to 0.0.0.0:PORT, and PORT is the one that the system has picked'
    program= # it goes on
    refuses_a_taken_port who-is-there serve ann "$served"
    for wait in 0.1 0.3 0.9; do # longer, for a busy machine
        sent="ask -w $wait 127.255.255.255 $served, while \"serve $name 0\" runs"
        run_program ask -w "$wait" 127.255.255.255 "$served"
        [ -s program.err ] || ((status != 0)) || break
    done
    wanted_err ''
    wanted_out "$name at 127.0.0.1:$served"$'\n1 found'
    wanted_status 0
}

# proves: 2 10
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
