# The checks of exercise 14, till: each proves sentences of the contract in its README.md. For `book` the shop is
# who is asked, and a stranger is anybody else; for `serve` ann, bob and others ask.
#
# shellcheck disable=SC2030,SC2031,SC2034,SC2128,SC2153,SC2154  # checks.bash uses what is set here, and sets the peers' ports

load ../checks

KILOBYTES=2000 # a line for each of 4400 bookings

# wait_seconds SECONDS.
wait_seconds() {
    read -rt "$1" -u "$never" || true
}

# some_till: eight hexadecimal digits, in $till; one of them is a letter, one a zero in front.
some_till() {
    printf -v till '0%03x%03xe' "$((RANDOM % 4096))" "$((RANDOM % 4096))"
}

# lines_to PORT: makes of each line of text one that tells a peer to send it to PORT.
lines_to() {
    awk -v port="$1" '
        BEGIN { for (i = 1; i < 127; i++) hex[sprintf("%c", i)] = sprintf("%02x", i) }
        {
            printf "%s ", port
            n = split($0, letters, "")
            for (i = 1; i <= n; i++) printf "%s", hex[letters[i]]
            print ""
        }'
}

# ------------------------------------ serve ------------------------------------

# says NAME MESSAGE: the peer NAME sends it to the server.
says() {
    tell "$1" "$served" "$2"
    sent+="${sent:+$'\n'}$1: $2"
}

# hears NAME [TILL NUMBER TOTAL]: the next thing that NAME hears is this answer.
hears() {
    local count=${1}_heard number text lines
    printf -v "$count" '%s' $((${!count-0} + 1))
    number=${!count}
    text="DONE $2 $3 $4"
    program_writes "$1.out" "$number" "at $1: $text"
    wanted "at $1: $served ${#text} $text" "at $1: ${lines[number - 1]}"
}

# prints LINE...: so far it has printed these lines, and no other.
prints() {
    program_writes program.out $# "on standard output: ${*: -1}"
    wanted "$(printf '%s\n' "$@")" "$(cat program.out)"
}

# serves [ARGUMENT...]: starts `serve`; $served is its port.
serves() {
    serve_program serve "$@" 0
    served=$port sent=''
}

# proves: 3 4 5 6
@test "serve counts each booking once: the same one again has the same answer again" {
    see='this exercise, "Once, and not twice"'
    local a b x y z
    peer ann
    peer bob
    some_till
    a=$till
    b=00000000 # a till like any other
    new_number 2 1000
    x=$number
    new_number 1001 999999
    y=$number
    serves
    says ann "BOOK $a 1 $x"
    hears ann "$a" 1 "$x"
    prints "booked $x for $a, number 1: total $x"
    says ann "BOOK $a 1 $x"
    hears ann "$a" 1 "$x"
    says bob "BOOK $b 1 $y"
    hears bob "$b" 1 $((x + y))
    says ann "BOOK $a 1 $x"
    hears ann "$a" 1 "$x"
    says ann "BOOK $a 2 $x"
    hears ann "$a" 2 $((x + y + x))
    says bob "BOOK $b 1 $y"
    hears bob "$b" 1 $((x + y))
    says ann "BOOK $a 2 $x"
    hears ann "$a" 2 $((x + y + x))
    says ann "BOOK ffffffff 1 1000000"
    hears ann ffffffff 1 $((x + y + x + 1000000))
    says bob "BOOK $b 1 $y"
    hears bob "$b" 1 $((x + y))
    says bob "BOOK $b 2 1"
    hears bob "$b" 2 $((x + y + x + 1000001))
    says ann "BOOK $a 3 1"
    hears ann "$a" 3 $((x + y + x + 1000002))
    prints "booked $x for $a, number 1: total $x" "booked $y for $b, number 1: total $((x + y))" \
        "booked $x for $a, number 2: total $((x + y + x))" "booked 1000000 for ffffffff, number 1: total $((x + y + x + 1000000))" \
        "booked 1 for $b, number 2: total $((x + y + x + 1000001))" "booked 1 for $a, number 3: total $((x + y + x + 1000002))"
}

