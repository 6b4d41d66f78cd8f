# The checks of exercise 4, whole-or-not: each proves sentences of the contract in its README.md.
#
# shellcheck disable=SC2017,SC2030,SC2031,SC2034,SC2154  # bats and checks.bash use what is set here

load ../checks

# reported COUNT: waits until the program has printed COUNT lines; they are in $lines.
reported() {
    program_writes program.out "$1" "line $1 on standard output"
}

# send_hex HEX: the peer sends these bytes. send_many SIZE [HOST]: somebody sends SIZE times "x".
send_hex() {
    printf '%s %s\n' "$port" "$1" >sender.in
}

send_many() {
    "$PROBE" flood "${2:-127.0.0.1}" "$port" 1 "$1"
}

# new_bytes COUNT: COUNT bytes at random, in hexadecimal, in $hex.
new_bytes() {
    hex=$(od -An -v -tx1 -N "$1" /dev/urandom | tr -d ' \n')
}

# checksum HEX: that of RFC 1071, section 1, in $sum.
checksum() {
    local i padded=${1}00
    sum=0
    for ((i = 0; i + 3 < ${#padded}; i += 4)); do sum=$((sum + 16#${padded:i:4})); done
    while ((sum > 0xffff)); do sum=$(((sum & 0xffff) + (sum >> 16))); done
    printf -v sum %04x $((0xffff - sum))
}

# memory: all that the program under check can write to: its arrays, its stack, and what malloc has
# given it; $mem is its /proc/PID/mem.
memory() {
    local at=0 range mode path from to
    while read -r range mode _ _ _ path; do
        from=$((16#${range%-*})) to=$((16#${range#*-}))
        [[ $mode = rw* && ($path = '' || $path = '['* || $path = "$PROGRAM") ]] || continue
        ((to - from < 1 << 20)) || continue # larger ones are the sanitizer's own
        dd bs=64K iflag=skip_bytes,count_bytes skip=$((from - at)) count=$((to - from)) \
            status=none <&"$mem" 2>/dev/null || true
        at=$to
    done <"/proc/$program/maps"
}

# find_runs FILE: where memory holds "x" (data), "~" (from malloc, nothing written yet) or "^" (given
# back) 50 times or more, or "x" 12 times: into FILE a line for each place, as "^4000 x2500 ~16". 0 is zero bytes.
find_runs() {
    local mem
    exec {mem}<"/proc/$program/mem" || return # here: only its parent may
    memory | LC_ALL=C tr -sc 'x^~\0' '\n' | tr -s '\0' 0 | LC_ALL=C awk '
        length < 12 { next }
        {
            line = ""
            for (longest = xs = 0; match($0, /^(x+|\^+|~+|0)/); $0 = substr($0, RLENGTH + 1)) {
                line = line substr($0, 1, 1) (/^0/ ? "" : RLENGTH) " "
                if (RLENGTH > longest) longest = RLENGTH
                if (/^x/ && RLENGTH > xs) xs = RLENGTH
            }
            if (longest >= 50 || xs >= 12) print line
        }' >"$1"
    exec {mem}<&-
}

# proves: 1 4 11 14
@test "each datagram is reported at once: its size, its sender, its checksum" {
    see='this exercise, "The checksum"; and lesson 3, "Read the program", steps 3 and 4'
    local count
    peer sender
    serve_program -b 127.0.0.1 0
    sent='"hello"'
    send_hex 68656c6c6f
    reported 1
    wanted "5 bytes from 127.0.0.1:$sender, checksum bc2d" "${lines[0]}"
    for count in 2 3; do
        new_number 5 9
        new_bytes "$((2 * number))" # even
        checksum "$hex"
        sent="$((2 * number)) bytes: $hex"
        send_hex "$hex"
        reported "$count"
        wanted "$((2 * number)) bytes from 127.0.0.1:$sender, checksum $sum" "${lines[count - 1]}"
    done
    needs_ipv6 'only in part: '
    peer lodger ::1
    sent='"hello", with -b ::1'
    serve_program -b ::1 0
    echo "$port 68656c6c6f" >lodger.in
    reported 1
    wanted "5 bytes from [::1]:$lodger, checksum bc2d" "${lines[0]}"
}

# proves: 12
@test "an odd last byte is the upper half of a number" {
    see='this exercise, "The checksum": a zero byte behind it'
    peer sender
    serve_program -b 127.0.0.1 0
    new_number 3 8
    new_bytes "$((2 * number))"
    printf -v hex '%s%02x' "$hex" $((RANDOM % 255 + 1))
    checksum "$hex"
    sent="$((2 * number + 1)) bytes: $hex"
    send_hex "$hex"
    reported 1
    wanted "$((2 * number + 1)) bytes from 127.0.0.1:$sender, checksum $sum" "${lines[0]}"
}

# proves: 13
@test "what is above 16 bits is added again, as often as it takes; then the bits are turned around" {
    see='this exercise, "The checksum"; and hint 4: folding may carry again'
    local first second count=0
    peer sender
    serve_program -b 127.0.0.1 0
    new_number 1 0xfffe
    first=$number
    # first + second + ffff is 1ffff: folded it is 10000, folded again 1.
    second=$((0x10000 - first))
    printf -v hex '%04x%04xffff' "$first" "$second"
    # The sum ffff is not 0, although a sum of 16 bits has two zeros.
    for hex in "$hex" ffff 0000 7fff8000; do
        checksum "$hex"
        sent="$((${#hex} / 2)) bytes: $hex"
        send_hex "$hex"
        reported $((++count))
        wanted "$((${#hex} / 2)) bytes from 127.0.0.1:$sender, checksum $sum" "${lines[count - 1]}"
    done
}

# proves: 14
@test "the checksum has four digits, also if it begins with zeros" {
    see='this exercise, "The checksum"; printf: %04x'
    peer sender
    serve_program -b 127.0.0.1 0
    new_number 0xf000 0xffff
    printf -v hex %04x "$number"
    checksum "$hex"
    sent="2 bytes: $hex"
    send_hex "$hex"
    reported 1
    wanted "2 bytes from 127.0.0.1:$sender, checksum $sum" "${lines[0]}"
}

# proves: 5 7
@test "an empty datagram is reported, too, and what comes after it" {
    see='How UDP works, "Check yourself", question 3: an empty datagram is a datagram like any other; and hint 3'
    peer sender
    serve_program -b 127.0.0.1 0
    sent='two empty datagrams, then "a"'
    send_hex ''
    send_hex ''
    send_hex 61
    reported 3
    wanted "0 bytes from 127.0.0.1:$sender, checksum ffff" "${lines[0]}"
    wanted "0 bytes from 127.0.0.1:$sender, checksum ffff" "${lines[1]}"
    wanted "1 bytes from 127.0.0.1:$sender, checksum 9eff" "${lines[2]}"
}

# proves: 6 10
@test "no datagram is ever cut, up to 65507 bytes, over IPv6 65527" {
    see='lesson 2, "Read the program", step 5: MSG_TRUNC; man 2 recv: MSG_PEEK'
    local size count=0 x array
    if command -v nm >/dev/null; then # static arrays that are none of common/'s
        array=$(nm -S "$PROGRAM" | awk -v common="$(nm "$BUILD"/exercises/objects/*.o | awk '{ printf " %s ", $NF }')" '
            $3 ~ /^[bBdD]$/ && length($2) >= 8 && $2 !~ /^0*[0-7]..$/ && $4 !~ /^_/ && !index(common, " " $4 " ") { print $4; exit }')
        [ -z "$array" ] || complain 'no array for the data' "the static variable ${array%%.*} is large"
    fi
    ulimit -Ss 60 # kilobytes: in a function, there is no room for an array of 65507 bytes
    sent='nothing yet; the program has a stack of 60 kilobytes'
    serve_program -b 127.0.0.1 0
    new_number 1025 65000
    for size in "$number" 65507; do
        sent="$size times \"x\""
        x=$((size / 2 * 0x7878 + size % 2 * 0x7800))
        while ((x > 0xffff)); do x=$(((x & 0xffff) + (x >> 16))); done
        printf -v x %04x $((0xffff - x))
        send_many "$size"
        reported $((++count))
        wanted_like "$size bytes from 127\.0\.0\.1:[0-9]+, checksum $x" "${lines[count - 1]}" \
            "$size bytes from 127.0.0.1:PORT, checksum $x"
    done
    needs_ipv6 'only in part: '
    sent='65527 times "x" over IPv6, to -b ::1'
    serve_program -b ::1 0
    send_many 65527 ::1
    reported 1
    wanted_like '65527 bytes from .*' "${lines[0]}" '65527 bytes from [::1]:PORT, ...'
}

# proves: 8 9 10
@test "it holds no more memory than the datagram at hand" {
    see='this exercise, "The contract"; man 2 recv: MSG_PEEK'
    local line size sizes largest large more found count=0
    grep -qa __asan_init "$PROGRAM" || skip 'without the sanitizer, malloc leaves no traces to look at'
    # The sanitizer's malloc fills what it gives with "~", and the first 4000 bytes of what is given
    # back with "^" (but for up to 16 at the beginning, where it writes for itself).
    export ASAN_OPTIONS="${ASAN_OPTIONS-}:max_malloc_fill_size=100000:malloc_fill_byte=126"
    ASAN_OPTIONS+=:max_free_fill_size=4000:free_fill_byte=94
    serve_program -b 127.0.0.1 0
    asleep
    find_runs before || skip 'the memory of a program cannot be looked at here'
    new_number 250 450
    sizes=("$number")
    new_number 1000 3000
    sizes+=("$number")
    new_number 320 930
    large=$((64 * number + RANDOM % 15 + 1)) # rounded up to a multiple of 32 it is 17 or more too large
    for size in "${sizes[@]}" "$large" 40; do
        sent="$size times \"x\""
        send_many "$size"
        reported $((++count))
    done
    asleep
    find_runs after
    while IFS= read -r line; do
        if [[ $line =~ (^|' ')x([0-9]{2,}) && $line != *^4000\ x* ]]; then
            complain 'once it is reported, nothing of it in memory' \
                "${BASH_REMATCH[2]} times \"x\": in an array, or in memory that was not given back"
        elif [[ $line =~ x[0-9]+' '(0?)' '?~([0-9]+) ]]; then
            more=$((${#BASH_REMATCH[1]} + BASH_REMATCH[2]))
            ((more <= 16)) || complain "memory for $large bytes, from malloc, at most 16 more" "$more more"
        elif [[ $line =~ ^0?' '?\^([0-9]+) ]] && ((BASH_REMATCH[1] < 80)) && ! grep -qxF "$line" before; then
            complain 'memory for 40 bytes, from malloc, at most 16 more' "${BASH_REMATCH[1]} bytes, or more"
        fi
    done <after
    largest=${sizes[1]}
    for size in "${sizes[@]}"; do
        sent="$size times \"x\""
        found=
        while read -r line; do
            [[ $line = *^* && $line != *x* ]] || continue
            line=${line#*^}
            line=${line%% *}
            ((line < size - 16 || line > size + 16)) || found=yes
            ((line <= largest + 16)) || grep -qwF "^$line" before ||
                complain "memory for $size bytes, from malloc, at most 16 more" "$line bytes, or more"
        done <after
        [ -n "$found" ] || complain "memory for $size bytes, from malloc, given back" 'there is none'
    done
    stop_program # that is when the sanitizer finds memory not given back
}

# proves: 15 16
@test "while nothing comes it sleeps; Ctrl-C or SIGTERM ends it: it says after how many datagrams, exit 0" {
    see='lesson 4, "Read the program", step 3: why MSG_DONTWAIT, and wait_for_input'
    local signal burst
    for signal in INT TERM; do
        serve_program -b 127.0.0.1 0
        new_number 2 6
        sent="$number empty datagrams, 2 times 128 of 2 bytes"
        "$PROBE" flood 127.0.0.1 "$port" "$number" 0
        for burst in 1 2; do
            "$PROBE" flood 127.0.0.1 "$port" 128 2
            reported $((number + burst * 128))
        done
        is_not_woken
        stop_program "$signal"
        wanted "on standard error: whole-or-not: stopped after $((number + 256)) datagrams" \
            "on standard error: $(tail -n +2 program.err)"
    done
}

# proves: 1 2 3 17 18 19
@test "-h helps; where it is bound, and what cannot be right, is told" {
    see='lesson 3, "Read the program", step 2, and "What can go wrong"; parse_arguments'
    is_called_as_echo_is whole-or-not
}
