# Lesson 15: voice. Arguments that every program has: program.bats.
#
# To a group it is sent in virtual LANs alone. That the packets keep to the clock in the long run cannot be tested
# without judging speed; that none comes before its moment can.
#
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2059,SC2154  # scripts for an inner bash are in quotes; helpers and
# bats set the rest; what printf prints are escapes

load helpers

# ------------------------------------ sounds ------------------------------------

# le NUMBER COUNT: so many bytes, the lowest first, as escapes of printf.
le() {
    local number=$1 i
    for ((i = 0; i < $2; i++)); do
        printf '\\x%02x' $((number & 255))
        number=$((number >> 8))
    done
}

# samples COUNT: as in a WAV file; each differs from the others, and its bytes from each other.
samples() {
    printf "$(awk -v count="$1" 'BEGIN { for (; i < count; i++) printf "\\%03o\\%03o", i * 7 % 256, int(i / 256) + 64 }')"
}

# hex: standard input in hexadecimal, in one line.
hex() {
    od -An -v -tx1 | tr -d ' \n'
}

# format [RATE [KIND [CHANNELS [BITS]]]]: the 16 bytes that say so, as escapes.
format() {
    local rate=${1:-16000} kind=${2:-1} channels=${3:-1} bits=${4:-16}
    printf %s "$(le "$kind" 2)" "$(le "$channels" 2)" "$(le "$rate" 4)" "$(le $((rate * channels * bits / 8)) 4)" \
        "$(le $((channels * bits / 8)) 2)" "$(le "$bits" 2)"
}

# head_of SIZE CHUNK...: a WAV file up to its samples, which have SIZE bytes. A CHUNK is its name, and what is in it as
# escapes.
head_of() {
    local size=$1 chunk inside n
    shift
    printf "RIFF$(le 0 4)WAVE"
    for chunk; do
        inside=${chunk:4}
        n=$(printf "$inside" | wc -c)
        printf "${chunk:0:4}$(le "$n" 4)$inside"
        ((n % 2 == 0)) || printf '\0'
    done
    printf "data$(le "$size" 4)"
}

# sound RATE COUNT: writes so many samples into the file sound and, with their head, into sound.wav.
sound() {
    samples "$2" >sound
    { head_of $(($2 * 2)) "fmt $(format "$1")" && cat sound; } >sound.wav
}

# ------------------------------------ packets ------------------------------------

# whole FILE SAMPLES PIECE: the packets in FILE, as a peer prints them, are those of the file with the SAMPLES: PIECE
# in each but the last. Sets $number, $timestamp and $source: those of the first; $from, the port they came from.
whole() {
    local length bytes port all='' packets=0 left
    left=$(($(wc -c <"$2") / 2))
    from='' number='' timestamp='' source=''
    cut -c 1-100 "$1"
    while read -r port length bytes; do
        : "${from:=$port}" "${number:=$((16#${bytes:4:4}))}" "${timestamp:=$((16#${bytes:8:8}))}" "${source:=${bytes:16:8}}"
        # Version 2, no padding, no extension, no list of sources; no marker, type 96 (RFC 3550, section 5.1).
        equal "$from 8060 $(printf '%04x %08x' $((number + packets & 0xffff)) $((timestamp + packets * $3 & 0xffffffff))) $source" \
            "$port ${bytes:0:4} ${bytes:4:4} ${bytes:8:8} ${bytes:16:8}"
        equal $((12 + 2 * (left < $3 ? left : $3))) "$length"
        all+=${bytes:24}
        packets=$((packets + 1)) left=$((left - $3))
    done <"$1"
    equal "$(hex <"$2" | sed 's/\(..\)\(..\)/\2\1/g')" "$all"
    ((left <= 0))
}

# plays FILE.wav [SAMPLES [PIECE]]: voice sends it to a new peer, and ends by itself; those samples have come.
plays() {
    local status=0
    peer other
    timeout 60 "$BUILD/voice" "$1" 127.0.0.1 "$other" >out 2>err || status=$?
    cat out err
    equal 0 "$status"
    stop "$other_pid"
    whole other.out "${2-sound}" "${3-320}"
}

# sums_up PACKETS SECONDS ENDPOINT: what voice has printed.
sums_up() {
    like "sent $1 packets?, ${2/./\\.} s of sound, to $3 in [0-9]+\.[0-9]{2} s, at most [0-9]+\.[0-9] ms late" "$(<out)"
}

