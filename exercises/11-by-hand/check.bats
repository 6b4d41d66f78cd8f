# The checks of exercise 11, by hand: each proves sentences of the contract in its README.md. What is right is
# computed here, in hexadecimal, or fixed: tcpdump and Wireshark find it right, too.
#
# shellcheck disable=SC2017,SC2030,SC2031,SC2034,SC2154  # bats and checks.bash use what is set here; frame takes FIELD=VALUE

load ../checks

# ------------------------------------- frames -------------------------------------

# new_hex WORDS: so many numbers of 16 bits at random, in $hex. None has two bytes that are the same.
new_hex() {
    local i high low
    hex=
    for ((i = 0; i < $1; i++)); do
        high=$((RANDOM & 255)) low=$((RANDOM & 255))
        printf -v hex '%s%02x%02x' "$hex" "$high" $((high == low ? low ^ 1 : low))
    done
}

# new_ends: other MACs, addresses and ports, in hexadecimal; as text in the array $ends and, as take prints
# them, in $who.
new_ends() {
    new_hex 12
    smac=${hex:0:12} dmac=${hex:12:12} source=${hex:24:8} destination=${hex:32:8} sport=${hex:40:4} dport=${hex:44:4}
    name_ends
}

name_ends() {
    local from to
    printf -v from '%d.%d.%d.%d' "0x${source:0:2}" "0x${source:2:2}" "0x${source:4:2}" "0x${source:6:2}"
    printf -v to '%d.%d.%d.%d' "0x${destination:0:2}" "0x${destination:2:2}" "0x${destination:4:2}" "0x${destination:6:2}"
    ends=("${smac:0:2}:${smac:2:2}:${smac:4:2}:${smac:6:2}:${smac:8:2}:${smac:10:2}" "$from" "$((16#$sport))"
        "${dmac:0:2}:${dmac:2:2}:${dmac:4:2}:${dmac:6:2}:${dmac:8:2}:${dmac:10:2}" "$to" "$((16#$dport))")
    who="$from:$((16#$sport)) > $to:$((16#$dport))"
}

