# Lesson 2: receiver. What it does with typed text and charsets: text.bats; with addresses: endpoint.bats.
#
# shellcheck disable=SC2016,SC2154  # bash -c gets its script quoted; $port and $pid are set by serve

load helpers

# hold PID: stops the process (a server keeps its datagrams) until `kill -CONT`.
hold() {
    local state
    kill -STOP "$1"
    until read -r state <"/proc/$1/stat" && [[ $state == *') T '* ]]; do
        nap
    done
}

@test "receiver: prints what it sent, then the reply and whom it is from, an empty one too" {
    serve echo "$BUILD/echo" -b 127.0.0.1 0
    for text in hello ''; do
        run timeout 60 "$BUILD/receiver" 127.0.0.1 "$port" "$text"
        equal 0 "$status"
        equal "sent ${#text} bytes to 127.0.0.1:$port
received ${#text} bytes from 127.0.0.1:$port: $text" "$output"
        equal "$output" "$(timeout 60 "$BUILD/receiver" 127.0.0.1 "$port" <<<"$text")" # typed
    done
}

@test "receiver: port 8080 if it is left out, TEXT from standard input then" {
    needs_lan
    run lan bash -c '
        "$1/echo" -b 127.0.0.1 8080 >out 2>err & pid=$!
        until grep -qs "bound to" err; do sleep 0.01; done
        echo hello | "$1/receiver" -w 5 127.0.0.1
        kill -INT "$pid"; wait "$pid"' bash "$BUILD"
    equal 0 "$status"
    equal 'sent 5 bytes to 127.0.0.1:8080
received 5 bytes from 127.0.0.1:8080: hello' "$output"
}

@test "receiver: says what it sent before the reply comes, and waits for a late one" {
    serve echo "$BUILD/echo" -b 127.0.0.1 0
    echo_pid=$pid
    hold "$echo_pid"
    start receiver "$BUILD/receiver" 127.0.0.1 "$port" hello
    await receiver.out "sent 5 bytes to 127.0.0.1:$port"
    # One that waits for half a second gives up; the one that waits for ever is still there.
    run "$BUILD/receiver" -w 0.5 127.0.0.1 "$port" hi
    equal 1 "$status"
    kill -0 "$pid"
    equal 1 "$(wc -l <receiver.out)"
    kill -CONT "$echo_pid"
    await_exit "$pid"
    equal 0 "$status"
    equal "received 5 bytes from 127.0.0.1:$port: hello" "$(tail -n 1 receiver.out)"
}

@test "receiver: -w: no reply in time is an error that says so, whether a server is there or not" {
    serve bind "$BUILD/bind" -b 127.0.0.1 0 # it ends with the first datagram
    for round in 1 2; do
        start=${EPOCHREALTIME//[!0-9]/}
        run "$BUILD/receiver" -w 0.3 127.0.0.1 "$port" hello
        microseconds=$((${EPOCHREALTIME//[!0-9]/} - start))
        equal 1 "$status"
        equal "sent 5 bytes to 127.0.0.1:$port" "${lines[0]}"
        like "receiver: no reply from 127\.0\.0\.1:$port in 0\.3 seconds.*" "${lines[1]}"
        echo "round $round: waited for $microseconds microseconds"
        ((microseconds >= 300000 && microseconds < 3000000))
        await_exit "$pid"
    done
}

@test "receiver: prints a reply of 1024 bytes whole, of a longer one says what was cut" {
    serve echo "$BUILD/echo" -b 127.0.0.1 0
    head -c 65507 /dev/zero | tr '\0' x >long
    for size in 1024 1025 3000 65507; do
        run "$BUILD/receiver" -w 5 127.0.0.1 "$port" < <(head -c "$size" long)
        equal 0 "$status"
        ((size == 1024)) && note='' || note=" \[cut: 1024 of $size bytes\]"
        like "received $size bytes from 127\.0\.0\.1:$port: x{1024}$note" "${lines[1]}"
    done
}

@test "receiver: one reply is all it takes, even if it is not from whom it asked; it says so" {
    serve bind "$BUILD/bind" -b 127.0.0.1 0
    bind_pid=$pid
    start receiver "$BUILD/receiver" 127.0.0.1 "$port" hello
    await_exit "$bind_pid"
    receiver_port=$(sed -n 's/.* from 127\.0\.0\.1:\([0-9]*\): hello$/\1/p' bind.out)
    hold "$pid"
    input=<(echo first) serve stranger "$BUILD/threaded-chat" -b 127.0.0.1 -l 0 127.0.0.1 "$receiver_port"
    await stranger.err 'stopped after 1 sent'
    stranger_port=$port
    "$BUILD/sender" 127.0.0.1 "$receiver_port" second
    kill -CONT "${pids[1]}"
    await_exit "${pids[1]}"
    equal 0 "$status"
    equal "received 5 bytes from 127.0.0.1:$stranger_port: first" "$(tail -n +2 receiver.out)"
}