@test "voice: each packet has RTP's header, and 20 ms of the samples in network order; the last may have less" {
    sound 16000 3300
    plays sound.wav
    sums_up 11 0.21 "127\.0\.0\.1:$other"
    equal '' "$(<err)"
    first=$source
    sound 8000 1600
    plays sound.wav sound 160
    sums_up 10 0.20 "127\.0\.0\.1:$other"
    [[ $source != "$first" ]] # a random number
}

@test "voice: over IPv6, the same" {
    needs_ipv6
    sound 16000 1600
    peer other ::1
    timeout 60 "$BUILD/voice" sound.wav ::1 "$other" >out
    stop "$other_pid"
    whole other.out sound 320
    sums_up 5 0.10 "\[::1\]:$other"
}

@test "voice: to a broadcast address, too" {
    sound 16000 320
    peer other 0.0.0.0
    timeout 60 "$BUILD/voice" sound.wav 127.255.255.255 "$other" >out
    stop "$other_pid"
    whole other.out sound 320
    sums_up 1 0.02 "127\.255\.255\.255:$other"
}

@test "voice: after the highest number and the highest timestamp comes 0" {
    cat >begin.c <<'END'
#include <string.h>
#include <sys/types.h>
ssize_t getrandom(void *bytes, size_t size, unsigned flags) /* not so random */
{
    (void)flags;
    memset(bytes, 0xff, size);
    return (ssize_t)size;
}
END
    [[ $BUILD != */sanitize-* ]] || skip 'a sanitizer wants to be loaded first'
    ${CC:-cc} -shared -fPIC -o begin.so begin.c 2>/dev/null || skip 'no compiler for a shared library'
    LD_PRELOAD=$PWD/begin.so "$BUILD/echo" -h >/dev/null 2>loader || true
    [[ ! -s loader ]] || skip 'no preloading here'
    sound 16000 700
    peer other
    timeout 60 env LD_PRELOAD="$PWD/begin.so" "$BUILD/voice" sound.wav 127.0.0.1 "$other"
    stop "$other_pid"
    whole other.out sound 320
    equal '65535 4294967295 ffffffff' "$number $timestamp $source"
}

@test "voice: no packet is sent before its moment, and the last sample is waited for" {
    sound 16000 1920
    peer other
    begin=${EPOCHREALTIME/[.,]/}
    start voice "$BUILD/voice" sound.wav 127.0.0.1 "$other"
    for k in {0..5}; do
        await_lines other.out $((k + 1))
        time=$((${EPOCHREALTIME/[.,]/} - begin))
        echo "packet $k came after $time microseconds"
        ((time >= k * 19900)) # two clocks: they may differ a little
    done
    await_exit "$pid"
    time=$((${EPOCHREALTIME/[.,]/} - begin))
    echo "the end came after $time microseconds"
    ((time >= 119400))
}

# feeds COUNT: so many packets of samples go into the pipe from which voice reads.
feeds() {
    samples $((320 * $1)) >&7
}

# plays_a_pipe ADDRESS PORT: starts voice, which reads from a pipe; a head is there, but no samples. $voice is its process.
plays_a_pipe() {
    rm -f pipe
    mkfifo pipe
    exec 7<>pipe
    input=pipe start voice "$BUILD/voice" /dev/stdin "$1" "$2"
    voice=$pid
    head_of 4294967295 "fmt $(format)" >&7 # who sends into a pipe does not know yet how much it will be
}

