# The checks of exercise 5, shout: each proves sentences of the contract in its README.md.
#
# shellcheck disable=SC2018,SC2019,SC2030,SC2031,SC2034,SC2153,SC2154  # bats and checks.bash use what is set here

load ../checks

# answers NAME COUNT: waits until NAME has had COUNT answers; they are in $lines.
answers() {
    program_writes "$1.out" "$2" "answer $2"
}

# ask_shout FILE [HOST]: sends FILE as one datagram; its answer comes into the file `answer`.
ask_shout() {
    "$PROBE" ask "${2:-127.0.0.1}" "$port" <"$1" >answer 2>probe.err 3>&- &
    pids+=("$!")
    { await_exit "$!" >/dev/null && [ "$status" = 0 ]; } ||
        complain 'an answer' "none in $long"
}

# stop_shout [SIGNAL]: stops the program; what it prints then is in $lines.
stop_shout() {
    nothing_in program.out # while it runs
    running || complain 'a server that runs until it is stopped' 'it has ended by itself'
    stop_program "$@"
    mapfile -t lines <program.out
}

# proves: 4 18
@test "whoever asks is answered in upper case, each at its own port" {
    see='lesson 4, "Read the program", step 4: back to where it came from'
    peer one
    peer two
    serve_program -b 127.0.0.1 0
    new_word
    sent="\"$word\" from port $one, then \"Hi, $word\" from port $two, then \"Bye\" from port $one"
    tell one "$port" "$word"
    answers one 1
    wanted "$port ${#word} ${word^^}" "${lines[0]}"
    tell two "$port" "Hi, $word"
    answers two 1
    wanted "$port $((${#word} + 4)) HI, ${word^^}" "${lines[0]}"
    tell one "$port" Bye
    answers one 2
    wanted "$port 3 BYE" "${lines[1]}"
    is_not_woken
}

