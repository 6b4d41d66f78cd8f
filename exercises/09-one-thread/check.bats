# The checks of exercise 9, one thread: each proves sentences of the contract in its README.md.
#
# shellcheck disable=SC2030,SC2031,SC2034,SC2154  # checks.bash uses $see, and sets $port and $word; checks share nothing

load ../checks

# chat [OPTION...]: starts a chat with the peer `desk` on 127.0.0.1.
chat() {
    peer desk
    friend=desk
    start_chat 127.0.0.1 -b 127.0.0.1 -l 0 "$@" 127.0.0.1 "$desk"
}

# start_chat ADDRESS ARGUMENT...: starts a chat, which is bound to that address; $own is its port. What is
# written to file descriptor 9 is typed there. (A peer that is started later holds it open, too.)
start_chat() {
    local wanted="on standard error: one-thread: bound to $1:PORT" lines
    rm -f keyboard
    mkfifo keyboard
    input=keyboard start_program "${@:2}"
    exec 9>keyboard # only now, so that the program has no copy of it
    program_writes program.err 1 "$wanted"
    # Without -l it is port 4567, which may be somebody's.
    [[ "$*" == *' -l '* || ${lines[0]} != "one-thread: cannot bind to $1:4567: "* ]] || skip 'only in part: somebody has port 4567 here'
    bound=$1 own=${lines[0]##*:} heard=() printed=() refused=0
    [[ ${lines[0]} == "one-thread: bound to $1:$own" && $own =~ ^[1-9][0-9]*$ ]] ||
        complain "$wanted" "on standard error: ${lines[0]}"
}

# types BYTES: BYTES, as for printf, are typed, in one piece, and the program reads them.
types() {
    sent+="${sent:+$'\n'}typed: \"$1\""
    # shellcheck disable=SC2059
    printf "$1" >piece
    put_in piece
}

# put_in FILE: the bytes of FILE are typed, and the program reads them.
put_in() {
    cat "$1" >&9 2>/dev/null || complain 'the program takes what is typed' 'it does not read any more'
    asleep
}

# tells TEXT: the peer sends TEXT; tells_hex BYTES DESCRIPTION: these bytes, in hexadecimal.
tells() {
    hex_of "$1"
    tells_hex "$hex" "\"$1\""
}
tells_hex() {
    sent+="${sent:+$'\n'}from the peer: $2"
    echo "$own $1" >"$friend.in"
}

# comes_from_it FILE COUNT: waits until FILE has COUNT lines, or the program has ended.
comes_from_it() {
    local lines=() naps=0
    until has_lines "$1" "$2"; do
        running && keep_waiting || return
    done
}

# sends "LENGTH TEXT"...: the next datagrams at the peer must be these, from our port.
sends() {
    local from=${#heard[@]}
    heard+=("${@/#/$own }")
    comes_from_it "$friend.out" "${#heard[@]}" || running || all_heard "$friend" >/dev/null
    compare "$friend.out" 'at the peer: ' "$from" "${heard[@]}"
}

# prints TEXT...: the next lines on standard output must be these messages from the peer.
prints() {
    prints_lines "${@/#/>>127.0.0.1:$desk:}"
}
prints_lines() {
    local from=${#printed[@]}
    printed+=("$@")
    comes_from_it program.out "${#printed[@]}" || true
    compare program.out 'on standard output: ' "$from" "${printed[@]}"
}

# compare FILE WHERE FROM LINE...: FILE must hold the LINEs; what is before number FROM was right once.
compare() {
    local IFS=$'\n' lines from=$3 where=$2
    mapfile -t lines <"$1"
    shift 3
    [[ ${lines[*]} != "$*" ]] || return 0
    set -- "${@:from+1}"
    wanted "$where$(in_words "${*:-(nothing more)}")" "$where$(in_words "${lines[*]:from}")"
}

# in_words LINES: of lines PORT LENGTH TEXT, as a peer prints them, each with words; others as they are.
in_words() {
    sed -E 's/^([0-9]+) ([0-9]+) (.{0,100}).*/from port \1, \2 bytes: \3/; s/^$/(nothing)/' <<<"$1"
}

# hangs_up [TERM|EOF]: ends the chat. By then it has sent, printed and said what it was to, and nothing else.
hangs_up() {
    local i
    if [[ ${1-} == EOF ]]; then
        sent+="${sent:+$'\n'}the end of the input"
        exec 9>&-
        program_ends 0
    else
        stop_program "$@"
    fi
    all_heard "$friend" >/dev/null
    compare "$friend.out" 'at the peer: ' 0 "${heard[@]}"
    compare program.out 'on standard output: ' 0 "${printed[@]}"
    see='this exercise, "The contract", 38 and 39, or 21 and 41'
    wanted "on standard error: $(
        echo "one-thread: bound to $bound:$own"
        for ((i = 0; i < refused; i++)); do echo 'one-thread: line not sent: ...'; done
        echo "one-thread: stopped after ${#heard[@]} sent and ${#printed[@]} received"
    )" "on standard error: $(sed 's/\(line not sent: \)..*/\1.../' program.err)"
}


# proves: 5 11 12 14 41
@test "each line typed is one datagram to the peer, from our own port, and nothing is taken off" {
    see='lesson 6, "Read the program": read, then send'
    chat
    types '\xef\xbb\xbfhi\n'
    sends $'5 \ufeffhi'
    for i in 1 2 3; do
        new_word
        types "$word is number $i\n"
        sends "$((${#word} + 12)) $word is number $i"
    done
    see='lesson 1, "Read the program", step 4: the length is given as a number, for any bytes'
    types ' \t'"$word"' \r\n'
    sends "$((${#word} + 4))  \\t$word \\r"
    types 'blanks \t \n'
    sends '9 blanks \t '
    types 'a\0b\n\0\n'
    sends '3 a\x00b' '1 \x00'
    types '100%%s\\n \xff\n'
    sends '9 100%s\n \xff'
    has_one socket
    hangs_up
}

# proves: 13 25 26 28 31 39 41
@test "each message that arrives is printed as >>ENDPOINT:TEXT, made harmless, whoever sent it" {
    see='lesson 6, "Read the program": receive, then print'
    peer stranger
    chat
    sent='from a stranger: "who is there?"'
    tell stranger "$own" 'who is there?'
    prints_lines ">>127.0.0.1:$stranger:who is there?"
    new_word
    tells "$word"
    prints "$word"
    tells $'hi\n\e[2J\t\x7f'
    prints 'hi\n\x1b[2J\t\x7f'
    tells '100%s%n'
    prints '100%s%n'
    tells_hex 610062ff0a 'the bytes 61 00 62 ff 0a'
    prints 'a\x00b\xff\n'
    see='lesson 4, "Run it": an empty datagram has a header, so it is a datagram'
    tells ''
    prints ''
    see='lesson 6, "What can go wrong": somebody else is there'
    sent+=$'\nfrom a stranger: "'"$word"'"'
    tell stranger "$own" "$word"
    prints_lines ">>127.0.0.1:$stranger:$word"
    types 'to the peer\n'
    sends '11 to the peer'
    tells 'the end'
    prints 'the end'
    wanted 'to the stranger: nothing' "to the stranger: $(all_heard stranger)nothing"
    hangs_up
}

# proves: 10 11 25
@test "it takes turns, in one thread and with one socket: neither makes it deaf to the other" {
    see='lesson 6, "The idea": a program that sleeps in one is deaf to the other'
    peer stranger
    chat
    for i in 1 2 3; do
        new_word
        tells "$word"
        prints "$word"
        types "$word\n"
        sends "${#word} $word"
    done
    sent+=$'\nall at once:'
    kill -STOP "$program"
    tells one
    tells two
    printf 'three\nfour\n' >&9
    tells five
    sent+=$'\ntyped: "three\\nfour\\n"'
    tell desk "$stranger" '' # once this has come, what was sent before it has come, too
    comes stranger.out 1
    kill -CONT "$program"
    sends '5 three' '4 four'
    prints one two five
    see='this exercise, "The contract", 10 and 11'
    has_one thread
    has_one socket
    has_no_child
    hangs_up
}

# has_no_child: nobody's parent is the program.
has_no_child() {
    local stat line children=()
    for stat in /proc/[0-9]*/stat; do
        { read -r line <"$stat"; } 2>/dev/null || continue
        [[ ${line##*') '} != ?" $program "* ]] || children+=("${line%% *}")
    done
    [ -z "${children[*]}" ] || {
        kill "${children[@]}" 2>/dev/null || true
        complain 'no child process' "child processes: ${#children[@]}"
    }
}

# proves: 14 16 27
@test "half a line typed does not make it deaf, and is sent when it is whole" {
    see='hint 3: read_line sleeps until the line is complete, read takes what there is'
    chat
    new_word
    types 'half of '
    for i in 1 2 3; do
        tells "$word $i"
        prints "$word $i"
    done
    types "$word\n"
    sends "$((${#word} + 8)) half of $word"
    see='hint 3: keep what is behind the last newline'
    types 'in'
    types ' ma'
    tells 'a message that is longer than what was typed'
    prints 'a message that is longer than what was typed'
    types 'ny\0'
    types ' pieces'
    types '\n'
    sends '15 in many\x00 pieces'
    types "x\n$word, the beginning of a longer line"
    sends '1 x'
    types ", goes on\nand"
    sends "$((${#word} + 41)) $word, the beginning of a longer line, goes on"
    types "\n"
    sends '3 and'
    hangs_up
}

# proves: 12 15 17 18
@test "several lines that come at once, empty ones among them, are one datagram each, in order" {
    see='hint 3: poll knows what is in the kernel, not what your program has already read'
    chat
    new_word
    types "$word\nsecond\n$word again\nhal"
    sends "${#word} $word" '6 second' "$((${#word} + 6)) $word again"
    types 'f\nlast\n'
    sends '4 half' '4 last'
    see='lesson 4, "Run it": an empty datagram has a header, so it is a datagram'
    types '\n'
    sends '0 '
    types '\n\nx\nx\n\n\ny'
    sends '0 ' '0 ' '1 x' '1 x' '0 ' '0 '
    types '\n'
    sends '1 y'
    hangs_up
}

# proves: 21 22 23 24
@test "a line of 65507 bytes is sent whole; one that cannot be sent is refused, and it goes on" {
    see='How UDP works: why 65,507; hint 3: a long line comes in several pieces'
    local length lines before='a short line before the long one' # together more than a pipe has room for
    seq 100000 200000 | tr '\n' ' ' | head -c 262143 >digits
    chat
    for length in 65507 65508 131072 262143 100000; do
        { echo "$before" && head -c "$length" digits && echo; } >line
        sent="typed: \"$before\", and a line of $length bytes"
        put_in line
        if ((length == 65507)); then
            heard+=("$own 32 $before" "$own $length $(tail -n 1 line)")
            comes_from_it desk.out 2 || true
            mapfile -t lines <desk.out
            [[ ${lines[*]} == "${heard[*]}" ]] ||
                complain "at the peer: 2 datagrams: 32 bytes, $length bytes, as they were typed" \
                    "at the peer: ${#lines[@]} datagrams$(awk '{ printf ", %s bytes", $2 }' desk.out)"
        else
            refused=$((refused + 1))
            types 'short\n'
            sends "32 $before" '5 short'
            wanted_like '.*line not sent: .+' "$(tail -n +$((refused + 1)) program.err)" 'on standard error: one-thread: line not sent: ...'
        fi
    done
    hangs_up
    see='lesson 6, "Read the program", step 2: a line that cannot be sent is refused, and the chat goes on'
    sent='two lines to 127.255.255.255, a broadcast address, where sendto fails'
    run_program -b 127.0.0.1 -l 0 127.255.255.255 "$desk" <<<$'one\ntwo'
    wanted 'on standard error: one-thread: line not sent: ... (twice)
on standard error: one-thread: stopped after 0 sent and 0 received' "$(
        sed -n 's/^one-thread: line not sent: ..*/line/p' <<<"$err" | uniq -c |
            sed 's/.* 2 line/on standard error: one-thread: line not sent: ... (twice)/'
        echo "on standard error: $(tail -n 1 <<<"$err")"
    )"
    wanted_status 0
}

# proves: 30
@test "of a message longer than 1024 bytes it says what was cut" {
    see='lesson 5, "Read the program", step 3: MSG_TRUNC'
    local length text
    head -c 65507 /dev/zero | tr '\0' x >letters
    sed 's/x/78/g' letters >codes
    chat
    new_number 1026 65000
    for length in 1023 1024 1025 "$number" 65507; do
        sent="from the peer: $length times \"x\""
        { printf '%s ' "$own" && head -c $((2 * length)) codes && echo; } >desk.in
        text=$(head -c $((length < 1024 ? length : 1024)) letters)
        ((length <= 1024)) || text+=" [cut: 1024 of $length bytes]"
        printed+=(">>127.0.0.1:$desk:$text")
        comes_from_it program.out "${#printed[@]}" || true
        text=$(tail -n +${#printed[@]} program.out)
        [[ $text == "${printed[-1]}" ]] || complain \
            "on standard output: $(in_short "${printed[-1]}")" "on standard output: $(in_short "${text::3000}")"
        tells 'short'
        prints 'short'
    done
    hangs_up
}

# in_short TEXT: with the number of its "x".
in_short() {
    local x=${1//[^x]/}
    echo "${1/"$x"/(${#x} times \"x\")}"
}

# proves: 20 21 22 23 29 37 39
@test "-e CHARSET: lines are encoded, messages decoded, a line it cannot express is refused" {
    see='lesson 5, "The idea": what is encoded and decoded; lesson 6, "Read the program"'
    needs_encoder iso-8859-1 utf-16le
    peer stranger
    chat -e iso-8859-1
    new_word
    types "$word é\n"
    sends "$((${#word} + 2)) $word \\xe9"
    types "$word 你\nafter\n"
    refused=1
    sends '5 after'
    wanted_like '.*line not sent: .+' "$(tail -n +2 program.err)" 'on standard error: one-thread: line not sent: ...'
    types '\xc3'
    types '\xa9\n'
    sends '1 \xe9'
    tells_hex fc 'the byte fc'
    prints 'ü'
    tells_hex e99f 'the bytes e9 9f'
    prints 'é\u009f'
    sent+=$'\nfrom a stranger: the byte fc'
    echo "$own fc" >stranger.in
    prints_lines ">>127.0.0.1:$stranger:ü"
    see='this exercise, "The contract", 22: as it is on the wire'
    sent='typed: 65507 times "é", which is as many bytes in iso-8859-1'
    yes é | head -n 65507 | tr -d '\n' >line
    echo >>line
    put_in line
    comes_from_it desk.out 4 || true
    heard+=("$own 65507 $(yes '\xe9' | head -n 65507 | tr -d '\n')")
    wanted 'at the peer: 65507 bytes' "at the peer: $(sed -n '4s/[^ ]* \([^ ]*\) .*/\1/p' desk.out) bytes"
    see='this exercise, "The contract", 37: the last line is a line like any other'
    sent='typed: "é", without a newline'
    printf é >&9
    heard+=("$own 1 \\xe9")
    hangs_up EOF
}

# proves: 19 37 38 39
@test "at the end of the input it sends a last line without a newline, and ends with exit 0" {
    see='hint 4: the end of the input may be told as POLLHUP, without POLLIN'
    local words
    chat
    new_word
    tells "$word"
    prints "$word"
    types "first\n$word"
    sends '5 first'
    heard+=("$own ${#word} $word")
    hangs_up EOF
    see='hint 4: read returns 0 at the end of the input'
    for words in '' $'one\n\ntwo\n'; do
        printf %s "$words" >typed
        sent="a file of ${#words} bytes on standard input"
        peer reader
        run_program -b 127.0.0.1 -l 0 127.0.0.1 "$reader" <typed
        own=$(sed -n '1s/.*://p' <<<"$err")
        wanted "at the peer: $(awk '{ print length($0), $0 }' typed)" "at the peer: $(all_heard reader)"
        wanted_out ''
        wanted_err "one-thread: bound to 127.0.0.1:$own
one-thread: stopped after $(awk 'END { print NR }' typed) sent and 0 received"
        wanted_status 0
        rm reader.*
    done
}

# proves: 38 39 40
@test "Ctrl-C and SIGTERM end it at once, with a summary and exit 0, and send no half line" {
    see='hint 4: poll returns -1 with EINTR if a signal comes; program.h: stop_descriptor'
    for signal in '' TERM; do
        sent=
        rm -f desk.*
        chat
        types 'half'
        tells 'hello'
        prints 'hello'
        hangs_up $signal
    done

    see='common/program.h: stop_descriptor tells poll of a signal that came before it'
    rm -f desk.*
    peer desk
    fill_pipe
    input=/dev/fd/$never start_into '>full' -b 127.0.0.1 -l 0 127.0.0.1 "$desk"
    is_bound
    sent='"hello" to it'
    printf hello >"/dev/udp/127.0.0.1/$port" # it has come when this has ended
    stop_blocked_program "$port"
    wanted 'on standard error: one-thread: stopped after 0 sent and 1 received' "on standard error: $(tail -n 1 program.err)"

    see='hint 4: a signal is looked at each time, also if there is more to read'
    sent="lines without end, then SIGTERM"
    mkfifo endless
    yes >endless 2>/dev/null 3>&- &
    pids+=("$!")
    input=endless start_program -b 127.0.0.1 -l 0 127.0.0.1 9
    is_bound
    nap
    signal_program TERM
    program_ends 0
}

# proves: 32 39
@test "however many lines and messages there are, all are sent and printed" {
    see='hint 3: move the rest to the front; this exercise, "The contract", 32: take nothing for each line that you do not give back'
    ulimit -n 64
    chat
    head -c 295 /dev/zero | tr '\0' x >letters
    sent='typed: 1100 lines of 300 bytes; from the peer: 300 messages'
    many_of_both
    hangs_up
}

# many_of_both: a hundred lines at once, eleven times, and a hundred messages, three times.
many_of_both() { # (bats looks at each command of a check; of a function it does not)
    local from i xs
    xs=$(<letters)
    for ((from = 1000; from < 2100; from += 100)); do
        for ((i = from; i < from + 100; i++)); do
            heard+=("$own 300 $i,$xs")
        done
        printf '%s\n' "${heard[@]: -100}" | cut -d ' ' -f 3- >line
        put_in line
        if ((from < 1300)); then # the bytes 30, 31, ... 39, each of them ten times
            printed+=(">>127.0.0.1:$desk:"{0..9}{,,,,,,,,,})
            printf "$own %s\n" {30..39}{,,,,,,,,,} >desk.in
        fi
        comes_from_it desk.out "${#heard[@]}" ||
            complain "at the peer: ${#heard[@]} datagrams" "at the peer: $(wc -l <desk.out) datagrams"
        comes_from_it program.out "${#printed[@]}" ||
            complain "on standard output: ${#printed[@]} messages" "on standard output: $(wc -l <program.out) messages"
    done
}

# proves: 42
@test "while nothing happens it sleeps, also when half a line is typed" {
    see='hint 2: one poll, with no timeout, wakes for a datagram, a key and Ctrl-C'
    chat
    tells 'hello'
    prints 'hello'
    types 'half of'
    tells 'again'
    prints 'again'
    sent+=$'\nthen nothing'
    sleeps_without_a_timer
    hangs_up
}

# proves: 1 2 3 4 5 13 26
@test "HOST, PORT, -l and -b are the peer's and our own, and what is left out has its default" {
    see='lesson 6, "Read the program": then the socket'
    local taken=
    address=127.$((RANDOM % 99 + 1)).$((RANDOM % 250 + 1)).$((RANDOM % 250 + 1))
    peer desk
    new_word
    sent="the arguments -b $address -l $desk 127.0.0.1 $desk, and a line: \"$word\""
    run_program -b "$address" -l "$desk" 127.0.0.1 "$desk" <<<"$word"
    wanted_err "one-thread: bound to $address:$desk
one-thread: stopped after 1 sent and 0 received"
    all_heard desk >/dev/null
    wanted "at the peer: from port $desk: $word" "at the peer: $(sed -n 's/\([^ ]*\) [^ ]*/from port \1:/p' desk.out)"
    see='lesson 6, "Read the program": without -b, all addresses of this machine'
    sent='without -b'
    peer stranger
    peer hall 127.0.0.2
    friend=hall
    start_chat 0.0.0.0 -l 0 127.0.0.2 "$hall"
    tell hall "$own" "$word"
    prints_lines ">>127.0.0.2:$hall:$word"
    tell stranger "$own" "$word"
    prints_lines ">>127.0.0.1:$stranger:$word"
    types "$word\n"
    sends "${#word} $word"
    hangs_up
    see='this exercise, "The contract", 1: endpoint_resolve finds the address of a name, too'
    peer lobby
    ! has_ipv6 || peer house ::1 "$lobby" # a name may have both addresses
    sent="\"$word\" to localhost, port $lobby"
    run_program -l 0 localhost "$lobby" <<<"$word"
    wanted "at the peer: ${#word} $word" "at the peer: $(all_heard lobby; ! has_ipv6 || all_heard house)"
    see='this exercise, "The contract", 2 and 3'
    sent="our own address, without -l and PORT: we write to ourselves"
    start_chat "$address" -b "$address" "$address"
    wanted 'our own port: 4567' "our own port: $own"
    types "$word\n"
    prints_lines ">>$address:4567:$word"
    stop_program
}

# proves: 1 4 5 11 22 25 26
@test "HOST may be an IPv6 address" {
    needs_ipv6
    see='lesson 6, "Read the program": the family of the socket is that of the address'
    local options
    peer stranger ::1
    for options in '::1 -b ::1' '::'; do
        rm -f lodge.*
        peer lodge ::1
        friend=lodge
        bound=${options%% *}
        sent="the arguments -l 0${options#"$bound"} ::1 $lodge"
        # shellcheck disable=SC2086
        start_chat "[$bound]" -l 0 ${options#"$bound"} ::1 "$lodge"
        new_word
        tells "$word"
        prints_lines ">>[::1]:$lodge:$word"
        tell stranger "$own" "$word"
        prints_lines ">>[::1]:$stranger:$word"
        types "$word\n"
        sends "${#word} $word"
        see='How UDP works: why 65,507, and more over IPv6'
        sent="a line of 65527 bytes to [::1]:$lodge"
        head -c 65527 /dev/zero | tr '\0' x >line
        heard+=("$own 65527 $(<line)")
        echo >>line
        put_in line
        comes_from_it lodge.out 2 || true
        wanted 'at the peer: 65527 bytes' "at the peer: $(sed -n '2s/[^ ]* \([^ ]*\) .*/\1/p' lodge.out) bytes"
        hangs_up
    done
}

# proves: 6 7 8 9
@test "-h helps; a usage error or a port that is taken is told, and nothing is sent" {
    see='this exercise, "The contract", 6 to 9; program.h: usage_error'
    local bad
    helps
    peer desk
    refuses < <(printf '127.0.0.1\n%s\nhello\n' "$desk")
    refuses -l 0 -b 127.0.0.1 127.0.0.1 "$desk" junk <<<hello
    refuses -x -l 0 127.0.0.1 "$desk" <<<hello
    refuses -l 0 -e no-such-charset 127.0.0.1 "$desk" <<<hello
    refuses -b
    for bad in 65536 "${desk}x"; do
        refuses -l "$bad" 127.0.0.1 "$desk" <<<hello
    done
    for bad in 0 -1 $((desk + 65536)); do
        refuses -l 0 127.0.0.1 "$bad" <<<hello
    done
    wanted 'nothing sent' "$(all_heard desk)nothing sent"
    see='lesson 6, "What can go wrong": two chats want the same port'
    start_chat 127.0.0.1 -b 127.0.0.1 -l 0 127.0.0.1 "$desk"
    refuses_a_taken_port one-thread -b 127.0.0.1 -l "$own" 127.0.0.1 "$own" <<<hello
    stop_program
}

# on_a_terminal COMMAND: the shell runs it there, with $PROGRAM. What is written to file descriptor 9 is typed,
# program.out is the screen.
on_a_terminal() {
    command -v script >/dev/null || skip "no script(1) from util-linux"
    mkfifo keyboard
    PROGRAM=$PROGRAM desk=$desk input=keyboard start program script -qefc "$1" typescript
    terminal=$pid screen=
    exec 9>keyboard
}

# keys BYTES: they are typed at the terminal.
keys() {
    sent+="${sent:+$'\n'}typed: \"$1\""
    # shellcheck disable=SC2059
    printf "$1" >&9
}

# shows PATTERN: the screen must go on with what fits this pattern of the shell, whole.
shows() {
    local naps=0 shown wanted
    # shellcheck disable=SC2053  # it is a pattern
    until slurp program.out && shown=${content:${#screen}:2000} && [[ $shown == $1 ]]; do
        { ((${#shown} < 2000)) && keep_waiting; } || {
            wanted=${1/'+([0-9])'/PORT}
            complain "on the screen: ${wanted/'+([!<])'/...}" "on the screen: ${shown:-(nothing)}"
        }
    done
    screen=$content
}

# shows_bound: the chat on the terminal is bound: $own.
shows_bound() {
    shows $'one-thread: bound to 127.0.0.1:+([0-9])\r\n'"$1"
    own=${content##*:}
    own=${own%%[^0-9]*}
}

# proves: 33 34 35
@test "on a terminal, a message wipes the prompt, which comes back under it, and after each line" {
    see='lesson 6, "Run it": half a line, and a message arrives'
    peer desk
    heard=() friend=desk
    on_a_terminal 'exec "$PROGRAM" -e ascii -b 127.0.0.1 -l 0 127.0.0.1 "$desk"'
    shows_bound '<<'
    keys 'half of '
    shows 'half of '
    for i in 1 2; do
        new_word
        tells "$word"
        shows $'\r\e[K>>127.0.0.1:'"$desk:$word"$'\r\n<<'
    done
    see='this exercise, "The contract", 33'
    keys 'a line\r'
    shows $'a line\r\n<<'
    keys '\r'
    shows $'\r\n<<'
    keys 'é\r'
    shows $'é\r\none-thread: line not sent: +([!<])\r\n<<'
    see='lesson 6, "Read the program": prompt'
    keys '\004'
    shows $'\r\none-thread: stopped after 2 sent and 2 received\r\n'
    await_exit "$terminal"
    wanted 'exit status 0' "exit status $status"
    wanted $'at the peer: 14 half of a line\n0 ' "at the peer: $(all_heard desk)"
}

# proves: 33 36 41
@test "the prompt is on standard error, and only if that and the input are a terminal" {
    see='lesson 6, "Read the program": prompt prints only if somebody sits at a terminal'
    peer desk
    friend=desk
    on_a_terminal 'options="-b 127.0.0.1 -l 0 127.0.0.1 $desk"
        "$PROGRAM" $options </dev/null; "$PROGRAM" $options >messages.1 2>errors; "$PROGRAM" $options >messages.2'
    sent='no terminal is the input'
    shows $'one-thread: bound to 127.0.0.1:+([0-9])\r\none-thread: stopped after 0 sent and 0 received\r\n'
    DEADLINE=2 await errors 'bound to' >/dev/null || complain 'in the file of standard error: one-thread: bound to' "$(cat errors)"
    take_port errors
    own=$port sent='standard output and standard error are files'
    tells hello
    comes messages.1 1 || true
    keys 'x\r\004'
    shows $'x\r\none-thread: bound to 127.0.0.1:+([0-9])\r\n<<'
    wanted "on standard output: >>127.0.0.1:$desk:hello" "on standard output: $(cat messages.1)"
    wanted "on standard error: one-thread: bound to 127.0.0.1:$own
one-thread: stopped after 1 sent and 1 received" "on standard error: $(cat errors)"
    own=${content##*:}
    own=${own%%[^0-9]*}
    sent='standard output is a file'
    tells hello
    shows $'\r\e[K<<'
    keys '\004'
    shows $'\r\none-thread: stopped after 0 sent and 1 received\r\n'
    wanted "on standard output: >>127.0.0.1:$desk:hello" "on standard output: $(cat messages.2)"
    await_exit "$terminal"
    wanted 'exit status 0' "exit status $status"
}
