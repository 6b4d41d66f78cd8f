# The checks of exercise 9, one thread: each is a requirement of its README.md.
#
# shellcheck disable=SC2030,SC2031,SC2034,SC2154  # checks.bash uses $see, and sets $port and $word; checks share nothing

load ../checks

# chat [OPTION...]: starts a chat with the peer `desk`; $own is its port. What is written to file
# descriptor 9 is typed there; `exec 9>&-` is Ctrl-D.
chat() {
    peer desk
    mkfifo keyboard
    input=keyboard start_program -b 127.0.0.1 -l 0 "$@" 127.0.0.1 "$desk"
    exec 9>keyboard # only now, so that the program has no copy of it
    await program.err 'bound to' >/dev/null || complain "\`bound to ADDRESS:PORT\`" "$(cat program.err)"
    take_port program.err
    own=$port
}

# types BYTES: BYTES, as for printf, are typed, in one piece.
types() {
    sent+="${sent:+$'\n'}typed: \"$1\""
    # shellcheck disable=SC2059
    printf "$1" >piece
    put_in piece
}

# put_in FILE: the bytes of FILE are typed.
put_in() {
    cat "$1" >&9 2>/dev/null || complain 'the program takes what is typed' 'it does not read any more'
}

# tells BYTES: desk sends BYTES.
tells() {
    sent+="${sent:+$'\n'}from desk: \"$1\""
    tell desk "$own" "$1"
}