# checksum HEX: in $checksum, four digits; what is added up, with all its carries, in $added.
checksum() {
    local i folded padded=$1
    ((${#1} % 4 == 0)) || padded+=00
    added=0
    for ((i = 0; i < ${#padded}; i += 4)); do added=$((added + 16#${padded:i:4})); done
    folded=$added
    while ((folded > 0xffff)); do folded=$(((folded & 0xffff) + (folded >> 16))); done
    printf -v checksum %04x $((0xffff - folded))
}

# frame [FIELD=VALUE...]: a frame from $source to $destination in hexadecimal, in $frame. All of it is right but
# for the fields that are given. `rest` comes after the UDP length, `padding` after the total length. The right
# checksums are in $right_header_sum and $right_udp_sum; `header_sum=wrong` is another one.
frame() {
    local type=0800 version=4 ihl='' tos=00 options='' total='' id=0000 flags=4000 ttl=40 protocol=11
    local header_sum='' length='' udp_sum='' data='' rest='' padding='' head tail wrong
    local "$@"
    [ -n "$ihl" ] || printf -v ihl %x $((5 + ${#options} / 8))
    [ -n "$total" ] || printf -v total %04x $(((56 + ${#options} + ${#data} + ${#rest}) / 2))
    [ -n "$length" ] || printf -v length %04x $(((16 + ${#data}) / 2))
    head=$version$ihl$tos$total$id$flags$ttl$protocol tail=$source$destination$options
    checksum "${head}0000$tail"
    right_header_sum=$checksum
    checksum "$source${destination}00$protocol$length$sport$dport${length}0000$data"
    right_udp_sum=${checksum/0000/ffff}
    printf -v wrong %04x $((16#$right_header_sum ^ 1))
    header_sum=${header_sum:-$right_header_sum} header_sum=${header_sum/wrong/$wrong}
    printf -v wrong %04x $((16#$right_udp_sum < 2 ? 2 : 16#$right_udp_sum ^ 1))
    udp_sum=${udp_sum:-$right_udp_sum} udp_sum=${udp_sum/wrong/$wrong}
    frame=$dmac$smac$type$head$header_sum$tail$sport$dport$length$udp_sum$data$rest$padding
}

# in_layers HEX: a frame, a line for each layer, as far as it goes.
in_layers() {
    local ip=${1:28}
    echo "Ethernet ${1:0:12} ${1:12:12} ${1:24:4}"
    [ -z "$ip" ] || echo "IPv4     ${ip:0:4} ${ip:4:4} ${ip:8:4} ${ip:12:4} ${ip:16:4} ${ip:20:4} ${ip:24:8} ${ip:32:8}"
    [ -z "${ip:40}" ] || echo "then     ${ip:40:4} ${ip:44:4} ${ip:48:4} ${ip:52:4} ${ip:56:400}"
    ((${#ip} <= 456)) || echo "         ... (${#1} digits in all)"
}

# put FILE HEX: writes these bytes.
put() {
    local i escaped=''
    for ((i = 0; i < ${#2}; i += 2)); do escaped+="\\x${2:i:2}"; done
    # shellcheck disable=SC2059
    printf "$escaped" >"$1"
}

# -------------------------------------- build --------------------------------------

# builds DATA [TEXT]: from $ends, with this TEXT or this standard input, it must write the frame with DATA.
builds() {
    local came
    frame "data=$1"
    shift
    sent=$(printf '%q ' by-hand build "${ends[@]}" "$@")
    [ $# -gt 0 ] || sent+='with this data as standard input'
    run_program build "${ends[@]}" "$@"
    wrote_frame
}

# wrote_frame: the program has written $frame.
wrote_frame() {
    local came
    came=$(od -An -v -tx1 program.out | tr -d ' \n')
    [ "$came" = "$frame" ] || complain "$(in_layers "$frame")" "$(in_layers "$came")"
    wanted_err ''
    wanted_status 0
}

# proves: 1 2 3 4 5 7 27
@test "build writes the frame of a TEXT, byte for byte" {
    see='this exercise, "The frame" and "The checksums, an example"'
    local length
    ends=(02:00:00:00:00:0a 10.77.0.1 40312 02:00:00:00:00:0b 10.77.0.2 7788)
    sent="by-hand build ${ends[*]} hello"
    run_program build "${ends[@]}" hello
    frame=02000000000b02000000000a08004500002100004000401126300a4d00010a4d00029d781e6c000deb8068656c6c6f
    wrote_frame
    for length in 6 9; do
        new_ends
        new_word
        word=${word}abcdefgh
        hex_of "${word::length}"
        builds "$hex" "${word::length}"
    done
    new_ends
    sport=0000 destination=ffffffff dmac=ffffffffffff # a broadcast
    name_ends
    ends[0]=${ends[0]^^}
    hex_of a
    builds "$hex" a
}

# proves: 3 4 5 6
@test "each carry is added again, and a UDP checksum of 0 is sent as ffff" {
    see='this exercise, "The contract", 5 and 6'
    local carries low data
    # The header's sum, whose last number is now 0, becomes ffff: its checksum is 0. For UDP the same.
    new_ends
    destination=${destination::4}0000
    frame data=6869
    destination=${destination::4}$right_header_sum
    name_ends
    builds 6869 hi
    new_ends
    new_hex 3
    frame "data=${hex}0000"
    data=$hex$right_udp_sum
    put input "$data"
    builds "$data" <input

    # The carries of the first addition make another carry.
    source=fffe0000 destination=c0a80000
    frame data=6869
    checksum "${frame:28:20}0000$source$destination"
    carries=$((added >> 16)) low=$((added & 0xffff))
    ((low + carries <= 0xffff)) || low=$((low - 0xffff)) carries=$((carries + 1))
    printf -v destination 'c0a8%04x' $((0x10000 - carries - low))
    name_ends
    builds 6869 hi
    frame "data=ffffffffffff0000"
    checksum "$source${destination}00110010$sport${dport}00100000ffffffffffff0000"
    carries=$((added >> 16)) low=$((added & 0xffff))
    printf -v data 'ffffffffffff%04x' $((low + carries <= 0x10000 ? 0x10000 - carries - low : 0x20000 - carries - 1 - low))
    put input "$data"
    builds "$data" <input
}

# proves: 7 8
@test "the data is TEXT, or all of standard input, whatever bytes it has" {
    see='this exercise, "The contract", 7 and 8; and "What you need from the lesson": strlen'
    local text byte all
    new_ends
    for text in '' "-i %s%n 100% 你" $'two\nlines\\n\n'; do
        hex_of "$text"
        builds "$hex" "$text" <<<'this is not asked for'
    done
    builds '' </dev/null
    new_number 1 255
    printf -v all %02x {0..255}
    all=${all:2*number}${all::2*number}0d0a
    put input "$all"
    builds "$all" <input

    frame data=0001020a626364
    sent='by-hand build ..., and standard input is a pipe, into which somebody writes "00 01 02 0a", and later "bcd"'
    mkfifo pipe
    input=pipe
    start_program build "${ends[@]}"
    exec 7>pipe
    asleep
    trap '' PIPE # it may have ended
    printf '\0\1\2\n' 2>/dev/null >&7 || true
    for _ in 1 2 3 4 5; do nap; done
    asleep
    printf 'bcd' 2>/dev/null >&7 || true
    exec 7>&-
    await_exit "$program" >/dev/null || complain 'the program ends' "$long after the end of its input it was still running"
    read_output
    wrote_frame
}

# refuses_data WHAT [TEXT]: it is a runtime error, and nothing is written.
refuses_data() {
    sent="by-hand build ..., the data is $1"
    shift
    run_program build "${ends[@]}" "$@"
    nothing_in program.out
    wanted_like 'by-hand: [^'$'\n'']+' "$err" 'on standard error: by-hand: and what is wrong, in a line'
    wanted_status 1
}

# proves: 2 5 9
@test "1,472 bytes are sent; more are refused, and nothing is written" {
    see='this exercise, "The frame": why 1,472?'
    local word data
    new_ends
    new_hex 1
    printf -v data "${hex}%.0s" {1..736}
    put input "$data"
    builds "$data" <input
    head -c 1473 /dev/zero >data
    refuses_data '1473 zero bytes of standard input' <data
    head -c 65541 /dev/zero >data
    refuses_data '65541 zero bytes of standard input' <data
    printf -v word x%.0s {1..1473}
    refuses_data 'a TEXT of 1473 times "x"' "$word"
}

# --------------------------------------- take --------------------------------------

# Which number of the last line counts it.
good=0 short=1 not_ipv4=2 bad_header=3 header_sum=4 fragment=5 not_udp=6 bad_length=7 udp_sum=8

# last_line COUNT...: the nine counts, as the last line, in $last.
last_line() {
    local all=0 count
    for count; do all=$((all + count)); done
    printf -v last '%d frames: %d good, %d too short, %d not IPv4, %d bad IPv4 header, %d wrong header checksum, %d fragment, %d not UDP, %d bad UDP length, %d wrong UDP checksum' \
        "$all" "$@"
}

# adds KIND WHAT [FIELD=VALUE...]: one more frame for the program to take.
adds() {
    frame "${@:3}"
    adds_bytes "$1" "$2" "$frame" ''
}

# adds_sum FIELD VALUE WHAT [FIELD=VALUE...]: one with this checksum, unless by chance that is right. (ffff and 0 are
# the same number here: a program that adds up takes both, one that compares takes one.)
adds_sum() {
    local right=right_$1
    frame "${@:4}"
    right=${!right}
    [[ ${2/ffff/0000} == "${right/ffff/0000}" || $1 == udp_sum && $2 == 0000 ]] ||
        adds "${!1}" "${1/_sum/} checksum: $3: $2, right is $right" "$1=$2" "${@:4}"
}

# adds_good WHAT TEXT [FIELD=VALUE...]: a good one; TEXT is its data as it is to be printed.
adds_good() {
    local data rest=''
    hex_of "$2"
    data=$hex
    frame "data=$data" "${@:3}"
    adds_bytes "$good" "$1" "$frame" "$who $((${#data} / 2)) bytes: $2"
}

# adds_bytes KIND WHAT HEX LINE: LINE is to be printed, if it is not empty.
adds_bytes() {
    kinds+=("$1") whats+=("$2") hexes+=("$3") shown+=("$4")
    put "frame-${#files[@]}" "$3"
    files+=("frame-${#files[@]}")
}

# takes: the program takes all these frames, each some times, so that no mistake makes up for another one. If
# it is wrong, each frame alone, to find out which it is.
takes() {
    local i times all=() counts=(0 0 0 0 0 0 0 0 0) printed=''
    for i in "${!files[@]}"; do
        for ((times = RANDOM % 4; times >= 0; times--)); do
            all+=("${files[i]}")
            counts[kinds[i]]=$((counts[kinds[i]] + 1))
            printed+=${shown[i]:+${shown[i]}$'\n'}
        done
    done
    last_line "${counts[@]}"
    local last_of_all=$last
    run_program take "${all[@]}"
    [[ $status != 0 || -s program.err || $out != "$printed$last" ]] || ! whole_lines program.out || return 0
    for i in "${!files[@]}"; do
        sent="a frame: ${whats[i]}"$'\n'$(in_layers "${hexes[i]}")
        counts=(0 0 0 0 0 0 0 0 0)
        counts[kinds[i]]=1
        last_line "${counts[@]}"
        run_program take "${files[i]}"
        takes_right "${shown[i]:+${shown[i]}$'\n'}$last"
    done
    sent="each of ${#files[@]} frames alone is taken rightly; then all of them at once, some of them some times"
    run_program take "${all[@]}"
    takes_right "$printed$last_of_all"
}

# takes_right OUT: it has printed this, and nothing else.
takes_right() {
    wanted_out "$1"
    whole_lines program.out || complain "$1"$'\n(and a newline)' "$out"$'\n(no newline after it)'
    wanted_err ''
    wanted_status 0
}

# proves: 10 11 12 17 18 21 22
@test "take prints each good frame, and counts them" {
    see='this exercise, "The contract", 10, 11, 12 and 22; hint 4'
    new_word
    new_ends
    frame=02000000000b02000000000a08004500002100004000401126300a4d00010a4d00029d781e6c000deb8068656c6c6f
    adds_bytes "$good" 'the one of README.md' "$frame" '10.77.0.1:40312 > 10.77.0.2:7788 5 bytes: hello'
    adds_good 'an even number of bytes' 'even'
    adds_good 'an odd number of bytes' "odd: ${word::4}"
    adds_good 'no data' ''
    new_ends
    adds_good 'other numbers' "$word" tos=b8 id=1234 ttl=01
    adds_good 'no data, and padding after it' '' padding=000000000000000000000000000000000000
    adds_good 'an odd number of bytes, and padding after it that is not 0' odd padding=ff0102030405
    adds_good 'one option: 4 bytes' "$word" options=94040000
    adds_good 'ten options: 40 bytes, and padding' "${word}x" \
        options=94040000010101010102030401020304010203040506070801020304fefdfcfb0102030400000000 padding=a5a5a5
    adds_good 'the UDP length is below what the packet has' "${word::3}" rest=6c6965
    adds_good 'the UDP length is 8, and the packet has more' '' rest=6c6965 padding=ffff
    adds_good 'a UDP checksum of 0: none was computed' "$word" udp_sum=0000
    adds_good 'flags: none of the three' "$word" flags=0000
    adds_good 'flags: the reserved one' "$word" flags=8000
    adds_good 'flags: the reserved one, and do not fragment' "$word" flags=c000
    sport=0000
    name_ends
    adds_good 'the source port is 0' "$word"
    sport=ffff dport=0000
    name_ends
    adds_good 'the source port is 65535, the destination port 0' "$word"
    new_ends
    source=${source::4}0000
    frame data=6869
    source=${source::4}$right_udp_sum
    name_ends
    adds_good 'its UDP checksum is ffff, since 0 was computed' hi
    source=${source::4}0000
    frame data=6869
    source=${source::4}$right_header_sum
    name_ends
    adds_good 'its header checksum is 0, as it was computed' hi
    takes
}

# proves: 10 12 14 15 16 17 18 19 20 21 22 24
@test "take counts each frame that is not good by what is wrong with it" {
    see='this exercise, "The order of the questions"'
    local value size i
    new_ends
    for value in 0806 86dd 0008 0801 0700 05dc 0000 8100; do adds "$not_ipv4" "the type is $value" "type=$value" data=6869; done
    for value in 0 3 5 6 f; do adds "$bad_header" "the version is $value" "version=$value" data=6869; done
    for value in 0 1 4; do adds "$bad_header" "the IHL is $value" "ihl=$value" data=6869; done
    adds "$bad_header" 'the IHL is 8, but the total length only 30' ihl=8 data=6869
    adds "$bad_header" 'the IHL is 15, and so large is nothing here' ihl=f total=0014
    adds "$bad_header" 'the total length is 0' total=0000 data=6869
    adds "$bad_header" 'the total length is 19' total=0013 data=6869
    adds "$bad_header" 'the total length is 23, the header has 24 bytes' total=0017 options=01010100 data=6869
    adds "$bad_header" 'the total length is 1 above what is here' total=001f data=6869
    adds "$bad_header" 'the total length is 14 above what is here' total=002c data=6869
    adds "$bad_header" 'the total length is 65535' total=ffff data=6869
    adds "$bad_header" 'the total length, in the wrong byte order' total=1e00 data=6869
    frame data=6869
    value=$right_header_sum
    adds_sum header_sum 0000 'nothing in its field' data=6869
    adds_sum header_sum "${value:2}${value::2}" 'the bytes in the wrong order' data=6869
    adds_sum header_sum "$(printf %04x $((16#$value ^ 1)))" 'the last bit' data=6869
    adds_sum header_sum "$(printf %04x $((16#$value ^ 0x8000)))" 'the first bit' data=6869
    adds_sum header_sum "$(printf %04x $((0xffff - 16#$value)))" 'the sum, not inverted' data=6869
    adds_sum header_sum "$value" 'the time to live has changed on the way' ttl=3f data=6869
    checksum "47000026000040004011$source$destination"
    adds_sum header_sum "$checksum" 'the options are left out' options=0101010101020304 data=6869
    frame options=0101010101020304 data=6869
    adds_sum header_sum "$right_header_sum" 'an option has changed on the way' options=0101010101020305 data=6869
    adds_good 'a good one, after others with a wrong header checksum' hi
    for value in 2000 6000 0001 0100 1000 1fff 2001 4001 a000; do adds "$fragment" "flags and offset are $value" "flags=$value" data=6869; done
    adds "$fragment" 'the first of two, and there are options' flags=2000 data=6869 options=01010100
    for value in 06 01 00 10 88; do adds "$not_udp" "the protocol is $((16#$value))" "protocol=$value" data=6869; done
    adds "$not_udp" 'the protocol is 6, and there are options' protocol=06 data=6869 options=01010100
    for value in 0 1 7; do
        printf -v size %04x $((20 + value))
        adds "$short" "the packet has $value bytes after the IPv4 header, the rest is padding" "total=$size" data=6869
        printf -v size %04x $((28 + value))
        adds "$short" "the same, with options of 8 bytes" "total=$size" data=6869 options=0101010101010100
    done
    for value in 0000 0001 0007 000b ffff 0a00; do
        adds "$bad_length" "the UDP length is $((16#$value)), the packet has 10 bytes" "length=$value" data=6869 udp_sum=0000
    done
    adds "$bad_length" 'the UDP length counts the padding, too' length=000c data=6869 padding=0000 udp_sum=0000
    adds "$bad_length" 'the same, and there are options' length=000c data=6869 padding=00000000 udp_sum=0000 options=01010100
    frame data=686921
    value=$right_udp_sum
    adds_sum udp_sum ffff 'all bits' data=686921
    adds_sum udp_sum 0001 'one bit' data=686921
    adds_sum udp_sum "${value:2}${value::2}" 'the bytes in the wrong order' data=686921
    adds_sum udp_sum "$(printf %04x $((16#$value ^ 1)))" 'the last bit' data=686921
    adds_sum udp_sum "$(printf %04x $((16#$value ^ 0x8000)))" 'the first bit' data=686921
    adds_sum udp_sum "$(printf %04x $((0xffff - 16#$value)))" 'the sum, not inverted' data=686921
    adds "$udp_sum" 'a wrong UDP checksum, and no data' udp_sum=wrong
    adds "$udp_sum" 'a wrong UDP checksum, and options' udp_sum=wrong data=6869 options=01010100
    adds "$udp_sum" 'a wrong UDP checksum, and padding' udp_sum=wrong data=6869 padding=00000000
    adds "$udp_sum" 'a wrong UDP checksum, and bytes after the UDP length' udp_sum=wrong data=6869 rest=00000000
    adds_sum udp_sum "$value" 'the last byte has changed on the way' data=686922
    checksum "$sport${dport}000b0000686921"
    adds_sum udp_sum "$checksum" 'the pseudo header is left out' data=686921
    checksum "$source${destination}0000000b$sport${dport}000b0000686921"
    adds_sum udp_sum "$checksum" 'the pseudo header lacks the protocol' data=686921
    checksum "$source${destination}00110000$sport${dport}000b0000686921"
    adds_sum udp_sum "$checksum" 'the pseudo header lacks the length' data=686921
    checksum "$source${destination}0011000b$sport${dport}000b0000686921626364"
    adds_sum udp_sum "$checksum" 'what comes after the UDP length is counted' data=686921 rest=626364
    for i in source destination; do
        printf -v hex '%04x' $((16#${!i:4} ^ 0x0101))
        printf -v "$i" %s "${!i::4}$hex"
        adds_sum udp_sum "$value" "the $i address has changed on the way, and the header checksum with it" data=686921
        frame data=686921
        value=$right_udp_sum
    done
    name_ends
    adds_good 'a good one, after others with a wrong UDP checksum' hi
    takes
}

# proves: 13
@test "of several things that are wrong the first one counts, and only that one" {
    see='this exercise, "The order of the questions"'
    local i
    new_ends
    frame type=0806
    for i in 14 20 33; do adds_bytes "$not_ipv4" "the type is 0806, and only $i bytes are here" "${frame::2*i}" ''; done
    frame version=6
    adds_bytes "$short" 'the version is 6, and only 33 bytes are here' "${frame::66}" ''
    adds "$not_ipv4" 'the type is 86dd, and the version is 6' type=86dd version=6
    adds "$bad_header" 'the version is 6, the header checksum is wrong' version=6 header_sum=wrong
    adds "$bad_header" 'the IHL is 4, the header checksum is wrong' ihl=4 header_sum=wrong
    adds "$bad_header" 'the total length is 65535, the header checksum is wrong, and it is a fragment' total=ffff header_sum=wrong flags=2000
    adds "$bad_header" 'the total length is 1 too much, and it is a fragment' total=001f flags=2000 data=68
    adds "$bad_header" 'the IHL is 3, and the protocol is 6' ihl=3 protocol=06
    adds "$header_sum" 'a fragment with a wrong header checksum' flags=2000 header_sum=wrong
    adds "$header_sum" 'the protocol is 6, the header checksum is wrong' protocol=06 header_sum=wrong
    adds "$header_sum" 'the packet has 3 bytes after the IPv4 header, the header checksum is wrong' total=0017 header_sum=wrong
    adds "$header_sum" 'both checksums are wrong' udp_sum=wrong header_sum=wrong
    adds "$fragment" 'a fragment of TCP' flags=2000 protocol=06
    adds "$fragment" 'a fragment with 7 bytes after the IPv4 header' flags=00b9 total=001b
    adds "$fragment" 'a fragment: what is at the place of the UDP header is none' flags=0010 length=0003 udp_sum=1234
    adds "$not_udp" 'the protocol is 1, and no byte is after the IPv4 header' protocol=01 total=0014
    adds "$not_udp" 'the protocol is 6, and at the place of the UDP length is 3' protocol=06 length=0003
    adds "$not_udp" 'the protocol is 6, and at the place of the UDP checksum is a wrong one' protocol=06 udp_sum=1234
    adds "$short" 'the packet has 6 bytes after the IPv4 header, and the UDP length is 3' total=001a length=0003
    adds "$bad_length" 'the UDP length is 7, the UDP checksum is wrong' length=0007 udp_sum=1234
    adds "$bad_length" 'the UDP length is 1 too much, the UDP checksum is wrong' length=000b udp_sum=1234 data=6869
    adds_good 'a good one, after all the others' hi
    takes
}

# proves: 14 16 20 23
@test "nothing is read beyond the end of a frame, however short it is" {
    see='hint 3: before you read a byte, know that it is there'
    local whole i size
    new_ends
    frame options=0101010101010100 data=68656c6c6f
    whole=$frame
    for ((i = 0; i < ${#whole} / 2; i++)); do
        adds_bytes $((i < 34 ? short : bad_header)) "a good frame of $((${#whole} / 2)) bytes, of which $i are here" "${whole::2*i}" ''
    done
    adds_bytes "$good" 'all of it' "$whole" "$who 5 bytes: hello"
    for i in 0 1 2 3 4 5 6 7; do
        printf -v size %04x $((20 + i))
        frame "total=$size"
        adds_bytes "$short" "the packet ends $i bytes after the IPv4 header, and the frame with it" "${frame:0:68+2*i}" ''
        printf -v size %04x $((60 + i))
        printf -v options 01%.0s {1..40}
        frame "total=$size" "options=$options"
        adds_bytes "$short" "the same, with 40 bytes of options" "${frame:0:148+2*i}" ''
    done
    frame ihl=f total=0014
    adds_bytes "$bad_header" 'an IHL of 15, a total length of 20, and 20 bytes' "${frame:0:68}" ''
    frame ihl=f total=003c
    adds_bytes "$bad_header" 'an IHL of 15, a total length of 60, and 20 bytes' "${frame:0:68}" ''
    frame
    adds_bytes "$good" 'no data, and nothing after the UDP header' "$frame" "$who 0 bytes: "
    adds "$bad_length" 'the UDP length is 9, the packet has 8 bytes' length=0009
    adds "$bad_length" 'the UDP length is 65535, the packet has 9 bytes' length=ffff data=61
    adds_good 'one byte' a
    takes
}

# proves: 10 11 12
@test "data is printed whole, up to 65,507 bytes, and does no harm" {
    see='common/text.h: show_datagram'
    local text letter x
    new_ends
    adds_good 'a text of 20 Chinese characters' 一二三四五六七八九十一二三四五六七八九十
    text=6100620a1b5b33316dff25730de280aec29b5c09
    frame "data=$text"
    adds_bytes "$good" 'data that could do harm, with a zero byte in it' "$frame" "$who $((${#text} / 2)) bytes: a\\x00b\\n\\x1b[31m\\xff%s\\r\\u202e\\u009b\\\\t"
    frame data=0000
    adds_bytes "$good" 'two zero bytes' "$frame" "$who 2 bytes: \\x00\\x00"
    takes

    new_number 0 25
    letter=$((97 + number))
    for number in 65507 65506 2000; do
        # As the frame without data, but for lengths and checksums.
        x=$((number / 2 * (letter * 257) + number % 2 * (letter * 256)))
        checksum "4500$(printf %04x $((28 + number)))000040004011$source$destination"
        header=4500$(printf %04x $((28 + number)))000040004011$checksum$source$destination
        checksum "$source${destination}0011$(printf '%04x%04x%04x' $((8 + number)) $((8 + number)) $(((x & 0xffff) + (x >> 16) & 0xffff)))$sport$dport$(printf %04x $(((x & 0xffff) + (x >> 16) >> 16)))"
        put long "$dmac${smac}0800$header$sport$dport$(printf %04x $((8 + number)))${checksum/0000/ffff}"
        head -c "$number" /dev/zero | tr '\0' "\\$(printf %o "$letter")" >data
        { printf '%s' "$who $number bytes: " && cat data && printf '\n1 frames: 1 good'; } >wanted
        cat data >>long
        sent="a frame with $number bytes of data"
        run_program take long
        wanted_err ''
        wanted_status 0
        head -c "$(wc -c <wanted)" program.out | cmp -s wanted - ||
            complain "$(head -c 80 wanted)... ($(wc -c <wanted) bytes, then the other counts)" "$(head -c 80 program.out)... ($(wc -c <program.out) bytes in all)"
    done
}

# proves: 12 24
@test "hundreds of frames are taken, good and bad, and every file is closed" {
    see='this exercise, "The contract", 12 and 24; "The rules"'
    local i each=() many=() told
    new_ends
    adds_good 'a good one' "x"
    adds_bytes "$short" 'an empty one' '' ''
    adds "$not_ipv4" 'type 86dd' type=86dd
    adds "$bad_header" 'version 5' version=5
    adds "$header_sum" 'a wrong header checksum' header_sum=wrong
    adds "$fragment" 'a fragment' flags=2000
    adds "$not_udp" 'protocol 6' protocol=06
    adds "$bad_length" 'UDP length 7' length=0007
    adds "$udp_sum" 'a wrong UDP checksum' udp_sum=wrong
    for i in {0..8}; do each+=($((257 + 2 * i + RANDOM % 2))); done
    for i in {0..8}; do
        printf -v told "frame-$i %.0s" $(seq "${each[i]}")
        # shellcheck disable=SC2206
        many+=($told)
    done
    last_line "${each[@]}"
    sent="by-hand take FILE..., ${#many[@]} files, and it can have only 40 open at a time"
    ulimit -Sn 40
    run_program take "${many[@]}"
    wanted "the last line: $last" "the last line: ${out##*$'\n'}"
    wanted "$((each[0] + 1)) lines" "$(wc -l <program.out) lines"
    wanted_err ''
    wanted_status 0

    see='this exercise, "The contract", 24'
    last_line 2 0 0 0 0 0 0 0 0
    told=()
    for i in {1..50}; do told+=(.); done
    sent='by-hand take frame-0 nobody . . . frame-0: there is no file "nobody", and "." (50 times) is a directory'
    run_program take frame-0 nobody "${told[@]}" frame-0
    wanted_out "${shown[0]}"$'\n'"${shown[0]}"$'\n'"$last"
    wanted 'on standard error: by-hand: cannot read nobody: No such file or directory' "on standard error: ${err%%$'\n'*}"
    wanted 'the last line on standard error: by-hand: cannot read .: Is a directory' "the last line on standard error: ${err##*$'\n'}"
    wanted_status 1
    sent='by-hand take nobody: there is no file "nobody"'
    last_line 0 0 0 0 0 0 0 0 0
    run_program take nobody
    wanted_out "$last"
    wanted_err 'by-hand: cannot read nobody: No such file or directory'
    wanted_status 1
}

# proves: 25
@test "input that cannot be read, and output that cannot be written, are told: exit 1" {
    see='common/program.h: fail and flush_output'
    local command
    new_ends
    frame data=6869
    put frame "$frame"
    for command in build take; do
        [ "$command" = take ] && set -- take frame || set -- build "${ends[@]}" hi
        sent="by-hand $command ... >/dev/full, where nothing can be written"
        start_into '>/dev/full' "$@"
        program_ends
        wanted_like 'by-hand: [^'$'\n'']*No space left on device[^'$'\n'']*' "$(cat program.err)" 'on standard error: by-hand: cannot write standard output: No space left on device'
        wanted 'exit status 1' "exit status $status"
    done
    program=
    sent='by-hand build ... <., which is a directory, and cannot be read'
    run_program build "${ends[@]}" <.
    nothing_in program.out
    wanted_like 'by-hand: [^'$'\n'']*Is a directory[^'$'\n'']*' "$err" 'on standard error: by-hand: cannot read standard input: Is a directory'
    wanted_status 1
}

# refuses_instead PLACE VALUE: an argument of build is another one.
refuses_instead() {
    local arguments=("${ends[@]}")
    arguments[$1]=$2
    refuses build "${arguments[@]}" hi
}

# proves: 26 27
@test "-h helps; bad arguments are told: exit 2" {
    see='this exercise, "The contract", 27; parse_arguments'
    local bad
    new_ends
    helps
    refuses
    refuses make "${ends[@]}" hi
    refuses take
    refuses take -x frame
    refuses build -x "${ends[@]}" hi
    refuses build "${ends[@]}" hi there
    refuses build "${ends[@]::5}"
    for bad in 02:00:00:00:00:0g 02:00:00:00:00:+a 2:0:0:0:0:a 02:00:00:00:00:0a:0b; do refuses_instead 0 "$bad"; done
    refuses_instead 3 02:00:00:00:00:100
    for bad in 10.77.0 10.77.0.1x; do refuses_instead 1 "$bad"; done
    refuses_instead 4 localhost
    for bad in '' 65536 7788x; do refuses_instead 2 "$bad"; done
    for bad in 0 -1; do refuses_instead 5 "$bad"; done
}
