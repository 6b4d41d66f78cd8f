# The checks of exercise 16, bulletin: each proves sentences of the contract in its README.md. They run in a network of
# their own: the program on host 1, its peers on host 2, and two cables (eth0, eth1) between them. ann sends to the group
# of IPv4 and bob to that of IPv6; four and six hear them.
#
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2153,SC2154  # checks.bash uses what is set here, and sets the peers' ports

load ../checks

KILOBYTES=2000
FOUR=239.255.77.88
SIX=ff12::7788

# own_lan: builds the network. Host 1 has its route to groups by eth1, which is the wrong way, host 2 by eth0.
own_lan() {
    local network
    own_network || skip "no network of its own: $reason"
    exec {network}< <(exec "${inside[@]}" unshare -n sh -c 'echo up && exec sleep 60' 2>&1 3>&-)
    pids+=("$!")
    host2=(nsenter -t "$!" -U -n --preserve-credentials --)
    read -r reason <&"$network" || true
    reason=$(own_host 1 "link add eth0 type veth peer name eth0 netns $!"$'\n'"link add eth1 type veth peer name eth1 netns $!" 2>&1 &&
        at_2 own_host 2 2>&1 && are_up) || skip "no network of its own: ${reason%%$'\n'*}"
    sent='' shown=() number=0
}

# own_host NUMBER [LINE]: makes its two interfaces ready; LINE is what the command ip does before.
own_host() {
    local n
    {
        echo "${2-}"
        for n in 0 1; do
            printf '%s\n' "link set eth$n addrgenmode none" "link set eth$n up" "address add 10.$((77 + n)).0.$1/24 dev eth$n" \
                "address add fe80::$1/64 dev eth$n nodad"
        done
        echo "route add 224.0.0.0/4 dev eth$((2 - $1))"
    } | configure -batch -
}

# are_up: waits until the kernel has seen that the other end of each cable is up; before that, what is sent is lost. (Host 2
# has seen it: its ends came up last.)
are_up() {
    local naps=0
    until [ "$(configure -o link show up | grep -c ' state UP ')" = 2 ]; do
        keep_waiting || { echo 'the interfaces do not come up' && return 1; }
    done
}

# at_2 COMMAND...: runs a function of ours for host 2.
at_2() {
    local inside=("${host2[@]}")
    "$@"
}

# configure ARGUMENT...: the command ip, on host 1.
configure() {
    PATH=$PATH:/usr/sbin:/sbin "${inside[@]}" ip "$@"
}

# starts ARGUMENT...: starts the program; what is written to file descriptor 9 is typed there.
starts() {
    rm -f keyboard
    mkfifo keyboard
    input=keyboard start_program "$@"
    exec 9>keyboard
}

# types TEXT: it is typed, in one piece.
types() {
    sent+="${sent:+$'\n'}typed: \"${1:0:60}\""
    printf '%s' "$1" >&9
}

# some_id: eight hexadecimal digits, in $id; one of them is a letter, one a zero in front.
some_id() {
    printf -v id '0%03x%03xe' "$((RANDOM % 4096))" "$((RANDOM % 4096))"
}

# ------------------------------------ offer ------------------------------------

# hearers: four and six, on host 2.
hearers() {
    declare -gA ports=() # of each run, as each of them sees it
    at_2 peer four "$FOUR" 7788
    at_2 peer six "$SIX%eth0" 7788
}

# hears NAME COUNT MESSAGE: message COUNT that NAME hears is this; ID in it means that of this run, $id, or any if
# that is empty.
hears() {
    local lines from length text
    program_writes "$1.out" "$2" "at the group of $1, message $2: $3"
    read -r from length text <<<"${lines[$2 - 1]}"
    [ -n "$id" ] || [[ ! $text =~ ^[A-Z]+\ ([0-9a-f]{8})\  ]] || id=${BASH_REMATCH[1]}
    wanted "at the group of $1, message $2: ${3/ ID / ${id:-ID} }" "at the group of $1, message $2: $text"
    wanted "a length of ${#text} bytes" "a length of $length bytes"
    : "${ports["$1 $id"]=$from}"
    wanted "at the group of $1, message $2: from port ${ports["$1 $id"]}" "at the group of $1, message $2: from port $from"
}

# both_hear COUNT MESSAGE
both_hear() {
    hears four "$1" "$2"
    hears six "$1" "$2"
}

