# The checks of exercise 5, shout: each is a requirement of its README.md.
#
# shellcheck disable=SC2018,SC2019,SC2030,SC2031,SC2034,SC2154  # bats and checks.bash use what stands here

load ../checks

# answers NAME COUNT: waits until NAME has had COUNT answers; they are in $lines.
answers() {
    local naps=0 gone=
    until mapfile -t lines <"$1.out" && ((${#lines[@]} >= $2)); do
        [ -z "$gone" ] || complain "answer $2" "the program has ended; answers: ${lines[*]:-(none)}"
        running || gone=yes
        keep_waiting || complain "answer $2" "in $long: ${lines[*]:-(nothing)}"
    done
}

# ask_shout FILE: sends FILE as one datagram; its answer comes into the file `answer`.
ask_shout() {
    "$PROBE" ask 127.0.0.1 "$port" <"$1" >answer 2>probe.err 3>&- &
    pids+=("$!")
    { await_exit "$!" >/dev/null && [ "$status" = 0 ]; } ||
        complain 'an answer' "none in $long"
}

# stop_shout [SIGNAL]: stops the program; what it prints then is in $lines.
stop_shout() {
    slurp program.out
    wanted '' "$content"
    running || complain "a server that runs until it is stopped" "it has ended by itself"
    stop "$program" "${1:-INT}" >/dev/null ||
        complain 'the program ends' "$long after SIG${1:-INT} it was still running"
    mapfile -t lines <program.out
}

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
}

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

@test "an empty datagram is answered with an empty one, and counts" {
    see='lesson 4, "Check yourself", question 5: recvfrom returned 0'
    peer one
    serve_program -b 127.0.0.1 0
    sent="an empty datagram from port $one, then \"x\""
    tell one "$port" ''
    answers one 1
    wanted "$port 0 " "${lines[0]}"
    tell one "$port" x
    answers one 2
    stop_shout
    wanted "127.0.0.1:$one: 2 datagrams, 1 bytes" "${lines[*]}"
}

@test "the largest datagram, 65507 bytes, comes back whole" {
    see='UDP in ten minutes: why 65,507; and lesson 4, "Read the program", step 3'
    head -c 65507 /dev/zero | tr '\0' q >question
    sent='65507 times "q"'
    serve_program -b 127.0.0.1 0
    ask_shout question
    wanted '65507 bytes' "$(wc -c <answer) bytes"
    wanted '' "$(tr -d Q <answer)"
}

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

@test "it tells 1,000 peers apart, by address and port" {
    see='lesson 4, "Check yourself", question 1; and hint 5: is there room?'
    local any=::
    new_number 450 550
    has_ipv6 || any=0.0.0.0 number=1000
    serve_program -b "$any" 0
    sent="\"abc\" from $number ports of 127.0.0.1, then from $((1000 - number)) ports of ::1, some of them the same; \"de\" from the first 100 of each; then Ctrl-C"
    crowd 127.0.0.1 "$number" || complain 'an answer to each of them' 'no answer to one of them'
    crowd ::1 $((1000 - number)) || complain 'an answer to each of them' 'no answer to one of them'
    stop_shout
    awk -v half="$number" '
        { n = NR <= half ? NR : NR - half
          want = n <= 100 ? "2 datagrams, 5 bytes" : "1 datagrams, 3 bytes"
          host = NR <= half ? "127.0.0.1" : "[::1]"
          text = substr($0, 1, length(host) + 1) == host ":" && !seen[$1]++ ? substr($0, length($1) + 2) : ""
          if (text != want) {
              print "line " NR ": " host ":PORT: " want ", and each PORT once"
              print "line " NR ": " $0
              exit } }' program.out >wrong
    [ ! -s wrong ] || complain "$(head -n 1 wrong)" "$(tail -n 1 wrong)"
    wanted '1000 lines' "${#lines[@]} lines"
    needs_ipv6 'only in part: '
}

@test "with -b :: it serves IPv4 and IPv6, and tells both apart" {
    see='lesson 3, "What can go wrong": the sender uses IPv6'
    needs_ipv6
    peer one ::1
    peer two
    serve_program -b :: 0
    new_word
    sent="\"$word\" from [::1]:$one, then \"hello\" from 127.0.0.1:$two, then Ctrl-C"
    tell one "$port" "$word"
    answers one 1
    tell two "$port" hello
    answers two 1
    wanted "$port 5 HELLO" "${lines[0]}"
    stop_shout
    wanted "[::1]:$one: 1 datagrams, ${#word} bytes"$'\n'"127.0.0.1:$two: 1 datagrams, 5 bytes" \
        "$(cat program.out)"
}

@test "Ctrl-C or SIGTERM stops it: it says after how many datagrams, exit 0" {
    see='lesson 4, "Read the program", step 3: why MSG_DONTWAIT'
    local i said
    sent='nothing, then SIGTERM'
    serve_program -b 127.0.0.1 0
    stop_shout TERM
    wanted '' "${lines[*]}"
    wanted 'shout: stopped after 0 datagrams' "$(tail -n +2 program.err)"
    wanted 'exit status 0' "exit status $status"
    peer one
    serve_program -b 127.0.0.1 0
    new_number 2 6
    sent="$number datagrams from one port, then Ctrl-C (SIGINT)"
    for ((i = 0; i < number; i++)); do printf '%s 78\n' "$port" >one.in; done
    answers one "$number"
    stop_shout
    wanted "shout: stopped after $number datagrams" "$(tail -n +2 program.err)"
    wanted 'exit status 0' "exit status $status"

    # The same, where one datagram cannot be answered.
    see='lesson 4, "The idea": anybody can send anything, from a source port of 0, too'
    allow_port_0 || skip "only in part: nothing can be sent from port 0 here: $reason"
    peer two
    serve_program -b 127.0.0.1 0
    new_word
    sent="\"$word\" from port 0, to which no answer can go, then \"x\" from port $two, then Ctrl-C"
    tell_from_port_0 "$port" "$word"
    tell two "$port" x
    answers two 1
    stop_shout
    wanted "127.0.0.1:0: 1 datagrams, ${#word} bytes"$'\n'"127.0.0.1:$two: 1 datagrams, 1 bytes" \
        "$(cat program.out)"
    mapfile -t said <program.err
    ((${#said[@]} > 2)) || complain 'a warning on standard error' 'none'
    wanted 'shout: stopped after 2 datagrams' "${said[-1]}"
    wanted 'exit status 0' "exit status $status"
}
