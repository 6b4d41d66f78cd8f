# Lesson 5: chatroom. How it stops: program.bats; charsets, and text that must do no harm: text.bats.
#
# shellcheck disable=SC2016,SC2154  # bash -c gets its script quoted; $port and $pid are set by serve

load helpers

# The days and months have English names in every locale: so ctime writes them.
WHEN='(Sun|Mon|Tue|Wed|Thu|Fri|Sat) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ 123][0-9] [0-2][0-9]:[0-5][0-9]:[0-6][0-9] [0-9]{4}'

# time_is_between FIRST LAST TEXT: TEXT is the local time, as ctime writes it, of a second between.
time_is_between() {
    local second wanted
    for ((second = $1; second <= $2; second++)); do
        printf -v wanted '%(%a %b %e %H:%M:%S %Y)T' "$second"
        [[ $3 != "$wanted" ]] || return 0
    done
    echo "wanted, at the latest: $wanted; got: $3"
    return 1
}

now() {
    printf '%(%s)T' -1
}

@test "chatroom: prints the document's line: the time, the address alone, the text, an empty one too" {
    for address in 127.0.0.1 ::1; do
        [[ $address != ::1 ]] || needs_ipv6 'only in part: '
        serve chatroom "$BUILD/chatroom" -b "$address" 0
        for text in hello '' bye; do
            "$BUILD/sender" "$address" "$port" "$text"
        done
        await chatroom.out bye
        like "【$WHEN】$address:hello
【$WHEN】$address:
【$WHEN】$address:bye" "$(cat chatroom.out)"
    done
}

@test "chatroom: the time is the local time of now, in the form of ctime" {
    export LC_ALL=C TZ
    for TZ in UTC0 CST-8 NST3:30; do
        serve chatroom "$BUILD/chatroom" -b 127.0.0.1 0
        before=$(now)
        "$BUILD/sender" 127.0.0.1 "$port" hello
        await chatroom.out hello
        time=$(sed 's/^【\(.*\)】.*$/\1/' chatroom.out)
        equal 24 "${#time}"
        time_is_between "$before" "$(now)" "$time"
        stop "$pid"
    done
}

@test "chatroom: each message has a time of its own" {
    serve chatroom "$BUILD/chatroom" -b 127.0.0.1 0
    first=$(now)
    "$BUILD/sender" 127.0.0.1 "$port" one
    await chatroom.out one
    done=$(now)
    until (($(now) > done)); do
        nap
    done
    second=$(now)
    "$BUILD/sender" 127.0.0.1 "$port" two
    await chatroom.out two
    LC_ALL=C time_is_between "$first" "$done" "$(sed -n 's/^【\(.*\)】.*one$/\1/p' chatroom.out)"
    LC_ALL=C time_is_between "$second" "$(now)" "$(sed -n 's/^【\(.*\)】.*two$/\1/p' chatroom.out)"
}

@test "chatroom: many senders at once: every message has its line" {
    serve chatroom "$BUILD/chatroom" -b 127.0.0.1 0
    senders=()
    for name in {1..15}; do
        for message in {1..5}; do
            "$BUILD/sender" 127.0.0.1 "$port" "sender $name, message $message"
        done >/dev/null 3>&- &
        senders+=("$!")
    done
    pids+=("${senders[@]}")
    wait "${senders[@]}"
    await_lines chatroom.out 75
    for name in {1..15}; do
        for message in {1..5}; do
            echo "127.0.0.1:sender $name, message $message"
        done
    done | sort >wanted
    sed 's/^【.*】//' chatroom.out | sort | diff wanted -
    stop "$pid"
    equal 'chatroom: stopped after 75 datagrams' "$(tail -n 1 chatroom.err)"
}

@test "chatroom: port 7788 and all addresses of the machine, if they are left out" {
    in_lan '
        start room 1 chatroom
        sender 127.0.0.1 7788 "from here"
        on 2 sender 10.77.0.1 7788 "from host 2"
        on 3 sender 10.77.0.1 7788 "from host 3"
        await "host 3" room
        kill -INT "$pid"
        wait "$pid"'
    equal 'chatroom: bound to 0.0.0.0:7788
chatroom: stopped after 3 datagrams' "$(cat room.err)"
    like "【$WHEN】127\.0\.0\.1:from here
【$WHEN】10\.77\.0\.2:from host 2
【$WHEN】10\.77\.0\.3:from host 3" "$(cat room)"
}

@test "chatroom: prints 1024 bytes whole, of a longer message says what was cut" {
    serve chatroom "$BUILD/chatroom" -b 127.0.0.1 0
    head -c 65507 /dev/zero | tr '\0' x >long
    head -c 1024 long | "$BUILD/probe" send 127.0.0.1 "$port"
    head -c 1025 long | "$BUILD/probe" send 127.0.0.1 "$port"
    "$BUILD/probe" send 127.0.0.1 "$port" <long
    await_lines chatroom.out 3
    like "【$WHEN】127\.0\.0\.1:x{1024}
【$WHEN】127\.0\.0\.1:x{1024} \[cut: 1024 of 1025 bytes\]
【$WHEN】127\.0\.0\.1:x{1024} \[cut: 1024 of 65507 bytes\]" "$(cat chatroom.out)"
}
