# The checks of exercise 8, whole-or-not: each is a requirement of its README.md.
#
# shellcheck disable=SC2017,SC2030,SC2031,SC2034,SC2154  # bats and checks.bash use what stands here

load ../checks

# reported COUNT: waits until the program has printed COUNT lines; they are in $lines.
reported() {
    program_writes program.out "$1" "line $1 on standard output"
}

# close_customs: stops the program. (That is when the sanitizer finds memory not given back.)
close_customs() {
    stop "$program" >/dev/null ||
        complain 'the program ends' "$DEADLINE seconds after Ctrl-C it was still running"
    wanted 'exit status 0' "exit status $status"
}

# send_hex HEX: the peer sends these bytes. send_many SIZE: somebody sends SIZE times "x".
send_hex() {
    printf '%s %s\n' "$port" "$1" >sender.in
}

send_many() {
    "$PROBE" flood 127.0.0.1 "$port" 1 "$1"
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

# memory_holds TEXT: looks for TEXT in all that the program under check can write to: its arrays, its
# stack, and what malloc has given it.
memory_holds() {
    local mem
    exec {mem}<"/proc/$program/mem" || skip 'the memory of a program cannot be looked at here'
    (
        at=0
        while read -r range mode _ _ _ path; do
            from=$((16#${range%-*})) to=$((16#${range#*-}))
            [[ $mode = rw* && ($path = '' || $path = '['* || $path = "$PROGRAM") ]] || continue
            ((to - from < 1 << 20)) || continue # larger ones are the sanitizer's own
            dd bs=64K iflag=skip_bytes,count_bytes skip=$((from - at)) count=$((to - from)) \
                status=none <&"$mem" 2>/dev/null || true
            at=$to
        done <"/proc/$program/maps"
    ) | grep -qaF "$1"
}

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
}

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

@test "what is above 16 bits is added again, as often as it takes" {
    see='this exercise, "The checksum"; and hint 4: folding may carry again'
    local first second
    peer sender
    serve_program -b 127.0.0.1 0
    new_number 1 0xfffe
    first=$number
    # first + second + ffff is 1ffff: folded it is 10000, folded again 1.
    second=$((0x10000 - first))
    printf -v hex '%04x%04xffff' "$first" "$second"
    checksum "$hex"
    sent="6 bytes: $hex, whose sum is 1ffff: folded once it is 10000"
    send_hex "$hex"
    reported 1
    wanted "6 bytes from 127.0.0.1:$sender, checksum $sum" "${lines[0]}"
}

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

@test "an empty datagram is reported, too, and what comes after it" {
    see='UDP in ten minutes, "Check yourself", question 3: an empty datagram is a datagram like any other; and hint 3'
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

@test "no datagram is ever cut, up to 65507 bytes" {
    see='lesson 2, "Read the program", step 5: MSG_TRUNC; man 2 recv: MSG_PEEK'
    local size count=0 x
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
}

@test "it holds no more memory than the datagram at hand" {
    see='this exercise, "The contract"; man 2 recv: MSG_PEEK'
    local filler
    # The sanitizer's malloc overwrites what is given back: with "~", 100,000 bytes at most.
    export ASAN_OPTIONS="${ASAN_OPTIONS-}:max_free_fill_size=100000:free_fill_byte=126"
    peer sender
    serve_program -b 127.0.0.1 0
    new_number 3 9
    new_bytes "$number"
    sent="two datagrams of $number bytes"
    send_hex "$hex"
    send_hex "$hex"
    reported 2
    printf -v filler '%8000s' ''
    ! memory_holds "${filler// /'~'}" ||
        complain "memory for $number bytes, from malloc" 'more than 8000 bytes, from malloc'
    new_number 20000 60000
    sent="$number times \"x\", then a datagram of ${#hex} bytes"
    send_many "$number"
    reported 3
    send_hex "$hex$hex"
    reported 4
    filler=${filler::200}
    ! memory_holds "${filler// /x}" || complain \
        "by now nothing in memory of the $number bytes that came before" \
        'they are still there: in an array, or in memory that was not given back'
    close_customs
}

@test "Ctrl-C ends it: it says after how many datagrams, exit 0" {
    see='lesson 4, "Read the program", step 3: why MSG_DONTWAIT'
    peer sender
    serve_program -b 127.0.0.1 0
    new_number 2 6
    sent="$number datagrams, then Ctrl-C (SIGINT)"
    for ((i = 0; i < number; i++)); do send_hex 7878; done
    reported "$number"
    close_customs
    wanted "whole-or-not: stopped after $number datagrams" "$(tail -n +2 program.err)"
}