# sends COUNT LINE...: desk must have received COUNT datagrams, the last of which are the LINEs.
sends() {
    local count=$1 lines=()
    shift
    comes desk.out "$count" || complain "at desk: $(printf '%s\n' "$@")" "at desk: $(tail -n "$#" desk.out | cut -d ' ' -f 3-)"
    mapfile -t lines <desk.out
    wanted "at desk: $(printf "$own %s\n" "$@")" "at desk: $(printf '%s\n' "${lines[@]: -$#}")"
}

# prints COUNT TEXT: the program's COUNTth line must be the message TEXT from desk.
prints() {
    local lines=()
    comes program.out "$1" || complain ">>127.0.0.1:$desk:$2" "$(sed -n "$1p" program.out)"
    mapfile -t lines <program.out
    wanted ">>127.0.0.1:$desk:$2" "${lines[$1 - 1]}"
}

@test "each line typed is sent to the peer, from our own port" {
    see='lesson 6, "Read the program": read, then send'
    chat
    for ((i = 1; i <= 3; i++)); do
        new_word
        types "$word is number $i\n"
        sends "$i" "$((${#word} + 12)) $word is number $i"
    done
}

@test "each message that arrives is printed as >>ENDPOINT:TEXT, made harmless, whoever sent it" {
    see='lesson 6, "Read the program": receive, then print'
    chat
    new_word
    tells "$word"
    prints 1 "$word"
    tells $'hi\n\e[2J'
    prints 2 'hi\n\x1b[2J'
    peer stranger
    sent+=$'\nfrom a stranger: "hello"'
    tell stranger "$own" hello
    comes program.out 3 || complain ">>127.0.0.1:$stranger:hello" ''
    wanted ">>127.0.0.1:$stranger:hello" "$(tail -n 1 program.out)"
}

@test "it takes turns: neither a message nor a line makes it deaf to the other" {
    see='lesson 6, "The idea": a program that sleeps in one is deaf to the other'
    chat
    for ((i = 1; i <= 4; i++)); do
        new_word
        tells "$word"
        prints "$i" "$word"
        types "$word\n"
        sends "$i" "${#word} $word"
    done
}

@test "half a line typed does not make it deaf, and is sent when it is whole" {
    see='hint 3: read_line sleeps until the line is complete, read takes what there is'
    chat
    new_word
    types "half of "
    for i in 1 2 3; do
        tells "$word $i"
        prints "$i" "$word $i"
    done
    types "$word\n"
    sends 1 "$((${#word} + 8)) half of $word"
}

@test "several lines that come at once are all sent, one datagram each, in order" {
    see='hint 3: poll knows what is in the kernel, not what your program has already read'
    chat
    new_word
    types "$word\nsecond\n$word again\nhal"
    sends 3 "${#word} $word" '6 second' "$((${#word} + 6)) $word again"
    types 'f\nlast\n'
    sends 5 '4 half' '4 last'
}

@test "an empty line is an empty datagram, and the other way round" {
    see='lesson 4, "Run it": an empty datagram has a header, so it is a datagram'
    chat
    types '\n'
    sends 1 '0 '
    tells ''
    prints 1 ''
    types 'goes on\n'
    sends 2 '7 goes on'
    tells 'goes on'
    prints 2 'goes on'
}

@test "a long line is sent whole, one too long for a datagram is refused, and it goes on" {
    see='UDP in ten minutes: why 65,507; hint 3: a long line comes in several pieces'
    chat
    new_number 65000 65507
    head -c $((number + 2000)) /dev/zero | tr '\0' x >long
    { head -c "$number" long && echo; } >fits
    echo >>long
    sent="typed: a line of $number bytes"
    put_in fits
    comes desk.out 1 || complain "at desk: $number bytes" 'at desk: nothing'
    wanted "at desk: $number bytes" "at desk: $(cut -d ' ' -f 2 desk.out) bytes"
    sent+=$'\n'"typed: a line of $((number + 2000)) bytes"
    put_in long
    types 'short\n'
    sends 2 '5 short'
    wanted_like '.*line not sent: .*' "$(cat program.err)" 'line not sent: ... on standard error'
}

@test "of a message longer than 1024 bytes it says what was cut" {
    see='lesson 5, "Read the program", step 3: MSG_TRUNC'
    chat
    new_number 1025 1100
    printf -v long '%*s' "$number" ''
    sent="from desk: $number times \"x\""
    tell desk "$own" "${long// /x}"
    comes program.out 1 || true
    slurp program.out
    content=${content%$'\n'}
    long=${content//[^x]/}
    wanted ">>127.0.0.1:$desk:(1024 times x) [cut: 1024 of $number bytes]" "${content/"$long"/(${#long} times x)}"
}

@test "-e CHARSET: lines are encoded, messages decoded, a line it cannot express is refused" {
    see='lesson 5, "The idea": what; lesson 6, "Read the program"'
    needs_encoder iso-8859-1
    chat -e iso-8859-1
    new_word
    types "$word é\n"
    sends 1 "$((${#word} + 2)) $word \\xe9"
    types "$word 你\n"
    types 'after\n'
    sends 2 '5 after'
    wanted_like '.*line not sent: .*' "$(cat program.err)" 'line not sent: ... on standard error'
    tells $'\xfc'
    prints 1 'ü'
}

@test "at the end of the input it sends a last line without a newline, and ends with exit 0" {
    see='hint 4: the end of the input may be told as POLLHUP, without POLLIN'
    chat
    new_word
    types "first\n$word"
    exec 9>&-
    sent+=$'\nthe end of the input'
    await_exit "$program" >/dev/null || complain 'the program ends' "it was still running after $long"
    sends 2 '5 first' "${#word} $word"
    wanted 'exit status 0' "exit status $status"
    wanted 'one-thread: stopped after 2 sent and 0 received' "$(tail -n 1 program.err)"
}

@test "Ctrl-C and SIGTERM end it at once, with a summary and exit 0" {
    see='hint 4: poll returns -1 with EINTR if a signal comes; program.h: stop_descriptor'
    for signal in INT TERM; do
        rm -f keyboard desk.* program.*
        chat
        types 'half'
        tells 'hello'
        prints 1 'hello'
        sent+=$'\n'"SIG$signal"
        stop "$program" "$signal" >/dev/null || complain 'the program ends' 'it goes on'
        wanted 'exit status 0' "exit status $status"
        wanted 'one-thread: stopped after 0 sent and 1 received' "$(tail -n 1 program.err)"
        sent=
    done
}

@test "it has one thread" {
    see='this exercise, "The rules"'
    chat
    types 'hello\n'
    sends 1 '5 hello'
    threads=("/proc/$program/task/"*)
    wanted '1 thread (in /proc/PID/task)' "${#threads[@]} thread (in /proc/PID/task)"
}

# rests: waits until the program sleeps; $switches is how often it has gone to sleep so far. If it
# sleeps again later, and this is still the same, it was not woken, however busy the machine is.
rests() {
    local line
    asleep
    running || complain 'a program that goes on' 'it has ended'
    while read -r line; do
        [[ $line != voluntary_ctxt_switches:* ]] || switches=${line//[^0-9]/}
    done <"/proc/$program/status"
}

@test "while nothing happens it sleeps, also when half a line is typed" {
    see='hint 2: one poll, with no timeout, wakes for a datagram, a key and Ctrl-C'
    chat
    tells 'hello'
    prints 1 'hello'
    types 'half of'
    tells 'again'
    prints 2 'again'
    sent+=$'\nthen nothing'
    # What it still had to do, it may do in the first round.
    for round in 1 2 3; do
        rests
        before=$switches
        read -rt 0.15 -u "$never" || true
        rests
        ((switches == before)) && break
    done
    wanted 'in 0.15 seconds, woken 0 times' "in 0.15 seconds, woken $((switches - before)) times"
}

@test "on a terminal, a message wipes the prompt, which comes back under it" {
    see='lesson 6, "Run it": half a line, and a message arrives'
    command -v script >/dev/null || skip "no script(1) from util-linux"
    peer desk
    mkfifo keyboard
    input=keyboard start program script -qefc "'$PROGRAM' -b 127.0.0.1 -l 0 127.0.0.1 $desk" typescript
    exec 9>keyboard
    DEADLINE=1
    await program.out '<<' >/dev/null || complain 'the prompt: <<' "$(cat -v program.out)"
    [[ $content =~ 'bound to '[0-9.]*:([0-9]+) ]] && own=${BASH_REMATCH[1]}
    types 'half of '
    await program.out '<<half of ' >/dev/null || complain '<<half of ' "$(cat -v program.out)"
    new_word
    tells "$word"
    screen=$'<<half of \r\e[K>>127.0.0.1:'"$desk:$word"$'\r\n<<'
    await program.out "$screen" >/dev/null || complain "$(cat -v <<<"$screen")" "$(cat -v program.out)"
    types 'a line\r'
    sends 1 '14 half of a line'
    await program.out $'\r\n<<' >/dev/null || complain 'the prompt again: <<' "$(cat -v program.out)"
}