# proves: 3 6 7 8
@test "serve ignores an old number, one that is too new, another amount, and what is not well-formed" {
    see='this exercise, "Once, and not twice"'
    local a text
    peer ann
    some_till
    a=${till%e}f
    serves
    says ann "BOOK $a 2 100" # an unknown till begins with 1
    says ann "BOOK $a 7 100"
    says ann "BOOK $a 1 100"
    hears ann "$a" 1 100
    says ann "BOOK $a 1 101"
    says ann "BOOK $a 1 99"
    says ann "BOOK $a 1 65636"
    says ann "BOOK $a 3 100"
    says ann "BOOK $a 1 100"
    hears ann "$a" 1 100
    says ann "BOOK $a 2 50"
    hears ann "$a" 2 150
    says ann "BOOK $a 1 100" # a late copy
    says ann "BOOK $a 1 50"
    says ann "BOOK $a 2 100"
    says ann "BOOK $a 4 50"
    says ann "BOOK $a 258 50"
    says ann "BOOK $a 2 50"
    hears ann "$a" 2 150
    says ann "BOOK $a 3 50" # it is a new one, although its amount is that of the last one
    hears ann "$a" 3 200
    see='this exercise, "On the wire", and "Read strictly"'
    for text in '' B BOOK 'BOOK ' "BOOK $a" "BOOK $a " "BOOK $a 4" "BOOK $a 4 " "BOOK $a 4 100 " "BOOK $a 4 100"$'\n' \
        "BOOK $a 4 100 1" "BOOK $a 4 100x" "BOOK $a 4 1.5" "BOOK $a 4 1e3" "BOOK $a 4 0x1" "BOOK $a 4 0" "BOOK $a 4 -100" "BOOK $a 4 +100" "BOOK $a 4 0100" \
        "BOOK $a 4 1000001" "BOOK $a 4 4294967396" "BOOK $a 4 18446744073709551716" "BOOK $a 4 99999999999999999999999999" \
        "BOOK $a 04 100" "BOOK $a +4 100" "BOOK $a -4 100" "BOOK $a 4294967300 100" "BOOK $a 18446744073709551620 100" "BOOK $a 4x 100" "BOOK $a 4  100" \
        "BOOK  $a 4 100" "BOOK $a  4 100" " BOOK $a 4 100" "book $a 4 100" "BOOKS $a 4 100" "BOOC $a 4 100" "DONE $a 4 100" "BOOK${a}4 100" \
        "BOOK ${a^^} 4 100" "BOOK ${a#0} 4 100" "BOOK 0$a 4 100" "BOOK 1$a 4 100" "BOOK 0x${a:2} 4 100" "BOOK ${a%f}g 4 100" "BOOK $a"$'\t'"4 100" "BOOK $a,4,100" \
        "BOOK ${a^^} 1 100" "BOOK ${a#0} 1 100" "BOOK 0$a 1 100" "BOOK 1$a 1 100" "BOOK 0x${a:2} 1 100" "BOOK ${a%f}g 1 100" "BOOK ${a%f}  1 100"; do
        tell ann "$served" "$text"
        says ann "BOOK $a 3 50" # the next answer is to this
        sent="ann: \"$text\", then BOOK $a 3 50"
        hears ann "$a" 3 200
    done
    hex_of "BOOK $a 4 100"
    echo "$served ${hex}00" >ann.in
    sent="ann: BOOK $a 4 100 and a byte 0, then the same and 2000 blanks, then BOOK $a 3 50"
    printf -v text '%2000s' ''
    tell ann "$served" "BOOK $a 4 100$text"
    tell ann "$served" "BOOK $a 3 50"
    hears ann "$a" 3 200
    says ann "BOOK $a 4 1"
    hears ann "$a" 4 201
    prints "booked 100 for $a, number 1: total 100" "booked 50 for $a, number 2: total 150" "booked 50 for $a, number 3: total 200" \
        "booked 1 for $a, number 4: total 201"
}

# proves: 1 9
@test "serve knows a till by its TILL alone, and answers where the question came from" {
    see='this exercise, "The contract", 9'
    local a b
    peer ann
    peer bob
    peer eve 127.0.0.1
    some_till
    a=$till
    some_till
    b=$till
    serves -b 127.0.0.1
    says ann "BOOK $a 1 100"
    hears ann "$a" 1 100
    says bob "BOOK $a 1 100"
    hears bob "$a" 1 100
    says bob "BOOK $a 2 20"
    hears bob "$a" 2 120
    says ann "BOOK $a 2 20"
    hears ann "$a" 2 120
    says ann "BOOK $b 1 3" # another till at the same endpoint
    hears ann "$b" 1 123
    says ann "BOOK $a 3 4"
    hears ann "$a" 3 127
    says eve "BOOK $b 2 5"
    hears eve "$b" 2 132
    wanted 'at bob: 2 answers' "at bob: $(wc -l <bob.out) answers"
    needs_ipv6 'only in part: '
    ann_heard=0 bob_heard=0
    rm -f ann.* bob.*
    peer ann ::1
    peer bob 127.0.0.1
    serves -b ::
    says ann "BOOK $a 1 100"
    hears ann "$a" 1 100
    says bob "BOOK $a 1 100"
    hears bob "$a" 1 100
}

# proves: 7 8 10
@test "serve remembers 100 tills; a new one takes the place of the one that was not answered for the longest time" {
    see='this exercise, "The contract", 10'
    local i number tills=() total=0
    peer ann
    number=$((RANDOM * 65536))
    for ((i = 0; i <= 100; i++)); do
        printf -v 'tills[i]' %08x $((number + i * (i % 2 ? 1 : 65536)))
    done
    serves
    for ((i = 0; i < 100; i++)); do echo "BOOK ${tills[i]} 1 $((i + 1))"; done | lines_to "$served" >ann.in
    sent='ann: the first booking of 100 tills'
    program_writes ann.out 100 '100 answers'
    ann_heard=100 total=5050
    says ann "BOOK ${tills[0]} 1 1" # the same again: a sign of life
    hears ann "${tills[0]}" 1 1
    says ann "BOOK ${tills[1]} 3 2" # these are not answered
    says ann "BOOK ${tills[1]} 1 9"
    says ann "BOOK ${tills[1]} 1 02"
    says ann "BOOK ${tills[2]} 2 7"
    hears ann "${tills[2]}" 2 $((total += 7))
    for ((i = 2; i < 102; i++)); do # unknown tills that do not begin need no place
        printf 'BOOK %08x 2 5\n' $((number + i * 977 + 12345678))
    done | lines_to "$served" >ann.in
    sent+=$'\nann: bookings number 2 of 100 unknown tills'
    says ann "BOOK ${tills[100]} 1 3" # in place of number 1
    hears ann "${tills[100]}" 1 $((total += 3))
    says ann "BOOK ${tills[1]} 2 5" # so this is unknown
    says ann "BOOK ${tills[0]} 2 5"
    hears ann "${tills[0]}" 2 $((total += 5))
    says ann "BOOK ${tills[2]} 2 7"
    hears ann "${tills[2]}" 2 $((5050 + 7))
    for ((i = 3; i < 101; i++)); do
        echo "BOOK ${tills[i]} $((i < 100 ? 2 : 1)) $((i < 100 ? 1 : 3))"
    done | lines_to "$served" >ann.in
    sent+=$'\nann: the second booking of each other till'
    program_writes ann.out $((100 + 1 + 1 + 1 + 2 + 98)) "an answer to each"
    total=$((total + 97))
    says ann "BOOK ${tills[1]} 1 2" # number 0 is now the oldest: forgotten
    ann_heard=203
    hears ann "${tills[1]}" 1 $((total += 2))
    says ann "BOOK ${tills[0]} 3 5"
    says ann "BOOK ${tills[2]} 3 5"
    hears ann "${tills[2]}" 3 $((total += 5))
}

