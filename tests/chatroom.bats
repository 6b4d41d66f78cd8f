# Lesson 5: chatroom.
#
# shellcheck disable=SC2016,SC2034,SC2154  # bash -c gets its script quoted; $port and $pid are set by serve

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

@test "chatroom: prints the document's line: the time, the address alone, the text" {
    serve chatroom "$BUILD/chatroom" -b 127.0.0.1 0
    equal "chatroom: bound to 127.0.0.1:$port" "$(cat chatroom.err)"
    "$BUILD/sender" 127.0.0.1 "$port" hello
    await chatroom.out hello
    like "【$WHEN】127\.0\.0\.1:hello" "$(cat chatroom.out)"
    equal 1 "$(wc -l <chatroom.out)"
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
        sleep 0.01
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
    needs_lan
    run lan bash -c '
        "$1/chatroom" >out 2>err & pid=$!
        until grep -qs "bound to" err; do sleep 0.01; done
        "$1/sender" 127.0.0.1 7788 "from here"
        on 2 "$1/sender" 10.77.0.1 7788 "from host 2"
        on 3 "$1/sender" 10.77.0.1 7788 "from host 3"
        until grep -q "host 3" out; do sleep 0.01; done
        kill -INT "$pid"; wait "$pid"' bash "$BUILD"
    equal 0 "$status"
    equal 'chatroom: bound to 0.0.0.0:7788
chatroom: stopped after 3 datagrams' "$(cat err)"
    like "【$WHEN】127\.0\.0\.1:from here
【$WHEN】10\.77\.0\.2:from host 2
【$WHEN】10\.77\.0\.3:from host 3" "$(cat out)"
}

@test "chatroom: hears an IPv6 sender" {
    serve chatroom "$BUILD/chatroom" -b ::1 0
    equal "chatroom: bound to [::1]:$port" "$(cat chatroom.err)"
    "$BUILD/sender" ::1 "$port" hello
    await chatroom.out hello
    like "【$WHEN】::1:hello" "$(cat chatroom.out)"
}

@test "chatroom: an empty datagram is a message, not the end" {
    serve chatroom "$BUILD/chatroom" -b 127.0.0.1 0
    "$BUILD/probe" send 127.0.0.1 "$port" </dev/null
    "$BUILD/sender" 127.0.0.1 "$port" hello
    await chatroom.out hello
    like "【$WHEN】127\.0\.0\.1:
【$WHEN】127\.0\.0\.1:hello" "$(cat chatroom.out)"
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

@test "chatroom: -e gb2312 decodes the text; without it, its bytes are shown as escapes" {
    for charset in gb2312 UTF-8; do
        serve chatroom "$BUILD/chatroom" -e "$charset" -b 127.0.0.1 0
        printf '\xc4\xe3\xba\xc3' | "$BUILD/probe" send 127.0.0.1 "$port"
        await_lines chatroom.out 1
        cp chatroom.out "$charset"
        stop "$pid"
    done
    like "【$WHEN】127\.0\.0\.1:你好" "$(cat gb2312)"
    [[ $(cat UTF-8) == *'】127.0.0.1:\xc4\xe3\xba\xc3' ]]
}

@test "chatroom: a message cannot forge a line, nor speak to the terminal" {
    serve chatroom "$BUILD/chatroom" -b 127.0.0.1 0
    printf 'hi\n【Sun Nov 22 07:45:00 2026】127.0.0.2:\033[31mme' | "$BUILD/probe" send 127.0.0.1 "$port"
    await_lines chatroom.out 1
    equal 1 "$(wc -l <chatroom.out)"
    [[ $(cat chatroom.out) == *'】127.0.0.1:hi\n【Sun Nov 22 07:45:00 2026】127.0.0.2:\x1b[31mme' ]]
}

@test "chatroom: stops on Ctrl-C and on SIGTERM with a summary and exit 0" {
    for signal in INT TERM; do
        serve chatroom "$BUILD/chatroom" -b 127.0.0.1 0
        "$BUILD/sender" 127.0.0.1 "$port" hello
        await chatroom.out hello
        stop "$pid" "$signal"
        equal 0 "$status"
        equal 'chatroom: stopped after 1 datagram' "$(tail -n 1 chatroom.err)"
    done
}
