# The checks of exercise 17, jitter: each proves sentences of the contract in its README.md. The peer ann sends a stream;
# the desk is told when all has been sent.
#
# shellcheck disable=SC2030,SC2031,SC2034,SC2128,SC2153,SC2154  # checks.bash uses what is set here, and sets the peers' ports

load ../checks

KILOBYTES=4000 # for a file that becomes too long
head=8060      # what packets begin with, in hexadecimal
extra=         # what comes behind their header, and
tail=          # behind their samples
rate=16000
delay=40
files=0

# a_stream: begins a stream: its SOURCE, its first NUMBER and TIMESTAMP, and its samples are new.
a_stream() {
    printf -v source '%04x%03xe' "$((RANDOM * 2))" "$((RANDOM % 4096))"
    own=$source
    new_number 0 65535
    first=$number
    stamp=$((first * 65536 + RANDOM))
    new_number 0 65534
    salt=$number
    sent=''
}

# plays [ARGUMENT...]: starts the program, which writes $sound; $served is its port.
plays() {
    sound=sound$((++files)).wav
    serve_program "$@" 0 "$sound"
    served=$port
    sent="jitter${*:+ $*} 0 FILE"
}

# told TEXT: adds it to what was sent.
told() {
    sent+="${sent:+$'\n'}$1"
}

# packets NAME PACKET...: the peer NAME sends these. A packet is NUMBER, NUMBER@PLACE or NUMBER@PLACE+COUNT: number
# and place are counted from those of the first packet; it has COUNT samples (40), and its place is 40 * NUMBER. No
# sample is 0; each has a value that tells its place.
packets() {
    local name=$1 i full=()
    shift
    for i; do
        [[ $i == *@* ]] || i+=@$((40 * i))
        [[ $i == *+* ]] || i+=+40
        full+=("$i")
    done
    printf '%s\n' "${full[@]}" | awk -F '[@+]' -v port="$served" -v head="$head" -v extra="$extra" -v tail="$tail" -v first="$first" \
        -v stamp="$stamp" -v source="$source" -v salt="$salt" '{
            time = (stamp + $2 + 4294967296) % 4294967296
            printf "%d %s%04x%04x%04x%s%s", port, head, (first + $1 + 131072) % 65536, int(time / 65536), time % 65536, source, extra
            for (i = $2; i < $2 + $3; i++) printf "%04x", ((i * 40503 + salt) % 65535 + 65535) % 65535 + 1
            print tail
        }' >"$name.in"
    [ $# -le 20 ] || full=("${full[@]:0:6}" "and so on to ${full[-1]}")
    told "$name: ${full[*]}${extra:+, with ${extra::40} behind the header}${tail:+, with ${tail:${#tail} > 40 ? ${#tail} - 40 : 0} at the end}"
    [ "$head" = 8060 ] || sent+=", beginning with the bytes $head"
    [ "$source" = "$own" ] || sent+=', from another SOURCE'
}

# says PLAYED LOST LATE DOUBLED BAD SAMPLES: the program has ended, and this is its line.
says() {
    local line cut rounded
    printf -v cut '%d.%02d' $(($6 / rate)) $(($6 * 100 / rate % 100))
    printf -v rounded '%d.%02d' $((($6 * 200 + rate) / (2 * rate) / 100)) $((($6 * 200 + rate) / (2 * rate) % 100))
    line="on standard output: played $1 of $(($1 + $2 + $3)) packets: $2 lost, $3 late, $4 doubled, $5 bad;"
    slurp program.out
    [[ $content != *" $rounded s, delay "* ]] || cut=$rounded
    wanted "$line $cut s, delay $delay ms" "on standard output: ${content%$'\n'}"
    [[ $content == *$'\n' ]] || complain 'a newline at the end of standard output' 'none'
}

