# The checks of exercise 12, parcels: each proves sentences of the contract in its README.md.
#
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2153,SC2154  # checks.bash uses $see, and sets $port; checks share nothing

load ../checks

KILOBYTES=2000 # the largest file has 1024

# new_file SIZE: a file of random bytes, named file; its bytes in $hex, its size in $size.
new_file() {
    size=$1
    head -c "$size" /dev/urandom >file
    hex=$(od -An -v -tx1 file | tr -d ' \n')
}

# wanted_newline FILE: complains unless its last line has its newline.
wanted_newline() {
    whole_lines "$1" || complain 'a newline after the last line' "no newline after \"$(tail -n 1 "$1")\""
}

# ------------------------------------ send ------------------------------------

# sends ADDRESS SIZE: `send` sends a file of SIZE bytes to the peer ear at ADDRESS, which must get each
# byte once. Sets $identifier.
sends() {
    local LC_ALL=C line lines=() from='' at=0 count=0 offset bytes fields host=$1
    local -A pieces=()
    new_file "$2"
    [[ $host != *:* ]] || host="[$host]"
    [ -e ear.in ] || { as=hex peer ear "$1" && heard=0; }
    sent="send a file of $size bytes to $host:$ear"
    run_program send file "$1" "$ear"
    wanted_err ''
    wanted_like "sent $size bytes in [1-9][0-9]* parcels to ${host//[\[\]]/.}:$ear" "$out" \
        "on standard output: sent $size bytes in N parcels to $host:$ear"
    wanted_newline program.out
    wanted_status 0
    count=${out#* in } count=${count%% *}
    comes ear.out "$((heard + count))" || true
    mapfile -t -s "$heard" lines <ear.out
    heard=$((heard + ${#lines[@]}))
    wanted "number of parcels: $count" "number of parcels: ${#lines[@]}"
    identifier=
    for line in "${lines[@]}"; do
        read -ra fields <<<"$line"
        bytes=${fields[2]-}
        ((fields[1] >= 12 && fields[1] <= 1200)) || complain 'parcels of 12 to 1200 bytes' "a datagram of ${fields[1]} bytes"
        wanted "all from one port: ${from:=${fields[0]}}" "all from one port: ${fields[0]}"
        wanted "bytes 0 to 3, the identifier: ${identifier:=${bytes:0:8}}" "bytes 0 to 3, the identifier: ${bytes:0:8}"
        printf -v line %08x "$size"
        wanted "bytes 8 to 11, the total: $line" "bytes 8 to 11, the total: ${bytes:16:8}"
        offset=$((16#${bytes:8:8}))
        [ -z "${pieces[$offset]+twice}" ] || complain 'each byte once' "a second parcel with the offset $offset"
        pieces[$offset]=${bytes:24}
        wanted "from offset $offset on: ${hex:offset*2:${#bytes}-24}" "from offset $offset on: ${bytes:24}"
        ((size == 0 || ${#bytes} > 24)) || complain 'at least one byte after the header' 'none'
    done
    for ((at = 0, count = 0; at < size; at += ${#line} / 2, count++)); do
        line=${pieces[$at]-}
        [ -n "$line" ] || complain "a parcel that begins at $at" "parcels that begin at: ${!pieces[*]}"
    done
    ((size == 0 || count == ${#pieces[@]})) || complain 'each byte once' 'some twice'
}

# backwards NUMBER: the bytes of the identifier from the last to the first.
backwards() {
    echo "${1:6:2}${1:4:2}${1:2:2}${1:0:2}"
}

# near ONE OTHER: whether two identifiers lie so close together that they can hardly be random: once in 512 times.
near() {
    local apart=$(((16#$1 - 16#$2) & 0xffffffff))
    ((apart < 0x400000 || apart > 0xffc00000))
}

# proves: 1 2 3 4
@test "send cuts a file into parcels of at most 1200 bytes, each byte once, under a new random identifier" {
    see='this exercise, "On the wire"; lesson 9; man 2 getrandom'
    local length before='' close=0
    new_number 2377 3564
    for length in "$number" 1189 0 70000 2376 1; do
        sends 127.0.0.1 "$length"
        [[ $identifier != "$before" ]] || complain 'a new identifier for each run' "$identifier again"
        [ -z "$before" ] || ! { near "$identifier" "$before" || near "$(backwards "$identifier")" "$(backwards "$before")"; } || close=$((close + 1))
        before=$identifier
    done
    ((close < 3)) || complain 'random identifiers' "identifiers that lie close together, the last one $identifier"
    needs_ipv6 'only in part: '
    rm ear.in
    sends ::1 1500
}

# refused ARGUMENT...: `send` with these arguments is a runtime error.
refused() {
    sent="send $*"
    run_program send "$@"
    wanted_out ''
    wanted_like 'parcels: [^'$'\n'']+: [^'$'\n'']+' "$err" 'on standard error: parcels: what failed: the reason'
    wanted_status 1
}

# proves: 4 5
@test "send takes a file of 1048576 bytes; a larger one, one that is not there and a broadcast are errors" {
    see='this exercise, "The contract", 4 and 5'
    peer ear
    kill -STOP "$ear_pid" # it need not read a megabyte
    sent="a file of 1048576 bytes"
    head -c 1048576 /dev/zero >file
    run_program send file 127.0.0.1 "$ear"
    wanted_like "sent 1048576 bytes in [1-9][0-9]* parcels to 127\.0\.0\.1:$ear" "$out" \
        "on standard output: sent 1048576 bytes in N parcels to 127.0.0.1:$ear"
    wanted_status 0
    out=${out#* in }
    ((${out%% *} >= 883)) || complain '883 parcels or more' "${out%% *} parcels"
    peer bob
    echo >>file
    refused file 127.0.0.1 "$bob"
    refused no-such-file 127.0.0.1 "$bob"
    mkdir directory
    refused directory 127.0.0.1 "$bob"
    sent='these three files'
    wanted 'to the peer: nothing' "to the peer: $(all_heard bob)nothing"
    echo hello >file
    refused file 127.255.255.255 "$bob"
}

# ------------------------------------ wait ------------------------------------

# waits [ARGUMENT...]: starts `wait` with these options; it is to write the file `copy`. $served is its port.
waits() {
    serve_program wait "$@" 0 copy
    served=$port sent='' log=0
}

# identifiers NUMBER: that many random ones, in $id.
identifiers() {
    local i
    id=(unused)
    for ((i = 0; i < $1; i++)); do
        printf -v 'id[i + 1]' '%04x%04x' "$((RANDOM * 2 + i % 2))" "$((RANDOM * 2))"
    done
}

# gives NAME NUMBER FIRST LENGTH [TOTAL [BYTES]]: NAME sends this piece of its file NUMBER, which has the bytes of
# $hex, or others.
gives() {
    local total=${5:-$size} line piece=${6-${hex:$3*2:$4*2}}
    printf -v line '%s %s%08x%08x%s' "$served" "${id[$2]}" "$3" "$total" "$piece"
    echo "$line" >"$1.in"
    ((log++ > 12)) || sent+="${sent:+$'\n'}$1: #$2 $3-$(($3 + ${#piece} / 2 - 1)) of $total${6+ (other bytes)}"
}

# junk NAME BYTES: NAME sends these bytes.
junk() {
    echo "$served $2" >"$1.in"
    sent+="${sent:+$'\n'}$1: $2, in hexadecimal"
}

# completes NAME PARCELS DOUBLED BAD [HOST]: the program has ended, with the file, and says so.
completes() {
    await_exit "$program" >/dev/null || complain 'the file is complete, and the program ends' 'it still waits'
    wanted "on standard output: received $size bytes in $2 parcels from ${5:-127.0.0.1}:${!1} ($3 doubled, $4 bad)" \
        "on standard output: $(cat program.out)"
    wanted 'exit status 0' "exit status $status"
    [ -e copy ] || complain 'the file' 'it was not written'
    cmp -s file copy || complain "the file: $(od -An -tx1 -N 16 file)" "other bytes: $(od -An -tx1 -N 16 copy), $(cmp file copy 2>&1)"
    wanted_newline program.out
}

# gives_up SIGNAL BAD [LINE...]: after the signal (none: by itself) the program says that these are missing.
gives_up() {
    local missing lines=()
    [ -z "$1" ] || { settled ann && sent+=$'\n'"then SIG$1" && signal_program "$1"; }
    program_ends
    wanted 'on standard output: ' "on standard output: $(cat program.out)"
    mapfile -t lines < <(grep '^parcels: missing' program.err | sort)
    wanted_newline program.err
    missing=$(printf '%s\n' "${@:3}" | sort)
    wanted "on standard error: $missing" "on standard error: $(printf '%s\n' "${lines[@]}")"
    wanted "the last line on standard error: parcels: no file is complete ($2 bad)" "the last line on standard error: $(tail -n 1 program.err)"
    wanted 'exit status 1' "exit status $status"
}

# proves: 17 22
@test "wait sleeps while nothing comes, and gives up after SECONDS, whatever comes" {
    see='lesson 2, "Read the program", step 5: a deadline is a moment'
    local begin try
    peer ann
    identifiers 1
    new_file 3000
    waits
    gives ann 1 0 1000
    settled ann
    is_not_woken
    kill -KILL "$program"
    program=
    begin=${EPOCHREALTIME/[.,]/}
    start_program wait -w 0.3 0 copy
    is_bound
    served=$port
    sent='with -w 0.3, each tenth of a second a parcel'
    for ((try = 1; try <= 30; try++)); do
        running || break
        echo "$served ${id[1]}0000000000000bb8${hex:0:20}" >ann.in
        read -rt 0.1 -u "$never" || true
    done
    ((try <= 30)) || complain 'an end after 0.3 seconds' 'after 3 seconds, in which parcels came, it still waits'
    await_exit "$program"
    ((${EPOCHREALTIME/[.,]/} - begin >= 300000)) || complain 'an end after 0.3 seconds' 'an earlier one'
    wanted 'exit status 1' "exit status $status"
}

# proves: 6 8 21
@test "wait binds to any free port, on all addresses or on one; a port that is taken is an error" {
    see='lesson 3, "Read the program"'
    sent='wait 0 copy'
    serve_program wait 0 copy
    wanted_like 'parcels: bound to 0\.0\.0\.0:[1-9][0-9]*' "$(cat program.err)" 'on standard error: parcels: bound to 0.0.0.0:PORT'
    sent="a port that is somebody else's"
    run_program wait "$port" copy
    wanted_like "parcels: cannot bind to 0\.0\.0\.0:$port: [^"$'\n'"]+" "$err" "on standard error: parcels: cannot bind to 0.0.0.0:$port: and why"
    wanted_out ''
    wanted_status 1
    serve_program wait -b 127.0.0.2 0 copy
    needs_ipv6 'only in part: '
    new_file 100
    identifiers 1
    waits -b ::1
    peer ann ::1
    gives ann 1 50 50
    peer eve ::1
    sent_by ann ::1 || true
    gives eve 1 0 50 100 "${hex:100}" # another file
    sent_by eve ::1 || true
    gives ann 1 0 50
    completes ann 2 0 0 '[::1]'
}

# proves: 6 7 8
@test "wait -b :: takes the largest parcel of IPv6, and tells IPv4 addresses apart" {
    see='lesson 2, "Compare endpoints by parts"; lesson 4: the largest datagram'
    needs_ipv6
    peer ann ::1
    identifiers 1
    new_file 65515
    waits -b ::
    sent='ann: #1, a file of 65515 bytes in one parcel of 65527'
    gives ann 1 0 "$size"
    completes ann 1 0 0 '[::1]'
    peer bob 127.0.0.1
    peer eve 127.0.0.2 "$bob"
    new_file 100
    waits -b ::
    gives bob 1 50 50
    sent_by bob 0.0.0.0 || true
    gives eve 1 0 50 100 "${hex:100}" # of the same port and number, but another file
    sent_by eve || true
    gives bob 1 0 50
    completes bob 2 0 0
}

# proves: 7 14 15 16
@test "wait puts a file together from pieces in any order, some doubled, some overlapping" {
    see='this exercise, "The contract", 7 and 14 to 16'
    local at order
    peer ann
    identifiers 1
    new_file 0 # the empty one
    waits
    gives ann 1 0 0
    completes ann 1 0 0
    new_file 1
    waits
    gives ann 1 0 1
    completes ann 1 0 0
    new_number 200 400
    new_file "$number"
    head -c 5000 /dev/urandom >copy # longer than what comes
    waits
    gives ann 1 0 "$size"
    completes ann 1 0 0
    # In order, with one twice in a row and one again later.
    new_file 3000
    waits
    for at in 0 0 1188 0 2376; do
        gives ann 1 "$at" $((size - at < 1188 ? size - at : 1188))
    done
    completes ann 3 2 0
    # Overlapping, backwards, from anywhere: one piece brings a single byte, one nothing new, one all around.
    waits
    gives ann 1 2900 100
    gives ann 1 2800 101
    gives ann 1 2850 149
    gives ann 1 100 7
    gives ann 1 107 1
    gives ann 1 100 8
    gives ann 1 0 2801
    completes ann 5 2 0
    # At random: each byte alone, in any order, all but the last one twice.
    new_number 260 280
    new_file "$number"
    mapfile -t order < <(seq 0 $((size - 1)) | shuf)
    waits
    for at in "${!order[@]}"; do
        gives ann 1 "${order[at]}" 1
        ((at + 1 == size)) || gives ann 1 "${order[at]}" 1
        ((at % 100 != 99)) || settled ann
    done
    completes ann "$size" $((size - 1)) 0
}

# proves: 7 9 14
@test "wait takes a file of 1048576 bytes, in parcels of any length" {
    see='this exercise, "The contract", 7; lesson 4: the largest datagram'
    local at length digit digits=0123456789abcdef7
    size=1048576
    identifiers 1
    peer ann
    waits
    : >file
    for at in {0..16}; do # a byte that is another one in each parcel
        length=$((at < 16 ? 65000 : size - 16 * 65000))
        digit=${digits:at:1}
        head -c "$length" /dev/zero | tr '\0' "\\$(printf %o $((16#$digit$digit)))" >>file
    done
    for at in {16..0}; do
        length=$((at < 16 ? 65000 : size - 16 * 65000))
        {
            printf '%s %s%08x%08x' "$served" "${id[1]}" $((at * 65000)) "$size"
            head -c $((2 * length)) /dev/zero | tr '\0' "${digits:at:1}"
            echo
        } >ann.in
        ((at % 2)) || { sent_by ann && taken "$served"; } || true
    done
    sent="ann: #1, a file of $size bytes in 17 parcels, the last one first"
    completes ann 17 0 0
}

# proves: 9 12 16
@test "wait uses nothing of a bad parcel: too short, total too large, piece outside, no piece" {
    see='this exercise, "What you need": a length from the wire is a claim'
    local bad=0 first total piece
    peer ann
    identifiers 1
    new_file 300
    printf -v total %08x "$size"
    waits
    for first in '' 00 "${id[1]}" "${id[1]}00000000" "${id[1]}00000000${total:0:6}"; do
        junk ann "$first"
        bad=$((bad + 1))
    done
    gives ann 1 0 100 1048577 # they would be the first of their file
    gives ann 1 0 100 4294967295
    gives ann 1 0 100 99
    gives ann 1 0 0 300
    gives ann 1 0 1 0 00
    gives ann 1 1 0 0
    bad=$((bad + 6))
    gives ann 1 0 100
    gives ann 1 100 201 300 "${hex:200:400}00"
    gives ann 1 300 1 300 00
    gives ann 1 301 0
    gives ann 1 300 0
    gives ann 1 100 0
    gives ann 1 4294967295 2 300 0000
    gives ann 1 4294967200 196 300 "${hex:0:392}"
    gives ann 1 2147483648 4 300 00000000
    gives ann 1 100 100 0
    bad=$((bad + 9))
    gives ann 1 100 100
    junk ann "${id[1]}000000c8${total:0:6}"
    bad=$((bad + 1))
    gives ann 1 200 100
    completes ann 3 0 "$bad"
}

# proves: 10 11 12 16
@test "wait uses nothing of a parcel that differs from what came before" {
    see='this exercise, "The contract", 10 to 12'
    local other
    peer ann
    identifiers 1
    new_file 300
    printf -v other %02x $((16#${hex:198:2} ^ 1)) # the byte at 99
    waits
    gives ann 1 50 50
    gives ann 1 0 50 299
    gives ann 1 0 50 301
    gives ann 1 0 300 1048576 "$hex"
    gives ann 1 0 100 300 "${hex:0:198}$other"
    gives ann 1 99 101 300 "$other${hex:200:200}"
    gives ann 1 99 1 300 "$other"
    gives ann 1 50 50 299
    settled ann
    gives ann 1 100 200
    gives ann 1 0 50
    completes ann 3 0 7
    waits
    gives ann 1 50 50
    gives ann 1 0 300 300 "${hex:0:198}$other${hex:200}"
    gives ann 1 90 20 300 "${hex:180:18}$other${hex:200:20}"
    gives_up INT 2 "parcels: missing 0-49, 100-299 of 300 bytes from 127.0.0.1:$ann"
}

# proves: 8 14 15 16
@test "wait tells files apart by identifier, address and port; the first complete one ends it" {
    see='this exercise, "The contract", 8; lesson 2, "Compare endpoints by parts"'
    local mine
    peer ann
    peer bob
    identifiers 2
    id[2]=${id[1]:0:6}$(printf %02x $((16#${id[1]:6:2} ^ 1)))
    new_file 200
    mine=$hex
    waits
    gives ann 1 0 100
    sent_by ann || true
    hex=$(tr 0-9a-f a-f0-9 <<<"$mine")
    gives bob 1 0 100 # other bytes, in other files
    sent_by bob || true
    gives ann 2 0 100 200 "${hex:0:200}"
    gives ann 2 50 50 200 "${hex:100:100}"
    sent_by ann || true
    gives bob 1 100 99
    gives bob 1 100 101 200 "${hex:200}00" # a bad one
    sent_by bob || true
    hex=$mine
    gives ann 1 100 100
    completes ann 2 0 1
    # The same port, another address.
    peer eve 127.0.0.2 "$ann"
    identifiers 1
    waits
    gives ann 1 0 100
    sent_by ann || true
    gives eve 1 100 100
    sent_by ann || true
    echo "$served" >eve.in # (bad: to see that all has come)
    sent_by eve || true
    gives_up INT 1 "parcels: missing 100-199 of 200 bytes from 127.0.0.1:$ann" "parcels: missing 0-99 of 200 bytes from 127.0.0.2:$ann"
}

# proves: 12 13
@test "wait remembers four unfinished files; a fifth takes the place of the one that has been silent longest" {
    see='this exercise, "The contract", 13'
    local number lines other
    peer ann
    identifiers 6
    new_file 100
    printf -v other %02x $((16#${hex:0:2} ^ 1))
    waits
    for number in 1 2 3 4; do
        gives ann "$number" 0 $((number * 10))
    done
    gives ann 1 10 10        # so 2 has been silent longest
    gives ann 2 0 10 99      # bad parcels do not change that
    gives ann 2 0 10 100 "$other"
    gives ann 5 0 10 1048577 # nor do they need a place
    gives ann 5 90 11 100 "${hex:180}00"
    gives ann 3 0 10         # one that brings nothing new is a sign of life
    gives ann 5 0 60         # in place of 2
    gives ann 6 10 20        # in place of 4
    gives ann 1 20 30
    lines=("parcels: missing 50-99 of 100 bytes from 127.0.0.1:$ann"
        "parcels: missing 30-99 of 100 bytes from 127.0.0.1:$ann"
        "parcels: missing 60-99 of 100 bytes from 127.0.0.1:$ann"
        "parcels: missing 0-9, 30-99 of 100 bytes from 127.0.0.1:$ann")
    gives_up INT 4 "${lines[@]}"
    # All four places are real: the first and the last become complete.
    for number in 1 4; do
        waits
        gives ann 1 0 10
        gives ann 2 0 20
        gives ann 3 0 30
        gives ann 4 0 40
        gives ann "$number" $((number * 10)) $((100 - number * 10))
        completes ann 2 0 0
    done
    # One that was forgotten begins anew.
    waits
    gives ann 1 0 50
    for number in 2 3 4 5; do
        gives ann "$number" 0 1 "$number"00
    done
    gives ann 1 50 50
    gives ann 1 0 50
    completes ann 2 0 0
}

# proves: 17 18 19 20
@test "wait gives up after SECONDS, Ctrl-C or SIGTERM, says what is missing, and leaves FILE alone" {
    see='this exercise, "The contract", 17 to 20'
    local at
    peer ann
    identifiers 3
    new_file 3000
    waits
    sent='nothing'
    gives_up INT 0
    [ ! -e copy ] || complain 'no FILE' 'there is one'
    echo old >copy
    waits -w 0.05
    sent='nothing, with -w 0.05'
    gives_up '' 0
    waits
    gives ann 1 1188 312
    gives ann 1 100 1088
    gives ann 1 1501 1400
    junk ann 00
    gives ann 2 0 2999
    gives ann 3 1 2998
    gives_up TERM 1 "parcels: missing 0-99, 1500-1500, 2901-2999 of 3000 bytes from 127.0.0.1:$ann" \
        "parcels: missing 2999-2999 of 3000 bytes from 127.0.0.1:$ann" \
        "parcels: missing 0-0, 2999-2999 of 3000 bytes from 127.0.0.1:$ann"
    wanted old "$(cat copy)"
    # Many gaps: a line may be long.
    waits
    for ((at = 1; at < 300; at += 2)); do
        gives ann 1 "$at" 1 300
    done
    sent='ann: #1, each second byte of 300'
    gives_up INT 0 "parcels: missing $(seq 0 2 298 | sed 's/.*/&-&/' | paste -sd , | sed 's/,/, /g') of 300 bytes from 127.0.0.1:$ann"
    wanted 'FILE is not changed: old' "FILE is not changed: $(cat copy)"
}

# proves: 21
@test "wait: a FILE that cannot be written is an error" {
    see='this exercise, "The contract", 21'
    peer ann
    identifiers 1
    new_file 100
    start_program wait 0 no/such/directory
    is_bound
    served=$port
    gives ann 1 0 100
    sent+=$'\nand FILE is no/such/directory'
    program_ends
    wanted 'on standard output: ' "on standard output: $(cat program.out)"
    wanted_like 'parcels: [^'$'\n'']+: No such file or directory[^'$'\n'']*' "$(tail -n 1 program.err)" \
        'on standard error: parcels: what failed: No such file or directory'
    wanted 'exit status 1' "exit status $status"
}

# proves: 13 19 23
@test "wait needs no more memory for a hundred files than for twenty" {
    see='this exercise, "The contract", 23'
    local i round most=()
    steady_memory
    peer ann
    identifiers 1
    new_file 100
    waits
    for round in 1 2; do
        for ((i = 1; i <= (round == 1 ? 20 : 80); i++)); do
            printf '%s %08x%08x00100000%s\n' "$served" "$((RANDOM * 32768 + RANDOM))" "$((i * 3000))" "${hex:0:20}"
            ((i % 100 != 0)) || settled ann
        done >ann.in
        settled ann
        most[round]=$(memory "$program")
    done
    sent='ann: pieces of 20 files of 1048576 bytes, then of 80 more'
    ((most[2] < most[1] + 4000)) || complain 'the memory does not grow' "it grows from ${most[1]} to ${most[2]} kilobytes"
    for ((i = 1; i <= 260; i++)); do
        echo "$served 00"
        ((i % 100 != 0)) || settled ann
    done >ann.in
    settled ann
    sent+=$'\nann: 260 datagrams of one byte; then Ctrl-C'
    signal_program INT
    program_ends
    wanted 'the last line on standard error: parcels: no file is complete (260 bad)' "the last line on standard error: $(tail -n 1 program.err)"
    wanted 'exit status 1' "exit status $status"
}

# ---------------------------------- both ends ----------------------------------

# proves: 1 7 15
@test "wait understands what send sends" {
    see='this exercise, "On the wire"'
    new_file 20000
    waits
    sent='send file 127.0.0.1 PORT, and wait PORT copy'
    start sender "$PROGRAM" send file 127.0.0.1 "$served"
    await_exit "$pid" >/dev/null
    sender=$(sed -n 's/^sent .* in \([0-9]*\) parcels .*/\1/p' sender.out)
    await_exit "$program" >/dev/null || complain 'the file is complete, and the program ends' 'it still waits'
    wanted_like "received 20000 bytes in $sender parcels from 127\.0\.0\.1:[0-9]+ \(0 doubled, 0 bad\)" "$(cat program.out)"
    cmp -s file copy || complain 'the same file' 'another one'
}

# proves: 24
@test "-h prints the usage on standard output, and exits 0" {
    helps
}

# proves: 25
@test "a usage error is one line and the usage, exit 2, and nothing is sent" {
    see='"The contract of every program", in docs/helper.md'
    local bad
    peer ann
    echo hello >file
    refuses
    refuses take file 127.0.0.1 "$ann"
    refuses take 0 copy
    refuses send file 127.0.0.1
    refuses send file 127.0.0.1 "$ann" more
    refuses send -x file 127.0.0.1 "$ann"
    refuses wait 0
    refuses wait 0 copy more
    refuses wait -w 0 0 copy
    for bad in "${ann}x" "$((ann + 65536))" 0; do
        refuses send file 127.0.0.1 "$bad"
    done
    refuses wait 65536 copy
    wanted 'to the peer: nothing' "to the peer: $(all_heard ann)nothing"
}