# proves: 5
@test "a to z become A to Z, and every other byte comes back as it is" {
    see='lesson 4, "Check yourself", question 4; and hint 2'
    local all where byte came
    new_number 128 255 # so that the zero byte comes before the letters
    printf -v all '\\x%02x' {0..255}
    printf '%b' "${all:4*number}${all::4*number}" >question
    LC_ALL=C tr a-z A-Z <question >wanted
    printf -v sent 'one datagram with all 256 bytes there are, beginning at %02x' "$number"
    serve_program -b 127.0.0.1 0
    ask_shout question
    wanted '256 bytes' "$(wc -c <answer) bytes"
    read -r where byte came < <(cmp -l wanted answer) || true
    [ -z "$where" ] || complain \
        "byte $(printf %02x $(((number + where - 1) % 256))) comes back as $(printf %02x "$((8#$byte))")" \
        "$(printf %02x "$((8#$came))")"
}

# proves: 6
@test "an empty datagram is answered with an empty one" {
    see='lesson 4, "Check yourself", question 5: recvfrom returned 0'
    peer one
    serve_program -b 127.0.0.1 0
    sent="an empty datagram from port $one, then \"x\""
    tell one "$port" ''
    answers one 1
    wanted "$port 0 " "${lines[0]}"
    tell one "$port" x
    answers one 2
    wanted "$port 1 X" "${lines[1]}"
}

# proves: 6
@test "the largest datagram, 65507 bytes, over IPv6 65527, comes back whole" {
    see='How UDP works: why 65,507; and lesson 4, "Read the program", step 3'
    local any=:: host size
    has_ipv6 || any=0.0.0.0
    serve_program -b "$any" 0
    for host in 127.0.0.1 ::1; do
        size=65507
        [ $host = 127.0.0.1 ] || { needs_ipv6 'only in part: ' && size=65527; }
        head -c $size /dev/zero | tr '\0' q >question
        sent="$size times \"q\", to $host"
        ask_shout question $host
        wanted "$size bytes" "$(wc -c <answer) bytes"
        wanted '' "$(tr -d Q <answer)"
    done
}

# proves: 7 8 9 10 12
@test "when stopped, it prints a line for each peer in the order of their first datagrams" {
    see='lesson 4, "Check yourself", question 1: how a server tells its clients apart'
    local name size
    peer one
    peer two
    peer three 127.0.0.2 "$one"
    serve_program -b 0.0.0.0 0
    new_number 32768 40000 # twice that does not fit into 16 bits
    size=$number
    sent="2 datagrams of $size bytes from one port; then 7 small ones, from 127.0.0.1:$two, 127.0.0.1:$one and 127.0.0.2:$three; the first ones in this order; then Ctrl-C"
    "$PROBE" flood 127.0.0.1 "$port" 2 "$size"
    local -A times=([one]=0 [two]=0 [three]=0) bytes=([one]=0 [two]=0 [three]=0)
    for name in two one three one two three three; do
        new_number 1 9
        times[$name]=$((times[$name] + 1))
        bytes[$name]=$((bytes[$name] + number))
        printf '%s %.*s\n' "$port" $((2 * number)) 787878787878787878 >"$name.in"
        ((times[$name] > 1)) || answers "$name" 1
    done
    answers one 2
    answers two 2
    answers three 3
    stop_shout
    wanted_like "127\.0\.0\.1:[0-9]+: 2 datagrams, $((2 * size)) bytes" "${lines[0]}" \
        "127.0.0.1:PORT: 2 datagrams, $((2 * size)) bytes"
    wanted "$(for name in two one three; do
        [ "$name" = three ] && host=127.0.0.2 || host=127.0.0.1
        echo "$host:${!name}: ${times[$name]} datagrams, ${bytes[$name]} bytes"
    done)" "$(tail -n +2 program.out)"
}

# crowd HOST COUNT: as many ports send "abc" to HOST; then the first 100 send "de", too. Each waits
# for its answer, so that there is room for the next.
crowd() (
    ulimit -Sn 2048 # a descriptor for each port
    for ((i = 0; i < $2; i++)); do
        exec {fd}<>"/dev/udp/$1/$port"
        fds+=("$fd")
    done
    # From standard input: with a time limit, read cannot have a descriptor above 1023.
    for fd in "${fds[@]}"; do
        printf 'abc' >&"$fd"
        read -rN 1 -t "$DEADLINE" letter <&"$fd" || exit
    done
    for fd in "${fds[@]::100}"; do
        printf 'de' >&"$fd"
        read -rN 1 -t "$DEADLINE" letter <&"$fd" || exit
    done
)

# proves: 12 13
@test "it tells 1,000 peers apart, by address and port" {
    see='lesson 4, "Check yourself", question 1; and hint 5: is there room?'
    local any=::
    new_number 450 550
    has_ipv6 || any=0.0.0.0 number=1040
    serve_program -b "$any" 0
    sent="\"abc\" from $number ports of 127.0.0.1, then from $((1040 - number)) ports of ::1, some of them the same; \"de\" from the first 100 of each; then Ctrl-C"
    crowd 127.0.0.1 "$number" || complain 'an answer to each of them' 'no answer to one of them'
    crowd ::1 $((1040 - number)) || complain 'an answer to each of them' 'no answer to one of them'
    stop_shout
    awk -v half="$number" '
        NR > 1000 { exit } # of more it need not tell
        { n = NR <= half ? NR : NR - half
          want = n <= 100 ? "2 datagrams, 5 bytes" : "1 datagrams, 3 bytes"
          host = NR <= half ? "127.0.0.1" : "[::1]"
          text = substr($0, 1, length(host) + 1) == host ":" && !seen[$1]++ ? substr($0, length($1) + 2) : ""
          if (text != want) {
              print "line " NR ": " host ":PORT: " want ", and each PORT once"
              print "line " NR ": " $0
              exit } }' program.out >wrong
    [ ! -s wrong ] || complain "$(head -n 1 wrong)" "$(tail -n 1 wrong)"
    ((${#lines[@]} >= 1000)) || complain '1000 lines at least' "${#lines[@]} lines"
    needs_ipv6 'only in part: '
}

# proves: 1 3 12
@test "with -b :: it serves IPv4 and IPv6, and tells both apart" {
    see='lesson 3, "What can go wrong": the sender uses IPv6'
    needs_ipv6
    peer one ::1
    peer two
    peer three 127.2.0.1 "$two"
    serve_program -b :: 0
    new_word
    wanted "on standard error: shout: bound to [::]:$port" "on standard error: $(cat program.err)"
    sent="\"$word\" from [::1]:$one, then \"hello\" from 127.0.0.1:$two, then Ctrl-C"
    tell one "$port" "$word"
    answers one 1
    tell two "$port" hello
    answers two 1
    wanted "$port 5 HELLO" "${lines[0]}"
    sent+=$'\n'"\"hi\" from 127.2.0.1:$three, the same port"
    tell three "$port" hi
    answers three 1
    stop_shout
    wanted "[::1]:$one: 1 datagrams, ${#word} bytes
127.0.0.1:$two: 1 datagrams, 5 bytes
127.2.0.1:$three: 1 datagrams, 2 bytes" "$(cat program.out)"
}

# proves: 8 9 10 11 18
@test "Ctrl-C or SIGTERM stops it: it says after how many datagrams, exit 0" {
    see='lesson 4, "Read the program", step 3: why MSG_DONTWAIT'
    local i said burst
    sent='nothing, then SIGTERM'
    serve_program -b 127.0.0.1 0
    is_not_woken
    stop_shout TERM
    nothing_in program.out
    wanted 'on standard error: shout: stopped after 0 datagrams' "on standard error: $(tail -n +2 program.err)"

    peer one
    peer two
    sent="an empty datagram from port $one, 258 of 1 byte from port $two, then Ctrl-C (SIGINT)"
    start_into '2>&1' -b 127.0.0.1 0 # both streams into program.out
    program_writes program.out 1 'on standard error: bound to ADDRESS:PORT'
    take_port program.out
    echo "$port" >one.in
    answers one 1
    for burst in 1 2; do
        for ((i = 0; i < 129; i++)); do echo "$port 78"; done >two.in
        answers two $((burst * 129))
    done
    stop_program
    wanted "127.0.0.1:$one: 1 datagrams, 0 bytes
127.0.0.1:$two: 258 datagrams, 258 bytes
shout: stopped after 259 datagrams" "$(tail -n +2 program.out)"

    see='common/program.h: flush_output'
    sent="\"x\" from port $one, then Ctrl-C, and standard output is /dev/full, where nothing can be written"
    start_into '>/dev/full' -b 127.0.0.1 0
    is_bound
    tell one "$port" x
    answers one 2
    signal_program INT
    program_ends
    wanted 'on standard error: shout: cannot write standard output: No space left on device' \
        "on standard error: $(tail -n +2 program.err)"
    wanted 'exit status 1' "exit status $status"
}

# proves: 14
@test "a datagram that cannot be answered causes a warning, and counts" {
    see='lesson 4, "The idea": anybody can send anything, from a source port of 0, too'
    local said
    allow_port_0 || skip "nothing can be sent from port 0 here: $reason"
    peer two
    serve_program -b 127.0.0.1 0
    new_word
    sent="\"$word\" from port 0, to which no answer can go, twice, then \"x\" from port $two, then Ctrl-C"
    tell_from_port_0 "$port" "$word"
    tell_from_port_0 "$port" "$word"
    tell two "$port" x
    answers two 1
    stop_shout
    wanted "127.0.0.1:0: 2 datagrams, $((2 * ${#word})) bytes"$'\n'"127.0.0.1:$two: 1 datagrams, 1 bytes" \
        "$(cat program.out)"
    mapfile -t said <program.err
    ((${#said[@]} > 3)) || complain 'two warnings on standard error' "$((${#said[@]} - 2))"
    wanted 'shout: stopped after 3 datagrams' "${said[-1]}"
}

# proves: 1 2 3 15 16 17
@test "-h helps; where it is bound, and what cannot be right, is told" {
    see='lesson 3, "Read the program", step 2, and "What can go wrong"; parse_arguments'
    is_called_as_echo_is shout
}