# sounds RANGE...: the file has these samples, such as 0-39, and between them silence.
sounds() {
    local range next=0 ranges=
    for range; do
        ((next == ${range%-*})) || ranges+=$'\n'"$next to $((${range%-*} - 1)): silence"
        ranges+=$'\n'"${range%-*} to ${range#*-}: as sent"
        next=$((${range#*-} + 1))
    done
    [ -e "$sound" ] || complain 'FILE' 'there is none'
    see='this exercise, "A WAV file"' wanted "in FILE: \"RIFF\" $((2 * next + 36)) \"WAVE\" \"fmt \" 16 1 1 $rate $((2 * rate)) 2 16 \"data\" $((2 * next))$ranges" "$(od -An -v -tu1 "$sound" | awk -v salt="$salt" '
        function text(at) { return sprintf("\"%c%c%c%c\"", head[at], head[at + 1], head[at + 2], head[at + 3]) }
        function number(at, n, sum) { for (sum = 0; n-- > 0;) sum = sum * 256 + head[at + n]; return sum }
        function flush_range() { if (from < place) print from + 0 " to " place - 1 ": " kind; from = place }
        function show_header() {
            printf "in FILE: %s %.0f %s %s %.0f %d %d %.0f %.0f %d %d %s %.0f\n", text(0), number(4, 4), text(8), text(12), number(16, 4),
                number(20, 2), number(22, 2), number(24, 4), number(28, 4), number(32, 2), number(34, 2), text(36), number(40, 4)
        }
        {
            for (i = 1; i <= NF; i++) {
                if (n < 44) { head[n++] = $i; if (n == 44) show_header(); continue }
                if (n++ % 2 == 0) { low = $i; continue }
                sample = low + 256 * $i; right = (place * 40503 + salt) % 65535 + 1
                now = sample == right ? "as sent" : sample == 0 ? "silence" : kind ~ /^other/ ? kind : sprintf("other samples, the first is %d and not %d", sample, right)
                if (now != kind) { flush_range(); kind = now }
                place++
            }
        }
        END {
            if (n < 44) print "in FILE: " n + 0 " bytes"
            flush_range()
            if (n % 2) print "and one more byte"
        }')"
}

# stopped SIGNAL PLAYED LOST LATE DOUBLED BAD RANGE...: stops the program; this is the line, and this is in the file.
stopped() {
    local signal=$1 last=${*: -1}
    stop_program "${signal#INT}"
    says "${@:2:5}" $(($# < 7 ? 0 : ${last#*-} + 1))
    sounds "${@:7}"
}

# proves: 3 4 7 8 12 13 14 15 16 17 18 19 23 24 26
@test "the samples are in FILE at their places, in whatever order they come; in the gaps is silence" {
    see='this exercise, "The contract"'
    local all range i delay=10000
    peer ann
    peer desk
    a_stream
    plays -d 10000
    packets ann 0 1 2 3
    settled ann
    nothing_in program.out
    stopped INT 4 0 0 0 0 0-159
    a_stream
    seq 10000 >"sound$((files + 1)).wav"
    plays -d 10000
    ! grep -qs 10000 "$sound" || complain 'a FILE that is emptied before it says "bound to"' 'the old FILE is still there'
    mapfile -t all < <({ seq 6; seq 8 19; seq 22 40; } | shuf)
    packets ann 0 "${all[@]}"
    settled ann
    packets ann "${all[5]}" "${all[5]}" 40
    settled ann
    stopped TERM 38 3 0 3 0 0-279 320-799 880-1639
    a_stream
    plays -d 10000
    stopped INT 0 0 0 0 0
    a_stream
    rate=8000
    plays -d 10000 -r 8000
    packets ann 0@0+1 4@900+300 1@1+320
    head=80e0 packets ann 2@400+2 # the marker
    salt=$(((salt + 1) % 65535)) packets ann 2@401+40 0@2000+3 4@900+300 # the same numbers, with other samples
    settled ann
    stopped INT 4 1 0 3 0 0-320 400-401 900-1199
    a_stream
    delay=0
    plays -d 0 -r 8000 # 2 without a gap, of the same place as nothing else; sizes up to the largest
    packets ann 0@0+160 1@8000+32747
    settled ann
    packets ann 2@40747+1
    settled ann
    stopped INT 3 0 0 0 0 0-159 8000-40747
}

# proves: 5 6 7 8 10 13
@test "numbers and timestamps go on behind the highest; those before the first packet are late" {
    see='this exercise, "Numbers that begin again at 0"'
    local delay=10000
    peer ann
    peer desk
    a_stream
    first=65534 stamp=$((0xffffff80))
    plays -d 10000
    packets ann 0 1 3 2 4 7 6 8 2 1 0 6
    settled ann
    stopped INT 8 1 0 4 0 0-199 240-359
    a_stream
    first=1 stamp=39
    plays -d 10000
    packets ann 0 -1 3 -3 -1 1 0 # -1 is 0; -3 is 65534, and its timestamp 4294967215
    packets ann -2@-10+60
    settled ann
    stopped TERM 3 1 3 2 0 0-79 120-159
    a_stream
    first=32760 stamp=$((0x7ffffff0)) source=00000000 own=00000000
    plays -d 10000
    packets ann 0 10 1 -5 10 -5 9@360+40
    settled ann
    stopped INT 4 11 1 2 0 0-79 360-439
    a_stream # more than 65536 numbers
    plays -d 10000
    packets ann 0 30000@40 60000@80 65000@120 65536@160 65536@160 65535@200 65537@240 60000@80 90000@280 65538@320
    settled ann
    packets ann 90000@280 57233@360 65536@160 122767@400 95536@440 # where 30000 was
    settled ann
    stopped INT 12 122756 0 4 0 0-479
    a_stream # so far away from the highest: behind it
    plays -d 10000
    packets ann 0 10@40 32770@80 32777@120 11@160 65545@200 32778@240 # 65545 is 9
    settled ann
    stopped INT 7 32772 0 0 0 0-279
    a_stream # 65536 is 0, which came before
    plays -d 10000
    packets ann 0 32767@40 65534@80 65535@120 65538@160 65536@200
    settled ann
    stopped INT 6 65533 0 0 0 0-239
}

# bad [SAMPLES]: ann sends a packet that is bad, with as many samples (40), as $head, $extra and $tail say. Each has a
# number and a place of its own, so that one which is played can be told.
bad() {
    bads=$((bads + 1))
    packets ann $((20 + bads))@$((800 + 40 * bads))+"${1-40}"
    described[bads]=${sent##*$'\n'}
    ((bads % 20 != 0)) || settled ann
}

# proves: 4 5 12 13 26
@test "a packet is read as RTP says: sources, an extension, padding; what does not fit is bad" {
    see='this exercise, "A packet of RTP"'
    local delay=10000 one bads=0 described=() before=0 zeros place
    peer ann
    peer desk
    peer bob
    printf -v zeros '%02048d' 0
    a_stream
    plays -d 10000
    packets ann 0
    head=8160 extra=11111111 packets ann 1
    head=8f60 extra=${zeros:0:120} packets ann 2
    head=9060 extra=beef0000 packets ann 3
    head=9060 extra=00000003111111112222222233333333 packets ann 4
    head=9060 extra=00000100$zeros packets ann 5                # a length of two bytes
    head=a060 tail=000000000006 packets ann 6
    head=a060 tail=01 packets ann 7                             # an odd number of bytes
    head=a060 tail=${zeros:0:506}fe packets ann 8
    head=b260 extra=aaaaaaaabbbbbbbb00000001cccccccc tail=00000004 packets ann 9
    head=80e0 packets ann 10
    packets ann 11@440+1
    settled ann
    packets bob 12@441 # from another endpoint: the SOURCE alone tells
    settled bob
    stopped INT 13 0 0 0 0 0-480

    a_stream
    plays -d 10000
    for one in '' 80 "8060${zeros:0:18}" "8060${zeros:0:20}" "8060${zeros:0:20}ee" "0060${zeros:0:20}01010101"; do # they begin no stream
        echo "$served $one" >bob.in
        told "bob: ${one:-(nothing)} (hexadecimal)"
        before=$((before + 1))
    done
    settled bob
    packets ann 0
    settled ann
    for one in 0060 4060 c060 8061 8068 805f 8040 8020 8000 80c8 80c9 80ff; do
        head=$one bad
    done
    bad 0
    tail=11 bad
    tail=11 bad 0
    # The list of sources is cut, or there is nothing else.
    head=8160 bad 0
    head=8160 bad 1
    head=8160 extra=111111 bad 0
    head=8160 extra=11111111 bad 0
    head=8f60 bad 29
    head=8f60 bad 30
    # The extension.
    head=9060 bad 0
    for one in 00 0000 000000 00000000 0000000111 00000001111111 0000000111111111; do
        head=9060 extra=$one bad 0
    done
    head=9060 extra=0000ffff bad
    head=9060 extra=00008000 bad
    head=9160 extra=0000000000000001 bad 1
    # The padding.
    for one in '' 00 0000 01 02 0002 0001 000000 0c ff; do
        head=a060 tail=$one bad 0
    done
    head=a060 tail=0000 bad # it counts itself, too
    head=a060 tail=0002 bad 0
    head=a060 tail=0052 bad # all
    head=a060 tail=0053 bad # and more
    head=a060 tail=005e bad
    head=a060 tail=00ff bad
    head=a060 tail=0051 bad # one byte is left
    head=a060 tail=0003 bad # an odd number of bytes is left
    head=b160 extra=0000000000000000 tail=08 bad 0
    # Those of other sources.
    for one in 1 0x100 0x10000 0x80000000; do
        source=$(printf %08x $((16#$own ^ one))) bad
    done
    # Their numbers do not count.
    packets ann 3
    source=00000000 packets ann 0
    source=00000000 packets ann 1
    head=8061 packets ann 2
    before=$((before + 3))
    packets ann 1 2
    settled ann
    stop_program
    place=$(od -An -v -tu1 -w2 -j $((44 + 2 * 800)) "$sound" 2>/dev/null | awk '$1 + $2 > 0 { print NR - 1; exit }' || true)
    if [ -n "$place" ]; then
        sent=${described[place / 40]-}
        complain 'a bad packet, which is not used' 'it was played'
    fi
    says 4 0 0 0 $((before + bads)) 160
    sounds 0-159
}

# starts_clock: ann sends the first packet, of one sample, so that the next place is near. The program has taken it after $before and before $after.
starts_clock() {
    milliseconds
    before=$moment
    packets ann 0@0+1
    settled ann
    milliseconds
    after=$((moment + 1))
}

# passes MILLISECONDS: waits until the moment that is so long after the first packet has passed.
passes() {
    milliseconds
    while ((moment <= after + $1)); do
        wait_for $((after + $1 - moment + 1))
        milliseconds
    done
    told "$1 milliseconds after the first packet:"
}

# in_time MILLISECONDS PACKET...: ann sends these before the moment that is so long after the first packet. If that
# is not certain, $busy is set.
in_time() {
    local limit=$1
    shift
    packets ann "$@"
    settled ann
    milliseconds
    ((moment < before + limit)) || busy=yes
}

# proves: 7 10 11 12 13 17 19
@test "a packet that comes after its moment is late; the delay makes the moment later" {
    see='this exercise, "The moment", and "The contract", 10 to 12'
    local scale busy before after moment
    peer ann
    peer desk
    for scale in 1 2 4 8 16; do # again, and slower, if the machine was busy
        busy='' delay=$((120 * scale))
        a_stream
        plays -d "$delay"
        starts_clock
        passes $((60 * scale))
        in_time "$delay" 1@1+40 # because of the delay
        passes $((delay + 5))
        packets ann 2@2+39 1@1+40 2@41+1 -1 # late, doubled, doubled, late
        in_time $((delay + 400 * scale)) 3@$((6400 * scale))+40
        passes $((delay + 60 * scale + 5))
        packets ann 4@$((960 * scale))+1600 # the moment is that of its first sample
        settled ann
        [ -n "$busy" ] || break
        stop_program
    done
    stopped INT 3 0 3 2 0 0-40 $((6400 * scale))-$((6400 * scale + 39))
}

# proves: 11 12 16 19 23 24
@test "a place is so many seconds as RATE says; the delay may be 0, and is 40 if it is left out" {
    see='this exercise, "The moment", and "The contract", 11 and 19'
    local scale busy before after moment
    peer ann
    peer desk
    a_stream
    plays
    starts_clock
    passes 45
    packets ann 1@1+40
    settled ann
    stopped INT 1 0 1 0 0 0-0
    rate=8000 delay=0
    for scale in 1 2 4 8 16; do # again, and slower, if the machine was busy
        busy=''
        a_stream
        plays -d 0 -r 8000
        starts_clock
        passes 5
        packets ann 1@1+40 # late
        passes $((100 * scale + 5))
        in_time $((200 * scale)) 2@$((1600 * scale))+40
        passes $((200 * scale + 5))
        packets ann 3@$((1599 * scale))+40 # late
        settled ann
        [ -n "$busy" ] || break
        stop_program
    done
    stopped TERM 2 0 2 0 0 0-0 $((1600 * scale))-$((1600 * scale + 39))
}

# proves: 4 7 9 10 12 13
@test "a packet that is more than 10 seconds early is bad" {
    see='this exercise, "The contract", 9'
    local try busy before after moment
    peer ann
    peer desk
    rate=8000 delay=10000
    for try in 1 2 3 4 5; do # again if the machine was busy
        busy=''
        a_stream
        plays -d 10000 -r 8000
        starts_clock
        in_time 700 1@79200+40 900@86000+40 901@80000000+40 902@2147483000+40 # 9.9 seconds; the others are bad
        passes 220
        packets ann 3@120+40 2@81600+40 # 10.2 seconds
        settled ann
        [ -n "$busy" ] || break
        stop_program
    done
    packets ann 900@80+40     # its number has not come before
    packets ann 2@80000000+40 # bad, also if its number has come before
    packets ann 4@-90000+40   # late, however long before the first
    settled ann
    stopped INT 5 895 1 0 4 0-0 80-159 79200-79239 81600-81639
}

# ends_by_itself BEGIN MICROSECONDS: the program ends, and not earlier than so long after BEGIN. Sets $took to when that was.
ends_by_itself() {
    local long='2 seconds' NAPS=300 # whatever came before
    program_ends 0
    took=$((${EPOCHREALTIME/[.,]/} - $1))
    ((took >= $2)) || complain "an end not before $(($2 / 1000)) milliseconds" "after $((took / 1000))"
}

# proves: 20 21 22 23
@test "with -w it ends when no packet of the stream has come for so long; without it, it goes on" {
    see='lesson 2, "Read the program", step 5: a deadline is a moment'
    local begin try packet milliseconds seconds took naps=0 delay=0 quiet quiet_begin
    peer ann
    peer desk
    start program "$PROGRAM" -d 0 0 quiet.wav # see the end
    quiet=$pid program=$pid
    is_bound
    served=$port
    a_stream
    packets ann 0
    sent_by ann
    quiet_begin=${EPOCHREALTIME/[.,]/}
    for try in 1 2 3 4 5; do # again, if the machine was busy
        begin=${EPOCHREALTIME/[.,]/}
        a_stream
        delay=1000
        plays -d 1000 -w 0.2
        ends_by_itself "$begin" 200000
        says 0 0 0 0 0 0
        sounds
        ((took >= 400000)) || break
    done
    delay=0
    ((took < 400000)) || complain 'an end after 200 milliseconds' "after $((took / 1000))"
    for milliseconds in 100 200 400 800 1600; do # again, and slower, if the machine was busy
        printf -v seconds '%d.%03d' $((milliseconds / 1000)) $((milliseconds % 1000))
        a_stream
        plays -d 0 -w "$seconds"
        for packet in 0 1@1+40 1@1+40 2@144000+40 -1; do # played, late, doubled, played, late
            packets ann "$packet"
            wait_for $((milliseconds * 6 / 10))
        done
        told "there was a pause of $((milliseconds * 6 / 10)) milliseconds after each of them"
        packets ann 3@144040+40
        program_ends 0
        slurp program.out
        [[ $content != 'played 3 '* ]] || break
    done
    says 3 0 2 1 0 144080
    sounds 0-39 144000-144079

    for packet in '' 0; do
        a_stream
        begin=${EPOCHREALTIME/[.,]/}
        plays -d 0 -w 0.2
        [ -z "$packet" ] || packets ann "$packet"
        told 'then without a pause what is bad' # of another type, or of another source
        while running; do
            printf "$served %s\n" 78 "806$((${#packet} == 0))$(printf %04x "$first")0000000000000000eeee" \
                ${packet:+"8060ffff$(printf %08x $(((stamp + 900000000) % 4294967296)))${source}eeee"} >ann.in
            keep_waiting || complain 'an end after 0.2 seconds' "in $long, none"
        done
        ends_by_itself "$begin" 200000
    done

    program=$quiet sent='a packet, then nothing, for a second, without -w'
    while ((${EPOCHREALTIME/[.,]/} < quiet_begin + 1060000)); do nap; done
    running || complain 'it goes on' 'it has ended'
}

# proves: 1 20 22 23 25 28 29
@test "it sleeps while nothing comes; Ctrl-C or SIGTERM ends it, and so does what cannot be written" {
    see='lesson 4, "Read the program"'
    local delay=0 count
    peer ann
    peer desk
    a_stream
    plays -d 0
    packets ann 0
    settled ann
    packets ann 1@1+40 0
    echo "$served ee" >ann.in
    settled ann
    is_not_woken
    stopped TERM 1 0 1 1 1 0-39
    a_stream
    plays -d 0 -w 1000
    packets ann 0
    settled ann
    is_not_woken
    stopped INT 1 0 0 0 0 0-39

    see='this exercise, "The contract", 28'
    for count in 0 1; do
        a_stream
        start_program -d 0 0 /dev/full
        sent="FILE is /dev/full, where nothing can be written; $count packets"
        program_writes program.err 1 'a line on standard error'
        if take_port program.err; then # else it has found out at once
            served=$port
            ((count == 0)) || packets ann 0
            sent_by ann
            taken "$served" || true
            signal_program INT
        fi
        program_ends
        wanted_like 'jitter: cannot write /dev/full: [^'$'\n'']*' "$(tail -n 1 program.err)" \
            'on standard error: jitter: cannot write /dev/full: No space left on device'
        wanted 'exit status 1' "exit status $status"
    done
    see='common/program.h: flush_output'
    start_into '>/dev/full' -d 0 0 sound.wav
    is_bound
    sent='standard output is /dev/full, where nothing can be written; then Ctrl-C'
    signal_program INT
    program_ends
    wanted_like 'jitter: cannot write standard output(: No space left on device)?' "$(tail -n 1 program.err)" \
        'on standard error: jitter: cannot write standard output: No space left on device'
    wanted 'exit status 1' "exit status $status"
}

# proves: 4 7 11 13 27
@test "it needs no more memory for many packets that it does not use" {
    see='this exercise, "The contract", 27'
    local before part i delay=0 large
    steady_memory
    peer ann
    peer desk
    a_stream
    plays -d 0
    starts_clock
    passes 5
    packets ann 1@1+40 # late
    printf -v large '%02000d' 0
    before=0
    for part in 1 2 3 4 5 6 7; do
        # Late ones with new numbers, doubled ones, bad ones.
        # shellcheck disable=SC2046
        tail=$large packets ann $(seq -f '%.0f@2+4' $((part * 30)) $((part * 30 + 29)))
        tail=$large packets ann 0@0+4 1@1+4 0@0+4 1@1+4 0@0+4 1@1+4 0@0+4 1@1+4 0@0+4 1@1+4 0@0+4 1@1+4 0@0+4 1@1+4 0@0+4 1@1+4
        settled ann
        for i in {1..30}; do echo "$served 8061$large"; done >ann.in
        settled ann
        ((part != 1)) || before=$(memory "$program")
    done
    sent='210 late packets, 112 doubled ones and 210 bad ones, of 1000 bytes each'
    after=$(memory "$program")
    ((after < before + 100)) || complain 'the memory does not grow' "it grows from $before to $after kilobytes"
    stopped INT 1 28 211 112 210 0-0
}

# replay: how to meet the network of this check again.
replay() {
    echo "to meet the same network again, in three terminals (Ctrl-C ends jitter):
  build/exercises/jitter -d 10000 5004 build/sound.wav
  build/lossy -s $seed -l 10 -d 5 -r 20 -c 0 -t 10-60 127.0.0.1 5004 7789
  build/voice build/tune.wav 127.0.0.1 7789"
}

# proves: 6 7 8 13 14 15 30
@test "through a network that loses, doubles, reorders and delays, each sample is at its place" {
    see='lesson 11; this exercise, "The contract"'
    local seed relay wait lossy_pid played lost doubled ranges delay=10000
    peer ann
    peer desk
    for wait in 200 400 800 1600; do # again, and slower, if the machine was busy
        new_number 1 999999
        seed=$number
        a_stream
        plays -d 10000
        start lossy "$BUILD/lossy" -s "$seed" -l 10 -d 5 -r 20 -c 0 -t 10-60 -b 127.0.0.1 127.0.0.1 "$served" 0
        lossy_pid=$pid
        await lossy.err 'bound to'
        take_port lossy.err
        packets ann 0 # not through it: then it is certain which one comes first
        settled ann
        relay=$served served=$port
        # shellcheck disable=SC2046
        packets ann $(seq 60)
        await_lines lossy.out 60
        # shellcheck disable=SC2046
        packets ann $(seq 61 119)
        await_lines lossy.out 119
        served=$relay
        wait_for "$wait" # so long the last one is on its way, and longer
        kill -TERM "$lossy_pid"
        await_exit "$lossy_pid" >/dev/null
        slurp lossy.err
        [[ $content == *'on their way'* ]] || break
        stop_program
    done
    settled # of lossy, nothing is on its way
    # What it has passed on, as it says.
    read -r played lost doubled ranges < <(awk '
        BEGIN { from = 0; last = 0 }
        {
            number = substr($1, 2) + 0
            if (/ lost/) next
            passed++
            doubled += / again/
            if (number != last + 1) { ranges = ranges " " from * 40 "-" last * 40 + 39; from = number }
            last = number
        }
        END { print passed + 1, last - passed, doubled + 0, ranges " " from * 40 "-" last * 40 + 39 }' lossy.out)
    sent=$(replay)
    stop_program
    sent=$(replay)
    says "$played" "$lost" 0 "$doubled" 0 $((${ranges##*-} + 1))
    # shellcheck disable=SC2086
    sounds $ranges
}

# proves: 1 5 26
@test "over IPv6 it does the same, and with -b :: over both" {
    see='lesson 3, "Read the program", step 2'
    local delay=10000
    needs_ipv6
    peer ann ::1
    peer desk ::1
    a_stream
    plays -b ::1 -d 10000
    packets ann 0@0+32757 1@32757+1
    settled ann
    stopped INT 2 0 0 0 0 0-32757
    a_stream
    plays -b :: -d 10000
    packets ann 0
    settled ann
    rm -f desk.*
    desk_heard=0
    peer desk
    peer bob
    packets bob 1
    settled bob
    stopped INT 2 0 0 0 0 0-79
}

# proves: 1 2 3 19 31 32
@test "-h helps; where it is bound, and what cannot be right, is told" {
    see='"The contract of every program", in docs/helper.md; parse_arguments; lesson 3, "Read the program", step 2'
    local bad delay=0
    helps
    refuses
    refuses 0
    refuses 0 new.wav more
    refuses -x 0 new.wav
    for bad in 65536 5004x; do refuses "$bad" new.wav; done
    refuses -w 0 0 new.wav
    for bad in '' -1 10001 1.5 40x 4294967336; do refuses -d "$bad" 0 new.wav; done
    for bad in '' 8001 8000x; do refuses -r "$bad" 0 new.wav; done
    [ ! -e new.wav ] || complain 'no FILE, since the arguments are not right' 'it was created'
    peer other
    echo old >old.wav
    sent="a port that is somebody else's: $other; FILE has the line \"old\""
    run_program -b 127.0.0.1 "$other" old.wav
    wanted_like "jitter: cannot bind to 127\.0\.0\.1:$other: [^"$'\n'"]*" "$err" \
        "on standard error: jitter: cannot bind to 127.0.0.1:$other: and why"
    wanted 'in FILE: old' "in FILE: $(cat old.wav)"
    wanted_out ''
    wanted_status 1
    sent='FILE is no/new.wav, and there is no directory no'
    run_program 0 no/new.wav
    wanted_like 'jitter: cannot create no/new\.wav: [^'$'\n'']*' "$err" \
        'on standard error: jitter: cannot create no/new.wav: No such file or directory'
    wanted_out ''
    wanted_status 1
    a_stream
    plays -r 16000 -d 0
    wanted_like "jitter: bound to 0\.0\.0\.0:[1-9][0-9]*" "$(cat program.err)" \
        "on standard error: jitter: bound to 0.0.0.0:PORT, and PORT is the one that the system has picked"
    stopped INT 0 0 0 0 0
    rm other.in
    peer other
    kill -TERM "$other_pid" # its port is free now
    await_exit "$other_pid" >/dev/null
    start_program -b 127.0.0.1 "$other" new.wav
    program_writes program.err 1 "on standard error: jitter: bound to 127.0.0.1:$other"
    wanted_like "jitter: (bound to 127\.0\.0\.1:$other|cannot bind to .*)" "${lines[0]}" "on standard error: jitter: bound to 127.0.0.1:$other"
}
