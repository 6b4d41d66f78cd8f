# Lesson 1: sender. What it does with typed text and charsets: text.bats; with addresses: endpoint.bats.
#
# shellcheck disable=SC2016,SC2154  # bash -c gets its script quoted; $port and $pid are set by serve

load helpers

@test "sender: prints sent N bytes to whom, and the bytes arrive" {
    serve listener "$BUILD/probe" listen 127.0.0.1
    run "$BUILD/sender" 127.0.0.1 "$port" hello
    equal 0 "$status"
    equal "sent 5 bytes to 127.0.0.1:$port" "$output"
    await_exit "$pid"
    equal hello "$(cat listener.out)"
}

@test "sender: port 8080 if it is left out, TEXT from standard input then" {
    needs_lan
    run lan bash -c '
        "$1/chatroom" -b 127.0.0.1 8080 >out 2>err & pid=$!
        until grep -qs "bound to" err; do sleep 0.01; done
        echo hello | "$1/sender" 127.0.0.1
        until grep -q hello out; do sleep 0.01; done
        kill -INT "$pid"; wait "$pid"' bash "$BUILD"
    equal 0 "$status"
    equal 'sent 5 bytes to 127.0.0.1:8080' "$output"
}

@test "sender: nobody tells it whether anybody waits: without a receiver it still exits 0" {
    serve listener "$BUILD/probe" listen 127.0.0.1
    kill "$pid"
    await_exit "$pid"
    run "$BUILD/sender" 127.0.0.1 "$port" hello
    equal 0 "$status"
    equal "sent 5 bytes to 127.0.0.1:$port" "$output"
}
