# The checks of exercise 6, party line: each proves sentences of the contract in its README.md.
#
# shellcheck disable=SC2030,SC2031,SC2034,SC2154  # checks.bash uses $see, and sets $port and $word; checks share nothing

load ../checks

# open_party [OPTION...]: starts the server, on 127.0.0.1 unless -b says where; $party is its port.
open_party() {
    [[ " $*" == *' -b '* ]] || set -- -b 127.0.0.1 "$@"
    serve_program "$@" 0
    party=$port
    declare -gA heard=() # how many of a peer's datagrams were looked at
}

# request NAME HEX [WORDS]: NAME sends these bytes to the server.
request() {
    [ $# -lt 3 ] || sent+="${sent:+$'\n'}$1: $3"
    echo "$party $2" >"$1.in"
}

# hears_something NAME [TEXT]: waits for the next datagram at NAME (which should be TEXT); it is in $came.
hears_something() {
    local lines=() number=${heard[$1]:-0}
    comes "$1.out" $((number + 1)) || complain "at $1: ${2-an answer}" "at $1: nothing"
    mapfile -t lines <"$1.out"
    heard[$1]=$((number + 1))
    came=${lines[number]#* * }
    wanted "at $1: a datagram from port $party, that of the server" "at $1: a datagram from port ${lines[number]%% *}, that of the server"
}

# hears NAME TEXT: the next datagram at NAME must be TEXT.
hears() {
    hears_something "$1" "$2"
    wanted "at $1: $2" "at $1: $came"
}

# asks NAME REQUEST ANSWER...: NAME sends the requests, and must hear the answers in their order.
asks() {
    local name=$1 all=() i
    shift
    for ((i = 1; i <= $#; i += 2)); do
        hex_of "${!i}"
        all+=("$hex")
    done
    printf "$party %s\n" "${all[@]}" >"$name.in"
    for (( ; $# > 0; )); do
        sent+="${sent:+$'\n'}$name: \"${1//$'\n'/\\n}\""
        hears "$name" "$2"
        shift 2
    done
}

# joins NAME [ADDRESS [PORT]]: a new peer joins under its own name.
joins() {
    peer "$@"
    asks "$1" "JOIN $1" OK
}

# some_names COUNT: different names, in the array $names.
some_names() {
    names=()
    while ((${#names[@]} < $1)); do
        new_word
        names+=("$word${#names[@]}")
    done
}

# says NAME TEXT: NAME sends SAY TEXT; the answer is in $came.
says() {
    hex_of "SAY $2"
    request "$1" "$hex" "\"SAY $2\""
    hears_something "$1"
}

# open_silence MILLISECONDS: starts a server where one may be silent for so long, and a peer for each of the
# names, who are about to join, at $joined.
open_silence() {
    silence=$1
    open_party -t "0.$silence"
    for name in "${names[@]}"; do
        peer "$name"
    done
    sent="(the server was started with -t 0.$silence)"
    joined=${EPOCHREALTIME/[.,]/}
}

# pass: a little more than half of the silence passes.
pass() {
    local seconds=0.$((silence * 16 / 30))
    read -rt "$seconds" -u "$never" || true
    sent+=$'\n'"$seconds seconds later"
}

# soon_after MOMENT: whoever has sent something after MOMENT (in microseconds) cannot have been silent
# too long by now. If not, the machine is too busy: all is tried again, with more time. Skips the check if that
# was the last try.
soon_after() {
    ((${EPOCHREALTIME/[.,]/} - $1 >= silence * 960)) || return 0
    ((silence < 900)) || skip 'this machine is too busy'
    return 1
}

# proves: 3 6
@test "JOIN is answered with OK, and WHO lists the members in the order in which they joined" {
    see='this exercise, "The contract", the table of requests'
    some_names 3
    local any=:: other=::1
    has_ipv6 || any=0.0.0.0 other=127.0.0.2
    open_party -b "$any"
    sent="(the server was started with -b $any, the second one asks from $other, the others from 127.0.0.1)"
    joins "${names[2]}"
    asks "${names[2]}" WHO "OK 1: ${names[2]}"
    joins "${names[0]}" "$other"
    joins "${names[1]}"
    asks "${names[0]}" WHO "OK 3: ${names[2]} ${names[0]} ${names[1]}"
    needs_ipv6 'only in part: '
}

# proves: 2 4 19
@test "what a member says goes to every other member, and not back to the speaker" {
    see='this exercise, "The contract", SAY; lesson 4, "Read the program", step 4: sendto takes any address'
    some_names 4
    open_party
    for name in "${names[@]:0:3}"; do
        joins "$name"
    done
    new_number 10 1000000
    asks "${names[1]}" "SAY $word, $number" OK
    hears "${names[0]}" "${names[1]}: $word, $number"
    hears "${names[2]}" "${names[1]}: $word, $number"
    # A copy at the speaker would come before this answer.
    asks "${names[1]}" WHO "OK 3: ${names[*]:0:3}"
    # Somebody who has not joined may listen and say as much as they like.
    peer stranger
    asks stranger "SAY $word" 'ERROR not a member'
    asks "${names[0]}" WHO "OK 3: ${names[*]:0:3}"
}

# proves: 9
@test "a text is any bytes, also none, and is passed on unchanged" {
    see='lesson 4, "Read the program", step 4: the length is n, never strlen'
    some_names 3
    open_party
    joins "${names[0]}"
    joins "${names[1]}"
    hex_of "SAY $word%s%n "
    request "${names[0]}" "${hex}00ff0a2020${hex:8}" "\"SAY $word%s%n \", a zero byte, the byte ff, a newline, two spaces, \"$word%s%n \""
    hears "${names[0]}" OK
    hears "${names[1]}" "${names[0]}: $word%s%n \\x00\\xff\\n  $word%s%n "
    asks "${names[0]}" 'SAY ' OK
    hears "${names[1]}" "${names[0]}: "
    asks "${names[0]}" $'SAY  \t'"$word"$' \r' OK
    hears "${names[1]}" "${names[0]}:  \\t$word \\r"
}

# proves: 10
@test "one newline at the end of a request does not count" {
    see='this exercise, "The contract": the last byte of a request'
    some_names 2
    open_party
    peer "${names[0]}"
    asks "${names[0]}" "JOIN ${names[0]}"$'\n' OK
    joins "${names[1]}"
    asks "${names[1]}" $'WHO\n' "OK 2: ${names[*]}"
    asks "${names[1]}" "SAY $word"$'\n\n' OK
    hears "${names[0]}" "${names[1]}: $word\\n"
    asks "${names[0]}" $'LEAVE\n' OK
    asks "${names[0]}" $'\n' 'ERROR bad request'
}

# proves: 8 15
@test "a name is 1 to 16 letters and digits, all else is a bad name" {
    see='lesson 5, "The idea": some characters are orders to the terminal'
    open_party
    peer one
    peer two
    new_number 100000 999999
    bad_names=()
    for bad in '' "abcdefghij1$number" 'two words' ' before' 'behind ' $'a\tb' $'\e[2J' 'a:b' "na$(printf '\xc3\xaf')ve" 'a_b' 'a-b' 'a.b' '@' '[' '`' '{' '/'; do
        bad_names+=("JOIN $bad" 'ERROR bad name')
    done
    asks one "${bad_names[@]}"
    hex_of 'JOIN ann'
    request one "${hex}00" '"JOIN ann" and a zero byte'
    hears one 'ERROR bad name'
    asks one "JOIN ABCDEFGHIZ$number" OK
    asks two 'JOIN 0' OK
    asks two WHO "OK 2: ABCDEFGHIZ$number 0"
}

# proves: 17
@test "a name is taken only if a member has the very same" {
    see='this exercise, "The contract", NAME'
    new_word
    open_party
    joins "x$word"
    peer other
    asks other "JOIN x$word" 'ERROR name taken' \
        "JOIN x${word:0:2}" OK LEAVE OK \
        "JOIN x${word}s" OK LEAVE OK \
        "JOIN X$word" OK WHO "OK 2: x$word X$word"
}

# proves: 7 15 16 19
@test "a member is an address and a port: a second JOIN is refused, a stranger may only JOIN" {
    see='lesson 4, "The idea": the source address and the source port are all the server knows of a client'
    some_names 2
    open_party -b 0.0.0.0
    joins "${names[0]}"
    asks "${names[0]}" "JOIN ${names[0]}" 'ERROR already a member' "JOIN ${names[1]}" 'ERROR already a member' \
        'JOIN no name' 'ERROR bad name'
    peer stranger
    asks stranger WHO 'ERROR not a member' "SAY $word" 'ERROR not a member' LEAVE 'ERROR not a member'
    asks "${names[0]}" WHO "OK 1: ${names[0]}"
    port=${names[0]}
    peer twin 127.0.0.2 "${!port}"
    sent+=$'\ntwin is at 127.0.0.2, '"${names[0]} at 127.0.0.1, both have port $twin"
    asks twin WHO 'ERROR not a member' "JOIN ${names[1]}" OK "SAY $word" OK
    hears "${names[0]}" "${names[1]}: $word"
    asks twin LEAVE OK
    asks "${names[0]}" WHO "OK 1: ${names[0]}"
}

# proves: 5 6
@test "who has left hears nothing any more, and the name is free" {
    see='this exercise, "The contract", LEAVE'
    some_names 3
    open_party
    for name in "${names[@]}"; do
        joins "$name"
    done
    asks "${names[0]}" LEAVE OK
    asks "${names[1]}" "SAY $word" OK
    hears "${names[2]}" "${names[1]}: $word"
    asks "${names[0]}" LEAVE 'ERROR not a member'
    asks "${names[1]}" WHO "OK 2: ${names[1]} ${names[2]}"
    peer heir
    asks heir "JOIN ${names[0]}" OK
    asks heir WHO "OK 3: ${names[1]} ${names[2]} ${names[0]}"
}

# proves: 6 12 17 18
@test "32 members are in, the next one is told ERROR full, until somebody leaves" {
    see='this exercise, "The contract", ERROR full; 32 names of 16 bytes each make a long answer'
    some_names 1
    open_party
    joins "${names[0]}"
    crowd=()
    for ((i = 2; i <= 32; i++)); do
        new_word
        name=${word}abcdefghijklm
        names+=("${name:0:14}$((i + 10))")
        exec {socket}<>"/dev/udp/127.0.0.1/$party" # a socket of bash, with a port of its own
        crowd+=("$socket")
        printf 'JOIN %s' "${names[-1]}" >&"$socket"
    done
    sent+=$'\n31 others: JOIN with names of 16 bytes'
    asks "${names[0]}" WHO "OK 32: ${names[*]}"
    peer late
    asks late 'JOIN late' 'ERROR full'
    # What is wrong besides comes first.
    taken_name=${names[RANDOM % 31 + 1]}
    asks late "JOIN $taken_name" 'ERROR name taken' 'JOIN ' 'ERROR bad name' 'JOIN' 'ERROR bad request'
    asks "${names[0]}" 'JOIN late' 'ERROR already a member' "JOIN $taken_name" 'ERROR already a member' \
        'JOIN no name' 'ERROR bad name'
    printf 'LEAVE' >&"${crowd[30]}"
    sent+=$'\none of them: "LEAVE"'
    asks late 'JOIN late' OK
    for socket in "${crowd[@]}"; do
        exec {socket}>&-
    done
}

# proves: 12 14
@test "a request that is none of the four is answered with ERROR bad request" {
    see='this exercise, "The contract", ERROR bad request; lesson 4, "The idea": anybody can send anything'
    some_names 2
    open_party
    joins "${names[0]}"
    bad_requests=()
    for bad in '' ' ' "$word" 'who' 'WHO ' ' WHO' 'WHOM' 'WH' 'LEAVE now' 'LEAVE ' 'LEAVES' 'JOIN' "JOIN${names[1]}" "join ${names[1]}" "Join ${names[1]}" \
        'SAY' 'SAYING' "say $word" $'JOIN\tann' $'WHO\n\n' $'WHO\r\n'; do
        bad_requests+=("$bad" 'ERROR bad request')
    done
    asks "${names[0]}" "${bad_requests[@]}"
    peer stranger
    asks stranger "${bad_requests[@]}"
    hex_of WHO
    request "${names[0]}" "${hex}00" '"WHO" and a zero byte'
    hears "${names[0]}" 'ERROR bad request'
    asks "${names[0]}" WHO "OK 1: ${names[0]}"
}

# proves: 13
@test "a request of 1024 bytes is taken whole, one of 1025 is too long" {
    see='lesson 5, "Read the program", step 3: MSG_TRUNC'
    some_names 2
    open_party
    joins "${names[0]}"
    joins "${names[1]}"
    printf -v text '%*s' 1020 ''
    request "${names[0]}" "53415920${text// /78}" "\"SAY \" and 1020 times \"x\""
    hears "${names[0]}" OK
    hears "${names[1]}" "${names[0]}: ${text// /x}"
    request "${names[0]}" "53415920${text// /78}78" "\"SAY \" and 1021 times \"x\""
    hears "${names[0]}" 'ERROR too long'
    request "${names[0]}" "53415920${text// /78}0a" "\"SAY \", 1020 times \"x\", a newline"
    hears "${names[0]}" 'ERROR too long'
    text=${text:1}
    request "${names[0]}" "53415920${text// /78}0a" "\"SAY \", 1019 times \"x\", a newline"
    hears "${names[0]}" OK
    hears "${names[1]}" "${names[0]}: ${text// /x}"
    peer stranger
    request stranger "${text// /787878}" '3057 times "x"'
    hears stranger 'ERROR too long'
    asks "${names[1]}" WHO "OK 2: ${names[*]}"
}

# proves: 20 22
@test "a member who is silent for SECONDS is dropped, and the name is free" {
    see='this exercise, "Silence"; hint 4'
    # On a machine so busy that the speaker, too, is silent for so long, all is tried again.
    for try in 300 600 900; do
        some_names 6
        open_silence "$try"
        for name in "${names[@]:0:4}"; do # two silent ones, the speaker, one more silent one
            asks "$name" "JOIN $name" OK
        done
        pass
        spoke=${EPOCHREALTIME/[.,]/}
        says "${names[2]}" "$word"
        soon_after "$joined" || continue
        wanted "at ${names[2]}: OK" "at ${names[2]}: $came"
        for name in "${names[0]}" "${names[1]}" "${names[3]}"; do
            hears "$name" "${names[2]}: $word"
        done
        asks "${names[4]}" "JOIN ${names[4]}" OK
        pass
        says "${names[2]}" "$word, again"
        soon_after "$spoke" || continue
        wanted "at ${names[2]}: OK" "at ${names[2]}: $came"
        hears "${names[4]}" "${names[2]}: $word, again"
        request "${names[2]}" 57484f '"WHO"'
        hears_something "${names[2]}"
        soon_after "$spoke" || continue
        wanted "at ${names[2]}: OK 2: ${names[2]} ${names[4]}" "at ${names[2]}: $came"
        for name in "${names[0]}" "${names[1]}" "${names[3]}"; do
            asks "$name" WHO 'ERROR not a member' # all that it heard of late
        done
        pass
        peer heir
        asks heir "JOIN ${names[4]}" OK
        asks "${names[4]}" "SAY $word" 'ERROR not a member'
        break
    done
}

# proves: 21
@test "any datagram counts against silence, also a malformed one" {
    see='this exercise, "Silence"'
    printf -v text '%*s' 1025 ''
    # Six send a datagram each, one only listens. The six must not be silent too long: see above.
    for try in 300 600 900; do
        new_word
        names=({empty,who,bad,long,join,say,mute}"$word")
        open_silence "$try"
        for name in "${names[@]}"; do
            asks "$name" "JOIN $name" OK
        done
        pass
        spoke=${EPOCHREALTIME/[.,]/}
        asks "${names[0]}" '' 'ERROR bad request'
        request "${names[1]}" 57484f '"WHO"'
        hears_something "${names[1]}"
        asks "${names[2]}" "$word" 'ERROR bad request'
        request "${names[3]}" "${text// /78}" '1025 times "x"'
        hears "${names[3]}" 'ERROR too long'
        request "${names[4]}" 4a4f494e2078 '"JOIN x"'
        hears_something "${names[4]}"
        says "${names[5]}" "$word"
        soon_after "$joined" || continue
        pass
        request "${names[5]}" 57484f '"WHO"'
        hears_something "${names[5]}"
        soon_after "$spoke" || continue
        wanted "at ${names[5]}: OK 6: ${names[*]:0:6}" "at ${names[5]}: $came"
        break
    done
}

# proves: 23 24
@test "the log has one line a request, made harmless" {
    see='lesson 5, "What can go wrong" and "Read the program", step 4: show_datagram'
    new_word
    open_party
    peer eve
    asks eve "JOIN $word"$'\n\e[2J'"127.0.0.1:9: LEAVE" 'ERROR bad name'
    asks eve "JOIN $word" OK
    asks eve '' 'ERROR bad request'
    asks eve $'WHO\n' "OK 1: $word" " $word"$' \r ' 'ERROR bad request'
    new_number 30000 65507
    head -c "$number" /dev/zero | tr '\0' x >long
    request eve "$(sed 's/x/78/g' long)" "$number times \"x\""
    hears eve 'ERROR too long'
    comes program.out 6 || true
    slurp program.out
    wanted "127.0.0.1:$eve: JOIN $word\\n\\x1b[2J127.0.0.1:9: LEAVE
127.0.0.1:$eve: JOIN $word
127.0.0.1:$eve: 
127.0.0.1:$eve: WHO\\n
127.0.0.1:$eve:  $word \\r 
127.0.0.1:$eve: $(head -c 1024 long) [cut: 1024 of $number bytes]" "${content%$'\n'}"
}

# proves: 2 11 25 26 27 28 29
@test "no datagram ends the server; Ctrl-C or SIGTERM does, with a summary and exit 0" {
    see='lesson 4, "The idea": a server may not give up; lesson 5, "Read the program", step 5'
    local i
    ulimit -Sn 64
    some_names 2
    open_party -t 0.05
    sent='(the server was started with -t 0.05)'
    joins early
    read -rt 0.1 -u "$never" || true
    sent+=$'\nthen nothing, for longer than that'
    is_not_woken
    stop_program TERM
    wanted_like 'party-line: stopped after 1 datagrams?' "$(tail -n 1 program.err)" 'on standard error: party-line: stopped after 1 datagrams'
    sent=
    open_party
    joins "${names[0]}"
    joins "${names[1]}"
    "$PROBE" flood 127.0.0.1 "$party" 1 65507
    for i in 1 2; do
        "$PROBE" flood 127.0.0.1 "$party" 128 0
        comes program.out $((3 + i * 128)) || complain "line $((3 + i * 128)) on standard output" "$(wc -l <program.out) lines"
    done
    sent+=$'\nsomebody: a datagram of 65507 bytes, 256 empty ones'
    for ((i = 0; i < 10; i++)); do
        printf -v noise '%02x' $((RANDOM % 256)) $((RANDOM % 256)) $((RANDOM % 256)) $((RANDOM % 256))
        request "${names[0]}" "$noise" "the bytes $noise"
        hears "${names[0]}" 'ERROR bad request'
    done
    has_one thread
    has_one socket
    asks "${names[0]}" "SAY $word" OK
    hears "${names[1]}" "${names[0]}: $word"
    asks "${names[1]}" LEAVE OK
    asks "${names[0]}" WHO "OK 1: ${names[0]}"
    stop_program
    wanted 'on standard error: party-line: stopped after 272 datagrams' "on standard error: $(tail -n 1 program.err)"
}

# proves: 28
@test "however many requests there are, it takes no more memory" {
    see='this exercise, "The contract", 28: give back, or use again, what a request or a member has taken'
    local before after i
    steady_memory
    declare -gA heard=()
    start_into '>/dev/null' -b 127.0.0.1 0
    is_bound
    party=$port
    joins bob
    peer ann
    for i in JOIN\ ann WHO SAY\ hello "$(printf '%1025s' '')" noise LEAVE; do
        hex_of "$i"
        echo "$party $hex"
    done >requests
    for i in {1..20}; do cat requests; done >many # as many as there is room for
    sent+=$'\nann, again and again: "JOIN ann", "WHO", "SAY hello", 1025 blanks, "noise", "LEAVE"'
    for ((i = 1; i <= 30; i++)); do
        cat many >ann.in
        comes ann.out $((120 * i)) || complain "at ann: $((120 * i)) answers" "at ann: $(wc -l <ann.out)"
        ((i != 10)) || before=$(memory "$program")
    done
    after=$(memory "$program")
    ((after - before < 20)) || complain 'memory that does not grow with the number of requests' \
        "$before kilobytes after 1200 requests, $after after 3600"
}

# proves: 25
@test "a member to whom nothing can be sent does not end the server" {
    see='lesson 4, "The idea": anybody can send anything, from a source port of 0, too'
    allow_port_0 || skip "nothing can be sent from port 0 here: $reason"
    some_names 3
    open_party
    joins "${names[0]}"
    tell_from_port_0 "$party" "JOIN ${names[1]}"
    sent+=$'\nsomebody at port 0, to which nothing can be sent: "JOIN '"${names[1]}\""
    joins "${names[2]}"
    asks "${names[0]}" "SAY $word" OK
    hears "${names[2]}" "${names[0]}: $word"
}

# proves: 1 30 31 32
@test "-h helps; where it is bound, and what cannot be right, is told" {
    see='lesson 3, "Read the program", step 2, and "What can go wrong"; parse_arguments'
    local bad
    for bad in '' 0 1x; do refuses -t "$bad" 0; done
    is_called_as_echo_is party-line
}