# books_many: ann sends the bookings that standard input lists; not so many at once that some are lost.
books_many() {
    local part
    rm -f part.*
    lines_to "$served" | awk -v desk="$desk" '{ print } NR % 200 == 0 { print desk }' | split -l 201 - part.
    for part in part.*; do
        slurp "$part"
        printf '%s' "$content" >ann.in
        comes desk.out $((++sent_parts)) && settled
    done
}

# proves: 3 5 6 10 11 14
@test "serve needs no more memory for many tills and bookings; its sums are large enough" {
    see='this exercise, "The contract", 11; uint64_t'
    local most=() sent_parts=0
    steady_memory
    peer ann
    peer desk
    some_till
    serves
    books_many < <(seq -f "BOOK $till %.0f 1000000" 400)
    sent='ann: 400 bookings of 1000000 from one till'
    most[1]=$(memory "$program")
    books_many < <(seq -f "BOOK ${till:0:4}%04.0f 1 1000000" 4000)
    sent+=$'\nann: the first booking of 4000 other tills: 1000000'
    most[2]=$(memory "$program")
    ((most[2] < most[1] + 200)) || complain 'the memory does not grow' "it grows from ${most[1]} to ${most[2]} kilobytes"
    program_writes program.out 4400 'a line for each booking'
    wanted "on standard output, line 400: booked 1000000 for $till, number 400: total 400000000" "on standard output, line 400: ${lines[399]}"
    wanted "on standard output, the last line: booked 1000000 for ${till:0:4}4000, number 1: total 4400000000" "on standard output, the last line: ${lines[-1]}"
    peer bob
    says bob "BOOK ${till:0:4}4000 1 1000000"
    hears bob "${till:0:4}4000" 1 4400000000
    says bob "BOOK ${till:0:4}3901 1 1000000" # the oldest of the last 100
    hears bob "${till:0:4}3901" 1 4301000000
    stop_program
    wanted 'on standard error: till: stopped after 4400 bookings, total 4400000000' "on standard error: $(tail -n +2 program.err)"
}

# proves: 9 12
@test "serve warns if an answer cannot be sent, and goes on; the booking counts" {
    see='lesson 4, "The idea": anybody can send anything, from a source port of 0, too'
    local a
    allow_port_0 || skip "nothing can be sent from port 0 here: $reason"
    peer ann
    some_till
    a=$till
    serves
    sent="BOOK $a 1 100 from port 0, to which no answer can go, twice"
    tell_from_port_0 "$served" "BOOK $a 1 100"
    tell_from_port_0 "$served" "BOOK $a 1 100"
    says ann "BOOK $a 1 100"
    hears ann "$a" 1 100
    prints "booked 100 for $a, number 1: total 100"
    has_lines program.err 3 || complain 'two warnings on standard error' "$((${#lines[@]} - 1))"
}

# proves: 13 14 15
@test "serve sleeps while nothing comes, and ends at Ctrl-C or SIGTERM, or if it cannot write" {
    see='lesson 4, "Read the program"'
    peer ann
    some_till
    serves
    says ann "BOOK $till 1 77"
    hears ann "$till" 1 77
    stop_program TERM
    wanted 'on standard error: till: stopped after 1 bookings, total 77' "on standard error: $(tail -n +2 program.err)"
    serves
    says ann "BOOK $till 1 77"
    hears ann "$till" 1 77
    says ann "BOOK ffffffff 1 5"
    hears ann ffffffff 1 82
    says ann "BOOK $till 1 77"
    hears ann "$till" 1 77
    says ann "BOOK $till 3 77"
    settled
    is_not_woken
    stop_program
    wanted 'on standard error: till: stopped after 2 bookings, total 82' "on standard error: $(tail -n +2 program.err)"
    see='common/program.h: flush_output'
    sent='a booking, and standard output is /dev/full, where nothing can be written'
    start_into '>/dev/full' serve 0
    is_bound
    served=$port
    tell ann "$served" "BOOK $till 1 77"
    program_ends
    wanted_like 'till: cannot write standard output(: No space left on device)?' "$(tail -n +2 program.err)" \
        'on standard error: till: cannot write standard output: No space left on device'
    wanted 'exit status 1' "exit status $status"
}

# ------------------------------------ book -------------------------------------

# shop [ADDRESS [PORT]]: a new shop; what it has heard is forgotten.
shop() {
    rm -f shop.*
    peer shop "$@"
}