# numbers: those of the packets that came to the peer, less that of the first.
numbers() {
    local first='' bytes
    while read -r _ _ bytes; do
        : "${first:=$((16#${bytes:4:4}))}"
        echo $((16#${bytes:4:4} - first & 0xffff))
    done <other.out | paste -sd ' '
}

@test "voice: who hears it may come and go: it warns once, and goes on; Ctrl-C ends it while its pipe is silent" {
    free_port
    for signal in INT TERM; do
        plays_a_pipe 127.0.0.1 "$free"
        feeds 2 # the second brings the error of the first
        await voice.err 'cannot send a packet'
        peer other 127.0.0.1 "$free"
        feeds 3
        await_lines other.out 3
        stop "$other_pid"
        equal '0 1 2' "$(numbers)"
        read -r _ _ first <other.out
        feeds 2
        peer other 127.0.0.1 "$free"
        feeds 1
        await other.out " 652 8060$(printf %04x $((16#${first:4:4} + 5 & 0xffff)))"
        stop "$voice" "$signal"
        cat voice.out voice.err
        equal 0 "$status"
        like 'sent [0-9]+ packets, 0\.16 s of sound, to .* ms late; [0-9]+ could not be sent' "$(<voice.out)"
        read -r _ sent _ <voice.out
        [[ $(<voice.out) =~ ([0-9]+)' could not' ]]
        equal 8 $((sent + BASH_REMATCH[1]))
        like "voice: cannot send a packet to 127\.0\.0\.1:$free: Connection refused \(no program has this port: start the player first\)
voice: stopped after $sent datagrams" "$(<voice.err)"
        stop "$other_pid"
    done
}

@test "voice: what comes back to it changes nothing" {
    peer other
    plays_a_pipe 127.0.0.1 "$other"
    feeds 1
    await_lines other.out 1
    read -r from _ first <other.out
    printf "$from %s\n" '' 00 "$first" >other.in
    "$BUILD/probe" flood 127.0.0.1 "$from" 100 1000
    feeds 2
    await_lines other.out 3
    stop "$voice"
    stop "$other_pid"
    equal '0 1 2' "$(numbers)"
    like 'sent 3 packets, 0\.06 s of sound, .* ms late' "$(<voice.out)"
    equal 'voice: stopped after 3 datagrams' "$(<voice.err)"
}

@test "voice: a signal at any moment stops it, and what it counts is what has come" {
    env --default-signal=INT true 2>/dev/null || skip 'this env has no --default-signal'
    sound 16000 160000
    for round in {1..24}; do
        peer other
        start voice env --default-signal=INT "$BUILD/voice" sound.wav 127.0.0.1 "$other"
        while kill -0 "$pid" && [[ $(<"/proc/$pid/comm") != voice ]]; do :; done
        ((round % 4 == 0)) || sleep "0.0$((RANDOM % 6))$((RANDOM % 10))"
        ((round % 2)) && signal=INT || signal=TERM
        stop "$pid" "$signal"
        sent=$status
        stop "$other_pid"
        cat voice.out voice.err
        if [[ -s voice.err ]]; then
            equal 0 "$sent"
            count=$(wc -l <other.out)
            like "sent $count packets?, .* ms late" "$(<voice.out)"
            like "voice: stopped after $count datagrams?" "$(<voice.err)"
        else # it was not ready yet: a signal ended it as it ends any program
            like '1(30|43)' "$sent"
            [[ ! -s voice.out && ! -s other.out ]]
        fi
    done
}

@test "voice: output that cannot be written is an error, exit 1" {
    sound 16000 100
    run timeout 60 bash -c '"$1" sound.wav 127.0.0.1 1 >/dev/full' bash "$BUILD/voice"
    equal 1 "$status"
    equal 'voice: cannot write standard output: No space left on device' "$output"
    run timeout 60 bash -c '"$1" -d sound.wav >/dev/full' bash "$BUILD/voice"
    equal 1 "$status"
    equal 'voice: cannot write standard output: No space left on device' "$output"
}

# -------------------------------------- files --------------------------------------

@test "voice: takes a WAV file with more in it: chunks of odd sizes, longer formats, what is behind the samples" {
    samples 400 >sound
    long="fmt $(format)\x16\0\x10\0\x04\0\0\0$(format 1 1)" # as long as some programs write it
    { head_of 800 'JUNK' 'odd \x41\x42\x43' "fmt $(format)\0\0" 'fact\0\0\0\0' && cat sound && printf 'LIST\x4\0\0\0tune'; } >more.wav
    plays more.wav
    equal '' "$(<err)"
    { head_of 800 "$long" && cat sound; } >long.wav
    plays long.wav
    # Half a sample is none.
    { head_of 801 "fmt $(format)" && cat sound && printf x; } >odd.wav
    plays odd.wav
    equal '' "$(<err)"
    sums_up 2 0.03 "127\.0\.0\.1:$other" # 0.025
}

@test "voice: if samples are missing, it sends those that are there, and says how many are not" {
    samples 400 >sound
    { head_of 1000 "fmt $(format)" && cat sound; } >cut.wav
    plays cut.wav
    equal 'voice: cut.wav ends early: 200 bytes of its samples are missing' "$(<err)"
    samples 0 >sound
    for size in 0 1 100; do
        head_of "$size" "fmt $(format)" >empty.wav
        plays empty.wav
        sums_up 0 0.00 "127\.0\.0\.1:$other"
        if ((size == 100)); then
            equal 'voice: empty.wav ends early: 100 bytes of its samples are missing' "$(<err)"
        else
            equal '' "$(<err)"
        fi
    done
}

@test "voice: a pipe may bring the file in pieces, and need not know how long it will be" {
    samples 400 >sound
    mkfifo pipe
    peer other
    start voice "$BUILD/voice" pipe 127.0.0.1 "$other"
    exec 7>pipe
    { head_of 4294967295 "fmt $(format)" && cat sound; } >all.wav
    for ((i = 0; i < 47; i++)); do tail -c "+$((i + 1))" all.wav | head -c 1 >&7; done
    tail -c +48 all.wav >&7
    exec 7>&-
    await_exit "$pid"
    equal 0 "$status"
    equal '' "$(<voice.err)"
    stop "$other_pid"
    whole other.out sound 320
}

# refuses MESSAGE FILE: exit 1 with this message; nothing was sent to the peer `other`.
refuses() {
    local status=0
    timeout 60 "$BUILD/voice" "$2" 127.0.0.1 "$other" >out 2>err || status=$?
    cat out err
    equal 1 "$status"
    equal '' "$(<out)"
    like "voice: $1" "$(<err)"
}

@test "voice: a file that it cannot use is an error that says why, exit 1, and nothing is sent" {
    sound 16000 100
    peer other
    need='\(needed: kind 1, 1 channel, 8000 or 16000 samples a second, 16 bits\)'
    while IFS=, read -r rate kind channels bits; do
        { head_of 200 "fmt $(format "$rate" "$kind" "$channels" "$bits")" && cat sound; } >bad.wav
        refuses "cannot use bad\.wav: kind $kind, $channels channels, $rate samples a second, $bits bits $need" bad.wav
    done <<'END'
16000,65534,1,16
16000,1,2,16
44100,1,1,16
0,1,1,16
8000,1,1,8
END
    # The head is cut anywhere; the format is too short; it comes behind the samples.
    for ((size = 0; size < 44; size++)); do
        head -c "$size" sound.wav >bad.wav
        if ((size < 12)); then
            refuses 'bad\.wav is not a WAV file' bad.wav
        else
            refuses 'cannot find the samples of bad\.wav' bad.wav
        fi
    done
    format=$(format)
    { head_of 200 "fmt ${format%????????}" && cat sound; } >bad.wav
    refuses 'cannot find the samples of bad\.wav' bad.wav
    { head_of 200 && cat sound && printf "fmt $(le 16 4)$(format)"; } >bad.wav
    refuses 'cannot find the samples of bad\.wav' bad.wav
    tr RW WR <sound.wav >bad.wav
    refuses 'bad\.wav is not a WAV file' bad.wav
    refuses '/dev/zero is not a WAV file' /dev/zero
    refuses 'cannot read \.: Is a directory' .
    refuses 'cannot open no-such: No such file or directory' no-such
    stop "$other_pid"
    equal '' "$(<other.out)"
}

@test "voice: make has written a tune, which is whole" {
    cp "$BUILD/tune.wav" .
    size=$(($(wc -c <tune.wav) - 44))
    { head_of $size "fmt $(format)" | tail -c +9; } | cmp -n 36 - <(tail -c +9 tune.wav)
    equal "$(printf "$(le $((size + 36)) 4)" | hex)" "$(head -c 8 tune.wav | tail -c 4 | hex)"
    ((size >= 100000))
}

# ------------------------------------ the description ------------------------------------

# describes HOST LINE: so voice describes what it sends there.
describes() {
    printf '%s\r\n' v=0 'o=- 0 0 IN IP4 127.0.0.1' s=voice "$2" 't=0 0' "m=audio ${port-5004} RTP/AVP 96" \
        "a=rtpmap:96 L16/${rate-16000}" a=ptime:20 | diff - <("$BUILD/voice" -d sound.wav "$1" ${port+"$port"})
}

@test "voice: -d prints the description, and sends nothing" {
    sound 16000 100
    peer other
    port=$other describes 127.0.0.1 'c=IN IP4 127.0.0.1'
    stop "$other_pid"
    equal '' "$(<other.out)"
    unset port
    describes 127.255.255.255 'c=IN IP4 127.255.255.255'
    describes ::ffff:127.0.0.1 'c=IN IP4 127.0.0.1'
    describes ::1 'c=IN IP6 ::1'
    # Groups, to which nothing is sent. Over IPv4, the number of hops is part of it (RFC 8866, section 5.7); an
    # interface never is: it is another at the other end.
    describes 239.1.2.3 'c=IN IP4 239.1.2.3/1'
    describes ff15::1 'c=IN IP6 ff15::1'
    describes ff12::1%lo 'c=IN IP6 ff12::1'
    sound 8000 100
    rate=8000 describes 127.0.0.1 'c=IN IP4 127.0.0.1'
}

# ------------------------------------ in a LAN ------------------------------------

lan_functions='
    mkfifo silence
    exec 7<>silence
    for host in 2 3; do on "$host" ip route add 239.0.0.0/8 dev eth0; done # for who joins there

    # hears NAME HOST ADDRESS: somebody there prints what comes to port 5004, into NAME; its process is $pid.
    hears() {
        input=silence start "$1" "$2" probe hex "$3" 5004
    }

    # ends NAME: what has come is there, all of it.
    ends() {
        until [ "$(wc -l <"$1")" -eq 3 ]; do sleep 0.01; done
        kill "$pid"
        wait "$pid" # the next one may want its port
    }
    '

@test "voice: to a group, with -i or by the route; to a broadcast address" {
    sound 16000 700
    in_lan '
        hears one 2 239.1.2.3
        voice -i eth0 sound.wav 239.1.2.3
        ends one
        ip route add 239.0.0.0/8 dev eth0
        hears two 2 239.1.2.3
        voice sound.wav 239.1.2.3
        ends two
        hears three 3 0.0.0.0
        voice sound.wav 10.77.0.255
        ends three'
    for name in one two three; do
        whole "$name" sound 320
    done
}

@test "voice: to a group of IPv6; one of a link needs an interface" {
    needs_ipv6
    sound 16000 700
    in_lan '
        hears one 2 ff15::1
        voice -i eth0 sound.wav ff15::1
        ends one
        hears two 2 ff12::1%eth0
        voice -i eth0 sound.wav ff12::1
        ends two
        hears three 2 ff12::1%eth0
        voice sound.wav ff12::1%eth0
        ends three
        voice sound.wav ff12::1 || echo "exit $?"'
    for name in one two three; do
        whole "$name" sound 320
    done
    equal 'voice: cannot connect to [ff12::1]:5004: Invalid argument (it needs an interface, as in ff12::1%eth0)
exit 1' "$(tail -n 2 <<<"$output")"
}

@test "voice: an error says what is wrong and what to try, exit 1" {
    sound 16000 320
    in_lan '
        try() {
            voice "$@" && exit
            echo "exit $?"
        }
        try sound.wav 239.1.2.3
        try -i no-such sound.wav 239.1.2.3'
    equal 'voice: cannot connect to 239.1.2.3:5004: REASON (no route leads to this group: see `ip route`)
exit 1
voice: cannot find the interface no-such: REASON (`ip link` lists them)
exit 1' "$(sed -E 's/: [A-Z][a-z ]+ \(/: REASON (/' <<<"$output")"
}

@test "voice: a player hears it: ffmpeg, with the description; the samples are the very same" {
    command -v ffmpeg >/dev/null || skip 'no ffmpeg here'
    sound 16000 3200
    in_lan '
        ip route add 239.0.0.0/8 dev eth0 # where ffmpeg joins
        for host in 127.0.0.1 239.1.2.3; do
            voice -d sound.wav "$host" >description
            ffmpeg -nostdin -v error -protocol_whitelist file,udp,rtp -i description -f s16le -flush_packets 1 -y heard & pid=$!
            # It binds to port 5004, joins the group, and then binds to 5005, for RTCP.
            until grep -q ":138D" /proc/net/udp; do sleep 0.01; done
            voice sound.wav "$host"
            until cmp -s sound heard; do sleep 0.01; done
            kill -KILL "$pid" # it would wait for more
            wait "$pid" || true
            rm heard
        done'
}