# proves: 1 3 4 5 13
@test "offer announces at once to both groups, by its interface alone; each run has an ID of its own" {
    see='this exercise, "On the wire", and "Send to a group"; man 2 getrandom'
    local i before close=0 apart id=
    own_lan
    hearers
    new_word
    sent="offer eth0 $word \"2nd floor, é\""
    starts offer eth0 "$word" '2nd floor, é'
    LC_ALL=C both_hear 1 "OFFER ID 1 30000 $word 2nd floor, é"
    is_not_woken
    wanted 'at the groups: 2 messages' "at the groups: $(cat four.out six.out | wc -l) messages"
    nothing_in program.out
    stop_program
    before=$id
    both_hear 2 "WITHDRAW ID 2"
    for i in 1 2 3 4 5 6; do
        sent='six runs of offer -t 86400 eth0 ~ "!  "'
        start "run$i" "${inside[@]}" "$PROGRAM" offer -t 86400 eth0 '~' '!  '
        program=$pid
        program_writes six.out $((i + 2)) 'an announcement of each'
        wanted_like '[0-9]+ 31 OFFER [0-9a-f]{8} 1 86400000 ~ !  ' "${lines[i + 1]}" 'OFFER ID 1 86400000 ~ !, and two blanks'
        id=${lines[i + 1]#*OFFER }
        id=${id%% *}
        [[ $id != "$before" ]] || complain 'a new ID for each run' "$id again"
        apart=$(((16#$id - 16#$before) & 0xffffffff))
        ((apart >= 0x400000 && apart <= 0xffc00000)) || close=$((close + 1))
        before=$id
    done
    ((close < 3)) || complain 'random IDs' "IDs that lie close together, the last one $id"
}

# came_after MILLISECONDS WHAT: it has just come, and that is so long after the first announcement; else $late says so.
came_after() {
    milliseconds
    ((moment - begin >= $1)) || complain "$2 not sooner than $1 milliseconds after the start" "after $((moment - begin))"
    ((moment - first >= $1 - 30 && moment - first < $1 + 90)) ||
        late="$2 $1 milliseconds after the first one, not after $((moment - first)) milliseconds"
}

# proves: 6 7 8
@test "offer keeps to its schedule, however late it was once" {
    see='this exercise, "A schedule"'
    local try begin first id='' count late
    own_lan
    hearers
    for try in 1 2 3 4 5; do # again if the machine was busy
        id='' late=''
        mapfile -t lines <four.out
        count=${#lines[@]}
        milliseconds
        begin=$moment
        sent="offer -t 0.6 eth0 clock tick"
        starts offer -t 0.6 eth0 clock tick
        program_writes four.out $((count + 1)) 'announcement 1'
        milliseconds
        first=$moment
        program_writes four.out $((count + 2)) 'announcement 2'
        came_after 200 'announcement 2'
        # A new TEXT comes between two moments.
        wait_for $((first + 300 - moment))
        types $'tock\n'
        program_writes four.out $((count + 3)) 'an announcement of the new TEXT'
        # It is stopped at the moments 400 and 600. The next one is 800.
        kill -STOP "$program"
        milliseconds
        wait_for $((first + 730 - moment))
        kill -CONT "$program"
        sent+=$'\n'"it is stopped (SIGSTOP), and goes on (SIGCONT) after 730 milliseconds"
        program_writes four.out $((count + 4)) 'announcement 4, at once'
        milliseconds
        ((moment - first < 790)) || late="announcement 4 at once, not after $((moment - first)) milliseconds"
        program_writes four.out $((count + 5)) 'announcement 5'
        came_after 800 'announcement 5'
        stop_program
        [ -n "$late" ] || break
    done
    [ -z "$late" ] || complain "${late%, not *}" "${late##*, not }"
    program_writes four.out $((count + 6)) 'a WITHDRAW'
    program_writes six.out ${#lines[@]} 'the same number of messages'
    wanted "$(cut -d ' ' -f 2- four.out)" "$(cut -d ' ' -f 2- six.out)"
}

# proves: 4 5 8 9 10 12
@test "each line typed to offer is a new TEXT, announced at once; a bad one is refused" {
    see='exercise 9: half a line waits, and nothing else waits for it'
    local id='' filler naps=0 lines=()
    own_lan
    hearers
    sent='offer -t 16.005 eth0 ann "at lunch"'
    starts offer -t 16.005 eth0 ann 'at lunch'
    both_hear 1 'OFFER ID 1 16005 ann at lunch'
    new_word
    types "$word"$'\n'
    both_hear 2 "OFFER ID 2 16005 ann $word"
    printf -v filler '%200s' x
    types $'\n'
    types "$filler"y$'\n'
    printf -v filler '%300s' x
    types "$filler"$'\n'
    await_lines program.err 3 >/dev/null || complain 'a message on standard error for each line that is refused' "$(cat program.err)"
    printf -v filler '%199sx' y
    types "$filler"$'\n'
    both_hear 3 "OFFER ID 3 16005 ann $filler"
    sent+=$'\ntyped: "again", a blank and a carriage return; then "no", a byte 0 and "w"'
    printf 'again \r\nno\0w\n' >&9
    program_writes six.out 5 'at the group of six, messages 4 and 5'
    wanted_like '[0-9]+ 34 OFFER .* ann again \\r' "${lines[3]}" 'at the group of six, message 4: 34 bytes, the last two a blank and a carriage return'
    wanted_like '[0-9]+ 31 OFFER .*' "${lines[4]}" 'at the group of six, message 5: 31 bytes, the last three "o", a byte 0 and "w"'
    types 'back '
    types $'soon\nnever\nhal'
    both_hear 6 'OFFER ID 6 16005 ann back soon'
    both_hear 7 'OFFER ID 7 16005 ann never'
    is_not_woken
    exec 9>&-
    sent+=$'\nthe end of the input, after half a line'
    is_not_woken
    running || complain 'offer goes on at the end of the input' 'it has ended'
    stop_program
    both_hear 8 'WITHDRAW ID 8'
    wanted 'on standard error: bulletin: stopped after 7 announcements' "on standard error: $(tail -n 1 program.err)"
    id=''
    sent='offer -t 0.3 eth0 ann x'
    starts offer -t 0.3 eth0 ann x
    hears four 9 'OFFER ID 1 300 ann x'
    types 'half a lin'
    hears four 10 'OFFER ID 2 300 ann x'
    types $'e\n'
    until slurp four.out && [[ $content == *' ann half a line'* ]]; do
        { running && keep_waiting; } || complain 'at the group of four: the new TEXT, half a line' "$(tail -n 1 four.out)"
    done
    exec 9>&-
    sent+=$'\nthe end of the input'
    has_lines four.out 1
    program_writes four.out $((${#lines[@]} + 2)) 'announcements after the end of the input'
    [[ ${lines[-1]} == *' ann half a line' ]] || complain 'announcements of the new TEXT, half a line' "${lines[-1]}"
}

# proves: 4 12
@test "at Ctrl-C or SIGTERM, offer says to both groups that it ends" {
    see='this exercise, "Soft state"'
    local id='' like
    own_lan
    hearers
    sent='offer eth0 ann x'
    starts offer eth0 ann x
    both_hear 1 'OFFER ID 1 30000 ann x'
    stop_program TERM
    both_hear 2 'WITHDRAW ID 2'
    wanted 'on standard error: bulletin: stopped after 1 announcements' "on standard error: $(cat program.err)"
    id=''
    sent='offer -t 0.3 eth0 ann x'
    starts offer -t 0.3 eth0 ann x
    both_hear 3 'OFFER ID 1 300 ann x'
    both_hear 4 'OFFER ID 2 300 ann x'
    both_hear 5 'OFFER ID 3 300 ann x'
    stop_program
    like='bulletin: stopped after ([0-9]+) announcements'
    wanted_like "$like" "$(cat program.err)" 'on standard error: bulletin: stopped after N announcements'
    number=${BASH_REMATCH[1]}
    both_hear $((number + 3)) "WITHDRAW ID $((number + 1))"
    wanted "at the group of four: $((number + 3)) messages" "at the group of four: $(all_heard four | wc -l) messages"
    nothing_in program.out
}

# proves: 11
@test "offer goes on with one group if it cannot send to the other, and tries again" {
    see='this exercise, "Two families"'
    local id=
    own_lan
    hearers
    configure link set eth0 mtu 1000 # RFC 8200, section 5: IPv6 needs 1280
    sent='offer -t 0.3 eth0 ann x; the interface has no IPv6'
    starts offer -t 0.3 eth0 ann x
    hears four 1 'OFFER ID 1 300 ann x'
    hears four 2 'OFFER ID 2 300 ann x'
    program_writes program.err 1 'a warning on standard error'
    wanted 'at the group of IPv6: 0 messages' "at the group of IPv6: $(wc -l <six.out) messages"
    configure link set eth0 mtu 1500
    configure address add fe80::1/64 dev eth0 nodad
    sent+=$'\nnow it has IPv6'
    program_writes six.out 2 'over IPv6, too'
    wanted_like "[0-9]+ [0-9]+ OFFER $id [3-9][0-9]* 300 ann x" "${lines[0]}" "OFFER ID NUMBER 300 ann x"
    stop_program
}

# ------------------------------------ watch ------------------------------------

# watches: starts `watch`, and two that tell it something.
watches() {
    at_2 peer ann "$FOUR"
    at_2 peer bob "$SIX%eth0"
    starts watch eth0
    program_writes program.err 1 'on standard error: bulletin: watching on eth0'
    wanted 'on standard error: bulletin: watching on eth0' "on standard error: ${lines[0]}"
    sent='' shown=()
}

# says NAME MESSAGE...: the peer NAME sends them to its group, one right after the other.
says() {
    local name=$1 message all=
    shift
    for message; do
        hex_of "$message"
        all+="7788 $hex"$'\n'
        sent+="${sent:+$'\n'}$name: $message"
    done
    printf '%s' "$all" >"$name.in"
}

# shows LINE...: and now it has printed these lines, too, and nothing else.
shows() {
    local all
    shown+=("$@")
    program_writes program.out ${#shown[@]} "on standard output: ${*: -1}"
    printf -v all '%s\n' "${shown[@]}"
    slurp program.out
    wanted "$all" "$content"
}

# from NAME: its endpoint.
from() {
    case $1 in
    ann) echo "10.77.0.2:$ann" ;;
    bob) echo "[fe80::2%eth0]:$bob" ;;
    esac
}

# mark NAME: all that the peer NAME has said before was taken, and has printed nothing.
mark() {
    number=$((number + 1))
    says "$1" "OFFER 0a0b0c0d $number 60000 mark $number"
    if ((number == 1)); then
        shows "+ mark from $(from "$1"): 1"
    else
        shows "= mark: $number"
    fi
}

# proves: 14 18 19 20 21 23 28
@test "watch shows what is new, changed and withdrawn, once, whichever group it comes over" {
    see='this exercise, "Which message is newer?"'
    local a b
    own_lan
    watches
    some_id
    a=$id b=ffffffff
    new_word
    says ann "OFFER $a 7 60000 $word 2nd floor"
    shows "+ $word from $(from ann): 2nd floor"
    says bob "OFFER $a 7 60000 $word 2nd floor" "OFFER $a 8 60000 $word 2nd floor"
    mark bob
    says ann "OFFER $a 8 60000 $word 2nd floor" "OFFER $a 6 60000 $word 3rd floor" "OFFER $a 1 60000 $word 3rd floor" \
        "OFFER $a 8 60000 $word 4th floor" "WITHDRAW $a 8" "WITHDRAW $a 7" "WITHDRAW $b 9"
    mark ann
    says ann "OFFER $b 1000000000 60000 $word 2nd floor" "OFFER $a 10 60000 $word 2nd floo" "OFFER $a 9 60000 $word 2nd floor" # swapped
    shows "+ $word from $(from ann): 2nd floor" "= $word: 2nd floo"
    mark ann
    says bob "OFFER $a 300 60000 $word 2nd floor" "OFFER $a 301 60000 ${word}s 2nd floor" "OFFER $a 302 60000 $word 2nd floor "
    shows "= $word: 2nd floor" "= ${word}s: 2nd floor" "= $word: 2nd floor "
    says bob "OFFER $a 303 60000 $word 2nd floor!" "WITHDRAW $b 999999999" "WITHDRAW $a 304"
    shows "= $word: 2nd floor!" "- $word (withdrawn)"
    says ann "WITHDRAW $a 304"
    mark ann
}

# shows_by_the_clock LINE...: and now it has printed these lines, too, and nothing else; ${came[i]} is the moment of LINE i. If
# they came in another order, $late says so: on a busy machine it may wake up when several have expired.
shows_by_the_clock() {
    local i all first=${#shown[@]}
    came=()
    for ((i = 1; i <= $#; i++)); do
        program_writes program.out $((first + i)) "on standard output: ${!i}"
        milliseconds
        came[i]=$moment
    done
    shown+=("$@")
    all=$(cat program.out)
    [[ $all == "$(printf '%s\n' "${shown[@]}")" ]] || late='the lines in this order, not in another one'
    [[ $(sort <<<"$all") == "$(printf '%s\n' "${shown[@]}" | sort)" ]] || wanted "$(printf '%s\n' "${shown[@]}")" "$all"
    mapfile -t shown <<<"$all"
}

# expired_after MILLISECONDS LINE: the moment of LINE is so long after $begin; if it is much later, $late says so.
expired_after() {
    local after=$((came[$2] - begin))
    ((after >= $1)) || [ -n "$late" ] || complain "line $2 of the last ones after $1 milliseconds" "after $after"
    ((after < $1 + 70)) || late="line $2 of the last ones after $1 milliseconds, not $after"
}

# proves: 20 21 22 24
@test "watch takes off the list what expires, at that moment, and remembers what was withdrawn until then" {
    see='this exercise, "Soft state"; a deadline is a moment'
    local try late begin a b c d came plus naps=0
    own_lan
    watches
    plus="from $(from ann)"
    for try in 1 2 3 4 5; do # again if the machine was busy
        late=''
        some_id
        a=a${id#0} b=b${id#0} c=c${id#0} d=d${id#0}
        milliseconds
        begin=$moment
        # Old ones and copies change nothing; a newer one may be valid for a shorter time.
        says ann "OFFER $b 1 60000 b x" "OFFER $b 2 180 b x" "OFFER $a 5 120 a x" "OFFER $a 4 60000 a x" "OFFER $a 5 60000 a x" \
            "OFFER $c 1 100 c x" "OFFER $c 2 250 c x" "OFFER $d 1 700 d$try x"
        shows_by_the_clock "+ b $plus: x" "+ a $plus: x" "+ c $plus: x" "+ d$try $plus: x" '- a (expired)' '- b (expired)' '- c (expired)'
        expired_after 120 5
        expired_after 180 6
        expired_after 250 7
        says ann "WITHDRAW $d 2" "OFFER $d 3 60000 d$try x" "WITHDRAW $d 4"
        until slurp program.out && [[ $content == *"- d$try (withdrawn)"* ]]; do # on a busy machine d has expired, and came again
            { running && keep_waiting; } || complain "on standard output: - d$try (withdrawn)" "$(tail -n 1 program.out)"
        done
        if [[ $content == *"- d$try (expired)"* ]]; then
            late="- d$try (withdrawn), not - d$try (expired)"
            mapfile -t shown <program.out
            continue
        fi
        shows "- d$try (withdrawn)"
        milliseconds
        wait_for $((came[4] + 710 - moment))
        wanted "$(printf '%s\n' "${shown[@]}")" "$(cat program.out)" # nothing more, as d is not on the list
        says ann "OFFER $a 1 1 a x" "OFFER $d 1 30 d x" # they are unknown again
        shows_by_the_clock "+ a $plus: x" "+ d $plus: x" '- a (expired)' '- d (expired)'
        [ -n "$late" ] || break
    done
    [ -z "$late" ] || complain "${late%, not *}" "${late##*, not }"
}

# proves: 17 19 20
@test "watch ignores what is not well-formed" {
    see='this exercise, "On the wire"; exercise 14, "Read strictly"'
    local a b text name
    own_lan
    watches
    some_id
    a=$id b=${id%e}f
    says bob "OFFER $a 1 60000 ann x"
    shows "+ ann from $(from bob): x"
    printf -v name '%33s' ''
    name=${name// /n}
    printf -v text '%201s' x
    for word in "$a" "$b"; do # known, and unknown
        says bob '' O OFFER 'OFFER ' "OFFER $word" "OFFER $word " "OFFER $word 2" "OFFER $word 2 " "OFFER $word 2 60000" "OFFER $word 2 60000 " "OFFER $word 2 60000 ann" \
            "OFFER $word 2 60000 ann " "OFFER $word 2 60000  y" "OFFER $word 2 60000  ann y" "OFFER $word 2  60000 ann y" "OFFER $word  2 60000 ann y" "OFFER  $word 2 60000 ann y" \
            " OFFER $word 2 60000 ann y" "offer $word 2 60000 ann y" "OFFERS $word 2 60000 ann y" "OFFEQ $word 2 60000 ann y" "OFFER${word}2 60000 ann y" \
            "OFFER ${word^^} 2 60000 ann y" "OFFER ${word#0} 2 60000 ann y" "OFFER 0$word 2 60000 ann y" "OFFER 1$word 2 60000 ann y" "OFFER 0x${word:2} 2 60000 ann y" "OFFER ${word:0:7}g 2 60000 ann y"
        mark bob
        says bob "OFFER $word 0 60000 ann y" "OFFER $word 02 60000 ann y" "OFFER $word +2 60000 ann y" "OFFER $word -2 60000 ann y" "OFFER $word 1000000001 60000 ann y" \
            "OFFER $word 18446744073709551618 60000 ann y" "OFFER $word 2x 60000 ann y" "OFFER $word 2.5 60000 ann y" "OFFER $word 0x2 60000 ann y" \
            "OFFER $word 2 0 ann y" "OFFER $word 2 060000 ann y" "OFFER $word 2 +60000 ann y" "OFFER $word 2 -60000 ann y" "OFFER $word 2 86400001 ann y" "OFFER $word 2 18446744073709611616 ann y" \
            "OFFER $word 2 60000x ann y" "OFFER $word 2 6e4 ann y" "OFFER $word 2 60000 $name y" "OFFER $word 2 60000 ann $text" "OFFER $word 1000000000 86400000 ${name%n} $text" "OFFER $word 2 60000 anné y" "OFFER $word 2 60000 a"$'\t'"n y" \
            "OFFER $word 2 60000 a"$'\x7f'"n y" "OFFER $word"$'\t'"2 60000 ann y" "OFFER $word,2,60000,ann,y"
        mark bob
        says bob WITHDRAW 'WITHDRAW ' "WITHDRAW $word" "WITHDRAW $word " "WITHDRAW $word 0" "WITHDRAW $word 02" "WITHDRAW $word 2 " "WITHDRAW $word 2"$'\n' "WITHDRAW $word 2 60000" "WITHDRAW $word 2x" \
            "WITHDRAW  $word 2" "WITHDRAW $word  2" "WITHDRAW ${word^^} 2" "WITHDRAW ${word#0} 2" "withdraw $word 2" "WITHDRAWS $word 2" "WITHDRAX $word 2" "WITHDRAW $word 1000000001" "WITHDRAW $word +2"
        mark bob
        hex_of "WITHDRAW $word 2"
        echo "7788 ${hex}00" >bob.in
        hex_of "OFFER $word 2 60000 a"
        echo "7788 ${hex}00206e" >bob.in
        printf -v hex '%s%04000d' "$(hex_of "OFFER $word 2 60000 ann y" && echo "$hex")" 0
        echo "7788 ${hex//0000/2078}" >bob.in
        sent+=$'\nbob: WITHDRAW and a byte 0, a NAME with a byte 0, a TEXT of 2000 bytes'
        mark bob
    done
    # The longest and the shortest ones that are well-formed.
    says bob "OFFER $a 1000000000 86400000 ${name%n} ${text#?}" "OFFER $b 1 1 ! y"
    shows "= ${name%n}: ${text#?}" "+ ! from $(from bob): y" '- ! (expired)'
    hex_of "OFFER $b 1 60000 ~ "
    echo "7788 ${hex}00" >bob.in
    shows "+ ~ from $(from bob): \\x00"
    hex_of "OFFER $b 2 60000 ~ "
    echo "7788 ${hex}0061" >bob.in
    shows "= ~: \\x00a"
}

# proves: 18 22 25 26 27
@test "a newline typed to watch prints the list as it is, sorted by name; no text does harm" {
    see='man 3 qsort, and exercise 10; common/text.h: show_datagram'
    local names=() i text
    own_lan
    watches
    types $'\n'
    shows '0 offers'
    for i in b ab a a.b Zoe _ 9 zoe a.b "~" z; do
        printf -v id %08x $((++number * 7919 % 1000))
        says ann "OFFER $id 1 60000 $i text $number"
        names+=("$i: text $number")
        shows "+ $i from $(from ann): text $number"
    done
    says ann "OFFER $(printf %08x $((0x80000000 + 7919))) 2 60000 high x" # an ID like that of b, but for the highest bit
    names+=("high: x")
    shows "+ high from $(from ann): x"
    types $'what?\n'
    program_writes program.out $((${#shown[@]} + ${#names[@]} + 1)) "on standard output: ${#names[@]} offers"
    wanted "* ${names[6]}" "${lines[${#shown[@]}]}"
    wanted "${#names[@]} offers" "${lines[-1]}"
    lines=("${lines[@]:${#shown[@]}:${#names[@]}}")
    wanted "$(printf '* %s\n' "${names[@]}" | LC_ALL=C sort -s -t : -k 1,1 | cut -d : -f 1)" "$(printf '%s\n' "${lines[@]}" | cut -d : -f 1)"
    wanted "$(printf '* %s\n' "${names[@]}" | LC_ALL=C sort)" "$(printf '%s\n' "${lines[@]}" | LC_ALL=C sort)"
    mapfile -t shown <program.out

    stop_program
    number=0
    : >program.out
    rm -f ann.* bob.*
    watches
    printf -v text 'é\n\e[31m \xe2\x80\xae \xff'
    some_id
    says ann "OFFER $id 1 60000 %s $text%s%n"
    shows "+ %s from $(from ann): "'é\n\x1b[31m \u202e \xff%s%n'
    types $'\n\n'
    shows '* %s: é\n\x1b[31m \u202e \xff%s%n' '1 offers' '* %s: é\n\x1b[31m \u202e \xff%s%n' '1 offers'
    says ann "OFFER $id 2 100 %s $text"
    shows '= %s: é\n\x1b[31m \u202e \xff' '- %s (expired)'
    says bob "OFFER $id 1 60000 b x" "OFFER ${id%e}f 1 60000 a y"
    shows "+ b from $(from bob): x" "+ a from $(from bob): y"
    says bob "WITHDRAW $id 2"
    shows '- b (withdrawn)'
    types $'\n'
    shows '* a: y' '1 offers'
    # It expires while the program is stopped.
    says bob "OFFER $id 9 60000 b x" "OFFER ${id%e}f 2 60 a z"
    shown+=('= a: z')
    program_writes program.out ${#shown[@]} "on standard output: = a: z"
    kill -STOP "$program"
    wait_for 70
    types $'\n'
    kill -CONT "$program"
    sent+=$'\n(the program was stopped, SIGSTOP, while a expired and the line was typed)'
    shows '- a (expired)' '0 offers'
    exec 9>&-
    sent+=$'\nthe end of the input'
    is_not_woken
    says ann "OFFER 99999999 1 60000 c x"
    shows "+ c from $(from ann): x"
}

# proves: 18 25 31 32
@test "watch has 64 places; it says once that the list is full, until there is a place again" {
    see='this exercise, "The contract", 31 and 32'
    local i all=()
    own_lan
    watches
    for ((i = 1; i <= 64; i++)); do all+=("$(printf 'OFFER %08x %d 60000 n%d x' $((i * 65536 + 7)) $i $i)"); done
    says ann "${all[@]}"
    for ((i = 1; i <= 64; i++)); do all[i - 1]="+ n$i from $(from ann): x"; done
    shows "${all[@]}"
    sent='64 offers, as: OFFER 00010007 1 60000 n1 x'
    wanted 'bulletin: watching on eth0' "$(cat program.err)"
    says ann 'WITHDRAW 00020007 3' 'OFFER 00000041 1 60000 more x' 'WITHDRAW 00000042 1' 'OFFER 00000043 1 60000 more x' 'OFFER 00010007 2 60000 n1 y'
    shows '- n2 (withdrawn)' '= n1: y'
    wanted $'bulletin: watching on eth0\nbulletin: the list is full' "$(cat program.err)"
    types $'\n'
    program_writes program.out $((${#shown[@]} + 64)) 'the list'
    wanted '63 offers' "${lines[-1]}"
    shown=("${lines[@]}")
    says ann 'OFFER 00050007 6 1 n5 x'
    shows '- n5 (expired)'
    says ann 'OFFER 00000041 2 60000 more x' 'OFFER 00000043 2 60000 more x' 'OFFER 00000044 1 60000 more x' 'OFFER 00010007 3 60000 n1 z'
    shows "+ more from $(from ann): x" '= n1: z'
    wanted $'bulletin: watching on eth0\nbulletin: the list is full\nbulletin: the list is full' "$(cat program.err)"
    says ann 'WITHDRAW 00000041 3' 'OFFER 00000043 3 60000 more x' 'OFFER 00010007 4 60000 n1 !'
    shows '- more (withdrawn)' '= n1: !'
    wanted $'bulletin: watching on eth0\nbulletin: the list is full\nbulletin: the list is full' "$(cat program.err)"
}

# proves: 15
@test "watch goes on with one group if it cannot join the other; without any it fails" {
    see='this exercise, "Two families"'
    own_lan
    configure link set eth0 mtu 1000 # RFC 8200, section 5: IPv6 needs 1280
    at_2 peer ann "$FOUR"
    sent='watch eth0; the interface has no IPv6'
    starts watch eth0
    program_writes program.err 2 'on standard error: a warning, then bulletin: watching on eth0'
    wanted_like 'bulletin: [^'$'\n'']+'$'\nbulletin: watching on eth0' "$(cat program.err)" 'on standard error: a warning, then bulletin: watching on eth0'
    says ann 'OFFER 00010001 1 60000 ann x'
    shows "+ ann from $(from ann): x"
    is_not_woken
    stop_program
    # No IPv4, either: nobody may join any group.
    "${inside[@]}" sh -c 'echo 0 >/proc/sys/net/ipv4/igmp_max_memberships' 2>/dev/null || skip 'only in part: no group of IPv4 can be forbidden here'
    sent='watch eth0; neither group can be joined'
    run_program watch eth0
    wanted_out ''
    [[ $err == 'bulletin: '* && $err != *watching* ]] || complain 'on standard error: what failed, and not: watching' "on standard error: ${err:-(nothing)}"
    wanted_status 1
    configure link set eth0 mtu 1500
    configure address add fe80::1/64 dev eth0 nodad
    at_2 peer bob "$SIX%eth0"
    sent='watch eth0; the group of IPv4 cannot be joined'
    starts watch eth0
    program_writes program.err 2 'on standard error: a warning, then bulletin: watching on eth0'
    shown=()
    says bob 'OFFER 00010001 1 60000 bob x'
    shows "+ bob from $(from bob): x"
}

# proves: 1 14 16 19
@test "offer and watch are on INTERFACE alone, with others of this machine; watch takes only what was sent to its groups" {
    see='this exercise, "Join a group", and "Which interface?"'
    local place
    own_lan
    peer third "$FOUR" 7788 # on host 1, too, but at eth1
    peer fourth "$SIX%eth1" 7788
    watches
    start beside "${inside[@]}" "$PROGRAM" watch eth0
    start there "${host2[@]}" "$PROGRAM" watch eth0
    await beside.err 'watching on eth0' || complain 'a second watch on this machine: watching on eth0' "$(cat beside.err)"
    await there.err 'watching on eth0' || complain 'a watch on host 2: watching on eth0' "$(cat there.err)"
    at_2 configure route replace 224.0.0.0/4 dev eth1
    at_2 peer wrong "$FOUR"
    at_2 peer wrong6 "$SIX%eth1"
    sent='by eth1, where another program of this machine has joined: OFFER 00010001 1 60000 ann x'
    tell wrong 7788 'OFFER 00010001 1 60000 ann x'
    tell wrong6 7788 'OFFER 00010002 1 60000 ann x'
    await third.out 'OFFER 00010001'
    await fourth.out 'OFFER 00010002'
    sent+=$'\nto 10.77.0.1, and to fe80::1: OFFER 00010001 1 60000 ann x'
    printf 'OFFER 00010001 1 60000 ann x' | "${host2[@]}" "$PROBE" send 10.77.0.1 7788
    printf 'OFFER 00010002 1 60000 ann x' | "${host2[@]}" "$PROBE" send fe80::1%eth0 7788
    new_word
    sent+=$'\n'"then, on this machine: offer eth0 $word x"
    at_2 configure route replace 224.0.0.0/4 dev eth0
    start offering "${inside[@]}" "$PROGRAM" offer eth0 "$word" x
    for place in program beside there; do
        program_writes $place.out 1 "$place: + $word from ENDPOINT: x"
        wanted_like "\+ $word from (10\.77\.0\.1|\[fe80::1%eth0\]):[0-9]+: x" "$(cat $place.out)" "$place, on standard output: + $word from 10.77.0.1:PORT: x"
    done
    says ann 'OFFER 00010001 1 60000 ann x'
    program_writes program.out 2 "on standard output: + ann from $(from ann): x"
    says bob 'OFFER 00010002 1 60000 bob x'
    program_writes program.out 3 "on standard output: + bob from $(from bob): x"
    wanted "+ ann from $(from ann): x"$'\n'"+ bob from $(from bob): x" "$(tail -n +2 program.out)"
    kill -INT "$pid"
    await program.out "- $word (withdrawn)" || complain "on standard output: - $word (withdrawn)" "$(cat program.out)"
    wanted 'at eth1, over IPv6: 1 message' "at eth1, over IPv6: $(all_heard fourth | wc -l) message"
}

# proves: 22 28 29 30
@test "watch sleeps until something expires, and ends at Ctrl-C or SIGTERM, or if it cannot write" {
    see='this exercise, "Sleep until the next moment"'
    local call
    own_lan
    watches
    sleeps_without_a_timer
    says ann 'OFFER 00010001 1 60000 ann x' 'OFFER 00010002 1 4294968 bob y' 'OFFER 00010003 1 60000 eve y' 'WITHDRAW 00010003 2'
    shows "+ ann from $(from ann): x" "+ bob from $(from ann): y" "+ eve from $(from ann): y" '- eve (withdrawn)'
    is_not_woken
    read -ra call 2>/dev/null <"/proc/$program/syscall" || call=(running)
    [[ $(uname -m):${call[0]} != x86_64:7 ]] || ((call[3] > 50000)) ||
        complain 'it sleeps until the next offer expires, for nearly 60 seconds' "it sleeps for $((call[3])) milliseconds"
    stop_program TERM
    wanted $'bulletin: watching on eth0\nbulletin: stopped with 2 offers' "$(cat program.err)"
    starts watch eth0
    program_writes program.err 1 'on standard error: bulletin: watching on eth0'
    shown=()
    says ann 'OFFER 00010001 1 60000 ann x'
    shows "+ ann from $(from ann): x"
    stop_program
    wanted $'bulletin: watching on eth0\nbulletin: stopped with 1 offers' "$(cat program.err)"
    see='common/program.h: flush_output'
    sent='an offer, and standard output is /dev/full, where nothing can be written'
    start_into '>/dev/full' watch eth0
    program_writes program.err 1 'on standard error: bulletin: watching on eth0'
    says ann 'OFFER 00010001 1 60000 ann x'
    program_ends
    wanted 'bulletin: cannot write standard output: No space left on device' "$(tail -n +2 program.err)"
    wanted 'exit status 1' "exit status $status"
}

# proves: 2 33 34
@test "-h helps; what cannot be right is told: exit 2, and nothing is sent" {
    see='"The contract of every program", in docs/helper.md; parse_arguments'
    local bad name text
    own_lan
    hearers
    helps
    refuses
    refuses take eth0
    refuses offer
    refuses offer eth0
    refuses offer eth0 ann
    refuses offer eth0 ann x y
    refuses offer -x eth0 ann x
    refuses offer eth0 ann ''
    for bad in 0.09 86400.5 1x; do refuses offer -t "$bad" eth0 ann x; done
    printf -v name '%33s' ''
    printf -v text '%201s' x
    for bad in '' 'a b' $'a\x7f' é "${name// /n}"; do refuses offer eth0 "$bad" x; done
    refuses offer eth0 ann "$text"
    refuses watch
    refuses watch eth0 x
    refuses watch -t 1 eth0
    for bad in offer watch; do
        sent="$bad at eth9, an interface that this machine has not"
        [ $bad = offer ] && run_program offer eth9 ann x || run_program watch eth9
        wanted_like 'bulletin: cannot find the interface eth9: No such device[^'$'\n'']*' "$err" \
            'on standard error: bulletin: cannot find the interface eth9: No such device'
        wanted_out ''
        wanted_status 1
    done
    # The first thing that is sent is this.
    sent="all of these arguments, then offer eth0 last and a TEXT of 200 bytes"
    starts offer -t 0.1 eth0 last "${text# }"
    id=''
    both_hear 1 "OFFER ID 1 100 last ${text# }"
    wanted 'nothing on standard output' "$(cat program.out)nothing on standard output"
}