# asked COUNT: waits until the shop was asked COUNT times; $asker is the port that asks, $request what it says.
asked() {
    local naps=0 gone=0 lines=()
    until has_lines shop.out "$1"; do
        running || ((gone++ < 10)) || complain "question $1 at the shop" "the program has ended after ${#lines[@]}"
        keep_waiting || complain "question $1 at the shop" "in $long, ${#lines[@]} questions"
    done
    read -r asker _ request <<<"${lines[$1 - 1]}"
    till=${request#BOOK }
    till=${till%% *}
}

# asks_for COUNT NUMBER AMOUNT: question COUNT is for this booking.
asks_for() {
    asked "$1"
    wanted_like "BOOK [0-9a-f]{8} $2 $3" "$request" "at the shop: BOOK TILL $2 $3, and TILL is 8 hexadecimal digits"
    wanted "a length of ${#request} bytes" "a length of $(sed -n "$1s/^[0-9]* \([0-9]*\) .*/\1/p" shop.out) bytes"
}

# answer NUMBER TOTAL: the shop's.
answer() {
    tell shop "$asker" "DONE $till $1 $2"
    sent+=$'\n'"the shop: DONE $till $1 $2"
}

# booked LINE AMOUNT TOTAL [TRIES]: line LINE on standard output says so; $booked are all lines. On a busy machine an
# answer of ours may come so late that there was one try more: then, if $attempt is less than 5, $busy is set.
booked() {
    local number='(0|[1-9][0-9]*) ms' rest like tries=${4-1}
    rest="sample $number, SRTT $number, RTTVAR $number, RTO $number" like='sample N ms, SRTT N ms, RTTVAR N ms, RTO N ms'
    [ "$tries" = 1 ] || rest="no sample, RTO $number" like='no sample, RTO N ms'
    program_writes program.out "$1" "on standard output: booked $2: total $3 ($tries tries, $like)"
    booked=("${lines[@]}") busy=
    if ((${attempt-5} < 5)) && [[ ${lines[$1 - 1]} =~ \(([0-9]+)' tries, no sample' ]] && ((BASH_REMATCH[1] > tries)); then
        busy=yes
        return
    fi
    wanted_like "booked $2: total $3 \($tries tries, $rest\)" "${lines[$1 - 1]}" "on standard output: booked $2: total $3 ($tries tries, $like)"
}

# ended STATUS [ERR]: the program has ended with it, and ERR is what is on standard error.
ended() {
    program_ends
    read_output
    how_it_ended "$status"
    [[ $how = with* ]] || complain 'the program ends by itself' "it was ended $how"
    wanted_err "${2-}"
    wanted_status "$1"
    whole_lines program.out || complain 'a newline after the last line' 'no newline'
}

# follows MILLISECONDS: what each line on standard output says follows from its samples, by RFC 6298; the first RTO was
# that many milliseconds. All is in whole milliseconds, rounded or cut, so nothing is exact.
follows() {
    local line wanted came
    IFS=$'\t' read -r line wanted came < <(awk -v rto="$1" '
        function off(came, wanted, by) { return came - wanted > by || wanted - came > by }
        { tries = substr($5, 2) }
        tries > 1 {
            by = 2 ^ (tries - 1)
            wanted = rto * by
            if (off($10, wanted, by + 1)) printf "%d\tRTO %d ms\tRTO %d ms\n", NR, wanted, $10
            rto = $10
            next
        }
        {
            difference = $8 > srtt ? $8 - srtt : srtt - $8
            rttvar = samples ? 0.75 * rttvar + 0.25 * difference : $8 / 2
            srtt = samples++ ? 0.875 * srtt + 0.125 * $8 : $8
            wanted = srtt + 4 * rttvar > 50 ? srtt + 4 * rttvar : 50
            if (off($11, srtt, 1.6) || off($14, rttvar, 2.1) || off($17, wanted, 7.6))
                printf "%d\tSRTT %d ms, RTTVAR %d ms, RTO %d ms\tSRTT %d ms, RTTVAR %d ms, RTO %d ms\n", NR, srtt, rttvar, wanted, $11, $14, $17
            rto = $17
        }' program.out) || return 0
    sent=$(cat program.out)
    complain "in line $line of what it has printed: $wanted, or nearly" "$came"
}

# rto: that of the last line, in $rto.
rto() {
    rto=${booked[-1]##*RTO }
    rto=${rto% ms)}
}

# proves: 16 17 26 28 31
@test "book asks for one booking after another, and prints each answer at once" {
    see='this exercise, "On the wire"; man 2 getrandom'
    local before='' close=0 apart i x y
    shop
    new_number 2 999999
    x=$number
    new_number 2 999999
    y=$number
    sent="book $x 1 $y 1000000"
    start_program book -w 9 127.0.0.1 "$shop" "$x" 1 "$y" 1000000
    asks_for 1 1 "$x"
    is_not_woken
    wanted 'at the shop: 1 question' "at the shop: $(wc -l <shop.out) question"
    answer 1 "$x"
    booked 1 "$x" "$x"
    before=$till
    asks_for 2 2 1
    wanted "the same TILL as before: $before" "the same TILL as before: $till"
    answer 2 $((x + 1))
    booked 2 1 $((x + 1))
    asks_for 3 3 "$y"
    answer 3 4294968000
    booked 3 "$y" 4294968000
    asks_for 4 4 1000000
    answer 4 999999999999999999
    booked 4 1000000 999999999999999999
    ended 0
    wanted '4 lines on standard output' "$(wc -l <program.out) lines on standard output"
    wanted "the same TILL as before: $before" "the same TILL as before: $till"
    wanted 'at the shop: 4 questions' "at the shop: $(all_heard shop | wc -l) questions"
    # Each run is a new till.
    shop
    for i in 1 2 3 4 5 6; do start "run$i" "$PROGRAM" book -w 9 127.0.0.1 "$shop" "$x"; done
    program=$pid
    for i in 1 2 3 4 5 6; do
        sent="book $x, in six runs"
        asks_for "$i" 1 "$x"
        [[ $till != "$before" ]] || complain 'a new TILL for each run' "$till again"
        apart=$(((16#$till - 16#$before) & 0xffffffff))
        ((apart >= 0x400000 && apart <= 0xffc00000)) || close=$((close + 1))
        before=$till
    done
    ((close < 3)) || complain 'random TILLs' "TILLs that lie close together, the last one $till"
}

# proves: 19 27 29
@test "book tries TRIES times, each time for the whole RTO; then it gives up, exit 1, and sends no later booking" {
    see='this exercise, "The contract", 19 and 27'
    local begin took try
    for try in 1 2 3; do # on a busy machine a later one tells
        shop
        new_number 2 1000000
        sent="book -w 0.015 -n 3 $number 7, and the shop is silent"
        begin=${EPOCHREALTIME/[.,]/}
        start_program book -w 0.015 -n 3 127.0.0.1 "$shop" "$number" 7
        asks_for 3 1 "$number"
        ended 1 "till: no answer to booking 1 (amount $number) after 3 tries: it may count, or not"
        took=$(((${EPOCHREALTIME/[.,]/} - begin) / 1000))
        nothing_in program.out
        ((took >= 105)) || complain 'an end after 0.015 and 0.03 and 0.06 seconds' "after $took milliseconds"
        wanted "3 ${#request} $request" "$(all_heard shop | uniq -c | sed 's/^ *//')"
        wanted 'from 1 port' "from $(cut -d ' ' -f 1 shop.out | sort -u | wc -l) port"
        ((took > 270)) || break
        ((try < 3)) || complain 'an end after 0.015 and 0.03 and 0.06 seconds' "after $took milliseconds, each time"
    done
    shop
    sent='book -w 9 -n 1 5 6 7, and the shop answers the first booking only'
    start_program book -w 9 -n 1 127.0.0.1 "$shop" 5 6 7
    asks_for 1 1 5
    answer 1 5
    ended 1 'till: no answer to booking 2 (amount 6) after 1 tries: it may count, or not'
    booked 1 5 5
    wanted '1 line on standard output' "$(wc -l <program.out) line on standard output"
    wanted 'at the shop: 2 questions' "at the shop: $(all_heard shop | wc -l) questions"
    # Nobody is there any more; the first tries are shorter than a millisecond.
    sent="book -w 0.0005 -n 7 to 127.0.0.1:$shop, where nobody is"
    begin=${EPOCHREALTIME/[.,]/}
    start_program book -w 0.0005 -n 7 127.0.0.1 "$shop" 5
    ended 1 'till: no answer to booking 1 (amount 5) after 7 tries: it may count, or not'
    took=$(((${EPOCHREALTIME/[.,]/} - begin) / 1000))
    ((took >= 63)) || complain 'an end after 0.0005 and 0.001 and 0.002 and so on to 0.032 seconds' "after $took milliseconds"
}

# answers_after SECONDS LINE AMOUNT: the shop answers booking LINE, which it has just got, after this time; the sample
# in that line is not shorter, and not longer than all that we know of.
answers_after() {
    local begin sample
    asks_for "$2" "$2" "$3"
    milliseconds
    begin=$moment
    wait_seconds "$1"
    # What is no answer changes nothing: the time before it is part of the sample.
    [[ $1 == 0.0[01]* ]] || { tell shop "$asker" x && wait_for 10; }
    milliseconds
    begin=$((moment - begin))
    after=$moment
    sent+=$'\n'"after $begin milliseconds:"
    answer "$2" "$2"
    booked "$2" "$3" "$2"
    [ -z "$busy" ] || return 0
    milliseconds
    sample=${booked[$2 - 1]#*sample }
    sample=${sample%% *}
    ((sample >= begin * 8 / 10 - 5)) || complain "a sample of $begin milliseconds or more" "${booked[$2 - 1]}"
    ((sample <= moment - since + 1)) || complain "a sample of $((moment - since)) milliseconds or less" "${booked[$2 - 1]}"
    since=$after
}

# proves: 21 22 23 26
@test "book computes SRTT, RTTVAR and RTO from the samples, as RFC 6298 does" {
    see='this exercise, "How long to wait"'
    local attempt times delays amounts delay i
    new_number 10 99
    # The second time: no RTO is shorter than 50 milliseconds, and a sample of 0 is a sample.
    for times in "0.0$((RANDOM % 3 + 5)) 0.01 0.1$((RANDOM % 2)) 0.001" '0.0001 0.01'; do
        for attempt in 1 2 3 4 5; do
            shop
            i=0
            read -ra delays <<<"$times"
            amounts=("${delays[@]/*/$number}")
            sent="book -w 9, ${#delays[@]} times $number"
            milliseconds
            since=$moment
            start_program book -w 9 127.0.0.1 "$shop" "${amounts[@]}"
            for delay in "${delays[@]}"; do
                answers_after "$delay" $((++i)) "$number"
                [ -z "$busy" ] || continue 2
            done
            break
        done
        ended 0
        follows 9000
    done
}

# proves: 17 18 19 20 24 25 26
@test "book doubles the RTO at each try, and keeps it until there is a new sample; a booking sent twice gives none" {
    see='this exercise, "Karn'"'"'s rule"'
    local first attempt milli
    for attempt in 1 2 3 4 5; do # again, and slower, if the machine was busy
        shop
        milli=$((25 << attempt))
        sent="book -w $((milli / 1000)).$(printf %03d $((milli % 1000))), and the shop is silent until try 3"
        milliseconds
        since=$moment
        start_program book -w "${sent:8:5}" 127.0.0.1 "$shop" 11 22 33 44
        asks_for 1 1 11
        first=$asker
        asks_for 2 1 11
        asks_for 3 1 11
        milliseconds
        ((moment - since >= 3 * milli)) || complain "try 3 after $milli and $((2 * milli)) milliseconds" "after $((moment - since)) milliseconds"
        wanted "try 3 from port $first" "try 3 from port $asker"
        answer 1 11
        answer 1 9999 # a copy, and a late answer to another try
        milliseconds
        since=$moment
        booked 1 11 11 3
        [ -z "$busy" ] || continue
        follows "$milli"
        # The RTO is now four times as long: an answer after 1.6 times finds no second try.
        asks_for 4 2 22
        wait_for $((milli * 16 / 10))
        sent+=$'\n'"after $((milli * 16 / 10)) milliseconds:"
        answer 1 9999
        answer 2 33
        booked 2 22 33
        [ -z "$busy" ] || continue
        follows "$milli"
        asks_for 5 3 33
        answer 2 9999
        answer 3 66
        booked 3 33 66
        [ -z "$busy" ] || continue
        asks_for 6 4 44
        answer 4 110
        booked 4 44 110
        [ -n "$busy" ] || break
    done
    ended 0
    follows "$milli"
    wanted 'at the shop: 6 questions' "at the shop: $(all_heard shop | wc -l) questions"
}

# tried_for COUNT: question COUNT comes, not sooner than RTO after $since; if it comes much later, $longer says so.
tried_for() {
    asked "$1"
    milliseconds
    ((moment - since >= rto)) || complain "a try of $rto milliseconds" "the next one after $((moment - since))"
    ((moment - since < 2 * rto + 30)) || longer="$rto milliseconds, and not of $((moment - since))"
}

# second_at_try_2 DELAY AMOUNT...: it books 1 and 2, and what follows; the shop answers the first after DELAY, the second
# only at try 2.
second_at_try_2() {
    shop
    start_program book -w 9 127.0.0.1 "$shop" "${@:2}"
    asks_for 1 1 1
    wait_seconds "$1"
    milliseconds
    since=$moment
    answer 1 1
    booked 1 1 1
    [ -z "$busy" ] || return 0
    rto
    asks_for 2 2 2
    tried_for 3
    answer 2 2
    booked 2 2 2 2
}

# proves: 19 23 24 25
@test "book waits as long as it says: the RTO of the last sample, then the doubled one" {
    see='this exercise, "How long to wait", and "Karn'"'"'s rule"'
    local rto attempt longer
    for attempt in 1 2 3 4 5; do # again if the machine was busy
        longer=
        sent='book -w 9; the shop answers the first booking after 0.02 seconds, then at once, but the second and fourth only at try 2'
        second_at_try_2 0.02 1 2 3 4
        [ -z "$busy" ] || continue
        asks_for 4 3 3
        milliseconds
        since=$moment
        answer 3 3
        booked 3 3 3
        [ -z "$busy" ] || continue
        rto
        asks_for 5 4 4
        tried_for 6
        answer 4 4
        booked 4 4 4 2
        [ -z "$busy" ] || continue
        ended 0
        follows 9000
        sent='book -w 9, and the shop answers the first booking at once, the second at try 2'
        second_at_try_2 0 1 2
        [ -z "$busy" ] || continue
        [ -n "$longer" ] || return 0
    done
    complain "a try of $longer" 'a longer one, each time'
}

# ------------------------------- both ends, and the rest -------------------------------

# replay: how to do by hand what run number $run has done.
replay() {
    echo "to do it again, in three terminals:
  build/exercises/till serve 7788
  build/lossy -s ${seeds[run]} -l 30 -d 20 -r 20 127.0.0.1 7788 7789
  build/exercises/till book -w 0.03 -n 12 127.0.0.1 7789 ${amounts[run]}"
}

# proves: 4 5 6 16 19 20 27 28 32
@test "through a network that loses, doubles and reorders, each booking counts once; if all is lost, book gives up" {
    see='lesson 11; this exercise, "Once, and not twice"'
    local run runs=4 i since begin second second_pid second_begin six_pid six_begin lossy=() book=() seeds=() amounts=() server answered=0 status wrong
    serves
    sent='book 1 2 3 and so on to 300, without lossy'
    start book "$PROGRAM" book -w 9 127.0.0.1 "$served" {1..300}
    await_exit "$pid" >/dev/null || complain 'book ends' "$long later it was still running"
    wanted 'exit status 0' "exit status $status"
    wanted 'on standard output of book: 300 lines' "on standard output of book: $(wc -l <book.out) lines"
    wanted_like 'booked 300: total 45150 \(.*\)' "$(tail -n 1 book.out)" 'on standard output of book: booked 300: total 45150 (...'
    wanted_like 'booked 300 for [0-9a-f]{8}, number 300: total 45150' "$(tail -n 1 program.out)" \
        'on standard output of serve: booked 300 for TILL, number 300: total 45150'
    wanted 'on standard output of serve: 300 lines' "on standard output of serve: $(wc -l <program.out) lines"
    server=$program
    # Meanwhile, where all is lost: one try of a second, and six of 0.01 seconds and more.
    for i in second six; do
        start "lost-$i" "$BUILD/lossy" -s 1 -l 100 -b 127.0.0.1 127.0.0.1 "$served" 0
        await "lost-$i.err" 'bound to'
        take_port "lost-$i.err"
        begin=${EPOCHREALTIME/[.,]/}
        if [ $i = second ]; then
            second=$port
            start second "$PROGRAM" book -n 1 127.0.0.1 "$port" 5
        else
            start six "$PROGRAM" book -w 0.01 127.0.0.1 "$port" 5
        fi
        printf -v "${i}_pid" '%s' "$pid"
        printf -v "${i}_begin" '%s' "$begin"
    done
    for ((run = 1; run <= runs; run++)); do
        new_number 1 999999
        seeds[run]=$number
        start "lossy$run" "$BUILD/lossy" -s "$number" -l 30 -d 20 -r 20 -b 127.0.0.1 127.0.0.1 "$served" 0
        lossy[run]=$pid
    done
    for ((run = 1; run <= runs; run++)); do
        await "lossy$run.err" 'bound to'
        take_port "lossy$run.err"
        amounts[run]=
        for i in 1 2 3 4; do # that tell which run it was
            new_number 1 9999
            amounts[run]+="${amounts[run]:+ }$((run * 100000 + i * 10000 + number))"
        done
        # shellcheck disable=SC2086
        start "book$run" "$PROGRAM" book -w 0.03 -n 12 127.0.0.1 "$port" ${amounts[run]}
        book[run]=$pid
    done
    milliseconds
    for ((since = moment; moment < since + 600; )); do # who has no luck needs longer
        for ((run = 1; run <= runs; run++)); do
            read -r i 2>/dev/null <"/proc/${book[run]}/stat" || continue
            [[ $i == *') Z '* ]] || break
        done
        ((run <= runs)) || break
        wait_for 20
        milliseconds
    done
    for ((run = 1; run <= runs; run++)); do
        kill -TERM "${book[run]}" 2>/dev/null || true
        status=0
        wait "${book[run]}" 2>/dev/null || status=$?
        program=
        sent=$(replay)
        case $status in
        0 | 143) wanted 'on standard error: ' "on standard error: $(cat "book$run.err")" ;; # done, or stopped by us
        1) wanted_like 'till: no answer to booking [1-4] \(amount [0-9]+\) after 12 tries: it may count, or not' "$(cat "book$run.err")" ;;
        *) complain 'book ends with 0 or 1' "it ends with $status" ;;
        esac
        ((status != 0 || $(wc -l <"book$run.out") == 4)) || complain '4 lines on standard output, exit 0' "$(cat "book$run.out")"
        answered=$((answered + $(wc -l <"book$run.out")))
    done
    program=$server
    for ((run = 1; run <= runs; run++)); do kill -TERM "${lossy[run]}"; done
    for ((run = 1; run <= runs; run++)); do await_exit "${lossy[run]}" >/dev/null; done
    sent="four runs of book, each through lossy -l 30 -d 20 -r 20, with the seeds ${seeds[*]}"
    ((answered > 0)) || complain 'an answer in a second' 'none'
    settled
    for ((run = 1; run <= runs; run++)); do echo "${amounts[run]}"; done >amounts
    # What the server has counted: each once, in order, and the sum. What was answered is what was counted.
    wrong=$(awk '
        FILENAME == "amounts" { for (i = 1; i <= NF; i++) wanted[FNR, i] = $i; next }
        FILENAME == "program.out" && FNR <= 300 { total += $2; next }
        FILENAME == "program.out" {
            amount = $2; number = $6 + 0; run = int(amount / 100000); total += amount
            if (number != ++count[run]) print run, "number " count[run] " of this till, or nothing: each booking counts once", $0
            else if (wanted[run, number] != amount) print run, "the amount " wanted[run, number], $0
            else if ($8 != total) print run, "total " total, $0
            if (count[run] > 1 && till[run] != $4) print run, "the same till, " till[run], $0
            till[run] = $4; totals[run, number] = $8
            next
        }
        {
            run = substr(FILENAME, 5, 1)
            if ($2 + 0 != wanted[run, FNR]) print run, "booked " wanted[run, FNR], $0
            else if ($4 != totals[run, FNR]) print run, "on standard output of serve: booked " wanted[run, FNR] ", total " $4, FNR in count ? "another total" : "total " totals[run, FNR]
            lines[run] = FNR
        }
        END { for (run in count) if (count[run] > lines[run] + 1) print run, lines[run] + 1 " bookings at most", count[run] }
    ' OFS='\t' amounts program.out book?.out)
    if [ -n "$wrong" ]; then
        IFS=$'\t' read -r run wanted came <<<"$wrong"
        sent=$(replay)
        complain "$wanted" "$came"
    fi

    program=
    sent='book -w 0.01 through lossy -l 100'
    await_exit "$six_pid" >/dev/null || complain 'the program ends' "$long later it was still running"
    wanted 'on standard error: till: no answer to booking 1 (amount 5) after 6 tries: it may count, or not' "on standard error: $(cat six.err)"
    wanted '6 questions' "$(wc -l <lost-six.out) questions"
    sent='book -n 1 through lossy -l 100'
    program=$second_pid
    took_a_second "$second_begin" book -n 1 127.0.0.1 "$second" 5
    wanted 'exit status 1' "exit status $status"
}

# proves: 17 18 19
@test "book takes a late answer; it ignores what is of another booking, of another till, or not well-formed" {
    see='this exercise, "Whose answer is it?", and "Read strictly"'
    local text other far zeros first seconds attempt=0
    printf -v zeros '%018d' 0
    for seconds in 0.06 0.12 0.24 0.48 0.96; do # again, and slower, if the machine was busy
        attempt=$((attempt + 1))
        shop
        sent="book -w $seconds 50 60; the shop answers when it has been asked twice"
        start_program book -w "$seconds" 127.0.0.1 "$shop" 50 60
        asks_for 1 1 50
        first=$asker
        asks_for 2 1 50
        asker=$first
        printf -v other %08x $((16#$till ^ 1))
        printf -v far %08x $((16#$till ^ 0x80000000))
        printf '%s\n' "DONE $other 1 666" "DONE $far 1 666" "DONE $till 2 666" "DONE $till 0 666" "DONE $till 10 666" "DONE $till 257 666" \
            "DONE $till 4294967297 666" "DONE $till 01 666" "DONE $till +1 666" "DONE $till 1" "DONE $till 1 " '' DONE "DONE $till" \
            "DONE $till 1 0" "DONE $till 1 0666" "DONE $till 1 +666" "DONE $till 1 -666" "DONE $till 1 666 " "DONE $till 1 666x" "DONE $till 1 666 1" \
            "DONE $till 1  666" "DONE  $till 1 666" " DONE $till 1 666" "done $till 1 666" "BOOK $till 1 666" "BOOK $till 1 50" "DONF $till 1 666" \
            "DONE 0$till 1 666" "DONE ${till}0 1 666" "DONE ${till:0:7} 1 666" "DONE x$till 1 666" "DONE$till 1 666" "DONE $till 1 6$zeros" \
            "DONE $till 1 18446744073709552282" "DONE $till 1 6${zeros}00666" "DONE $till 1 0x29a" "DONE $till"$'\t'"1 666" "DONE x${till^^} 1 666" |
            sed "s/x${till^^}/${till^^}/; s/^DONE $till 1 666\$/x/" | lines_to "$asker" >shop.in
        hex_of "DONE $till 1 666"
        printf "$asker %s\n" "${hex}00" "${hex}0a" >shop.in
        printf -v text '%2000s' ''
        tell shop "$asker" "DONE $till 1 666$text"
        sent+=", with 42 datagrams that are no answer, such as DONE $other 1 666"
        answer 1 50
        booked 1 50 50 2
        [ -z "$busy" ] || continue
        asks_for 3 2 60
        answer 1 50
        answer 2 110
        booked 2 60 110
        [ -n "$busy" ] || break
    done
    ended 0
}

# proves: 17 18 19
@test "book ignores strangers, who do not make a try longer" {
    see='lesson 2, "Compare endpoints by parts", and "Read the program", step 5: a deadline is a moment'
    local begin took lines=() naps=0 old
    shop
    peer stranger
    sent="127.0.0.1:$shop is asked, and 127.0.0.1:$stranger says that it is done; then the shop does"
    start_program book -w 9 -n 2 127.0.0.1 "$shop" 50
    asks_for 1 1 50
    hex_of "DONE $till 1 666"
    printf '%s\n' "$asker $hex" "$shop 78" >stranger.in # when the shop has it, the program has had the answer
    asked 2
    asked 1
    answer 1 50
    booked 1 50 50
    ended 0
    shop 0.0.0.0 # asked at 127.0.0.2, it answers from 127.0.0.1
    sent="127.0.0.2:$shop is asked, 127.0.0.1:$shop says that it is done"
    start_program book -w 0.03 -n 1 127.0.0.2 "$shop" 50
    asks_for 1 1 50
    answer 1 50
    ended 1 'till: no answer to booking 1 (amount 50) after 1 tries: it may count, or not'
    shop
    sent="book -w 0.1 asks the shop, which says only what is no answer; and so does a stranger: without a pause"
    begin=${EPOCHREALTIME/[.,]/}
    start_program book -w 0.1 -n 2 127.0.0.1 "$shop" 50
    asks_for 1 1 50
    hex_of "DONE $till 2 666"
    old=$hex
    hex_of "DONE $till 1 666"
    until has_lines shop.out 2; do
        running || complain 'try 2 after 0.1 seconds' 'the program has ended before it'
        printf "$asker %s\n" "$hex" 78 "$hex" >stranger.in
        printf "$asker %s\n" "$old" 79 "$old" >shop.in
        keep_waiting || complain 'try 2 after 0.1 seconds' "in $long, no second try"
    done
    took=$((${EPOCHREALTIME/[.,]/} - begin))
    ((took >= 100000)) || complain 'try 2 after 0.1 seconds' "after $((took / 1000)) milliseconds"
}

# proves: 17 34
@test "HOST may be a name or an IPv6 address, and strangers are told by address and port there, too" {
    see='lesson 2, "Compare endpoints by parts"'
    local naps=0
    shop
    ! has_ipv6 || peer shop6 ::1 "$shop" # a name may have both addresses
    sent="book at localhost:$shop"
    start_program book -w 9 -n 1 localhost "$shop" 8
    until [ -s shop.out ] || { has_ipv6 && [ -s shop6.out ]; }; do
        { running && keep_waiting; } || complain "a question at localhost:$shop" 'none'
    done
    [ -s shop.out ] || mv shop6.out shop.out
    asks_for 1 1 8
    answer 1 8
    booked 1 8 8
    needs_ipv6 'only in part: '
    rm -f shop6.*
    shop ::1
    peer stranger ::1
    peer mapped 127.0.0.1 "$shop" # to a socket of IPv6 it is ::ffff:127.0.0.1
    sent="book at [::1]:$shop; others say that it is done from [::1]:$stranger and from 127.0.0.1:$shop"
    start_program book -w 9 -n 1000 ::1 "$shop" 8
    asks_for 1 1 8
    hex_of "DONE $till 1 666"
    printf '%s\n' "$asker $hex" "$shop 78" >stranger.in
    asked 2
    asked 1
    printf '%s\n' "$asker $hex" "$mapped 78" >mapped.in # once it has this, the program has had the answer
    comes mapped.out 1
    answer 1 8
    booked 1 8 8
    ended 0
}

# proves: 1 2 30 33 34
@test "-h helps; where serve is bound, and what cannot be right, is told: exit 2" {
    see='"The contract of every program", in docs/helper.md; parse_arguments; lesson 3, "Read the program", step 2'
    local bad
    peer nobody
    helps
    refuses
    refuses take 127.0.0.1 "$nobody" 5
    refuses book 127.0.0.1
    refuses book 127.0.0.1 "$nobody"
    refuses book -x 127.0.0.1 "$nobody" 5
    refuses book -b 127.0.0.1 127.0.0.1 "$nobody" 5
    refuses book 127.0.0.1 0 5
    refuses book -w 1x 127.0.0.1 "$nobody" 5
    for bad in 0 1001; do refuses book -n "$bad" 127.0.0.1 "$nobody" 5; done
    for bad in 0 1000001 4294967297 0250 +250; do refuses book 127.0.0.1 "$nobody" 5 "$bad"; done
    refuses serve -w 1 0
    refuses serve 0 0
    refuses serve 65536
    wanted 'nothing sent' "$(all_heard nobody)nothing sent"
    sent='book to 127.255.255.255, a broadcast address, where sendto fails'
    run_program book -w 9 127.255.255.255 7788 123
    wanted_like 'till: cannot send 19 bytes to 127\.255\.255\.255:7788: [^'$'\n'']*' "$err" \
        'on standard error: till: cannot send 19 bytes to 127.255.255.255:7788: and the reason'
    wanted_out ''
    wanted_status 1

    binds_by_default till 7788 serve
    peer other
    refuses_a_taken_port till serve -b 127.0.0.1 "$other"
    serve_program serve -b 127.0.0.1 0
    needs_ipv6 'only in part: '
    serve_program serve -b ::1 0
}
