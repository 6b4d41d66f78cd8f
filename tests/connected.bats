# Lesson 10: connected. Arguments: program.bats.
#
# shellcheck disable=SC2016,SC2034,SC2154  # bash -c gets its script quoted; helpers set $port, $pid and $status, and use $naps

load helpers

# desk [ADDRESS]: the peer: $desk is its port; what it gets comes into desk.out, and it answers what it is told.
desk() {
    mkfifo desk.in
    exec 7<>desk.in
    input=desk.in serve desk "$BUILD/probe" peer "${1:-127.0.0.1}"
    desk=$port
}

# connected ARGUMENT...: starts it; its keyboard is descriptor 8, its port $port.
connected() {
    mkfifo keyboard
    exec 8<>keyboard
    input=keyboard serve connected "$BUILD/connected" "$@"
}

# notes PEER LOCAL COUNT: what it says on standard error, after the bound to line, if all goes well.
notes() {
    printf 'connected: %s\n' "connected to $1: nothing was sent" "this end is $2 now" "threw away $3 from before"
}

@test "connected: sends only to HOST, and prints the reply of the peer, an empty one too" {
    serve echo "$BUILD/echo" -b 127.0.0.1 0
    for text in hello ''; do
        output=$(timeout 60 "$BUILD/connected" 127.0.0.1 "$port" "$text" 2>/dev/null)
        equal "sent ${#text} bytes to 127.0.0.1:$port
received ${#text} bytes from 127.0.0.1:$port: $text" "$output"
        equal "$output" "$(timeout 60 "$BUILD/connected" 127.0.0.1 "$port" 2>/dev/null <<<"$text")" # typed
    done
}

@test "connected: connect sends nothing: the first datagram that the peer gets is the text" {
    desk
    start connected "$BUILD/connected" 127.0.0.1 "$desk" text
    await_lines connected.out 1
    "$BUILD/probe" send 127.0.0.1 "$desk" <<<'end'
    await_lines desk.out 2
    mapfile -t lines <desk.out
    take_port connected.err
    equal "$port 4 text" "${lines[0]}"
    like '[0-9]+ 4 end.*' "${lines[1]}"
}

@test "connected: getsockname tells the address that the kernel chose at connect; before, it is 0.0.0.0" {
    desk 127.0.0.1
    connected 127.0.0.1 "$desk"
    equal "connected: bound to 0.0.0.0:$port" "$(<connected.err)"
    echo hello >&8
    await_lines desk.out 1
    equal "$(notes "127.0.0.1:$desk" "127.0.0.1:$port" '0 datagrams')" "$(tail -n +2 connected.err)"
    needs_lan
    run lan timeout 20 "$BUILD/connected" -w 0.1 10.77.0.2 7788 hello
    like '.*connected: this end is 10\.77\.0\.1:[0-9]+ now.*' "$output"
}

@test "connected: throws away, and counts, what came before connect, whoever sent it" {
    desk
    for count in 1 3; do
        rm -f keyboard connected.*
        connected 127.0.0.1 "$desk"
        echo "$port 6561726c79" >&7 # "early", from the peer
        naps=0
        until [[ $(queues "$port") != *:00000000 ]]; do keep_waiting; done
        for ((i = 1; i < count; i++)); do "$BUILD/sender" 127.0.0.1 "$port" stranger; done
        echo hello >&8
        await connected.out "sent 5 bytes to 127.0.0.1:$desk"
        await connected.err "connected: threw away $count datagram$( ((count == 1)) || echo s) from before"
        echo "$port 6c617465" >&7
        await_exit "$pid"
        equal 0 "$status"
        equal "received 4 bytes from 127.0.0.1:$desk: late" "$(tail -n +2 connected.out)"
    done
}

@test "connected: from connect on the kernel drops what others send, and tells them that nobody is there" {
    desk
    start connected "$BUILD/connected" 127.0.0.1 "$desk" hello
    await connected.out 'sent 5 bytes'
    take_port connected.err
    "$BUILD/sender" 127.0.0.1 "$port" stranger
    status=0
    "$BUILD/connected" -w 5 127.0.0.1 "$port" stranger >other.out 2>other.err || status=$?
    equal 1 "$status"
    like '.*Connection refused.*' "$(tail -n 1 other.err)"
    echo "$port 7265706c79" >&7
    await_exit "$pid"
    equal 0 "$status"
    equal "received 5 bytes from 127.0.0.1:$desk: reply" "$(tail -n +2 connected.out)"
    equal 'connected: the peer answered' "$(tail -n 1 connected.err)"
}

# free_port: a port that no program has, in $port. (Ours is the only bind that may take it again.)
free_port() {
    serve bind "$BUILD/bind" -b "$1" 0
    kill -KILL "$pid"
    await_exit "$pid"
}

@test "connected: a port without a program is an error at once, exit 1; an unconnected socket is not told" {
    free_port 127.0.0.1
    status=0
    timeout 60 "$BUILD/connected" 127.0.0.1 "$port" hello >out 2>err || status=$?
    equal 1 "$status"
    equal "sent 5 bytes to 127.0.0.1:$port" "$(<out)"
    equal "connected: an error came back for 127.0.0.1:$port: Connection refused (an ICMP message says that no program has this port)" "$(tail -n 1 err)"
    run "$BUILD/receiver" -w 0.1 127.0.0.1 "$port" hello
    like 'receiver: no reply from .*' "${lines[1]}"
}

@test "connected: over IPv6, the reply and the refusal, too" {
    needs_ipv6
    desk ::1
    connected ::1 "$desk"
    equal "connected: bound to [::]:$port" "$(<connected.err)"
    echo hello >&8
    await connected.out "sent 5 bytes to [::1]:$desk"
    equal "$(notes "[::1]:$desk" "[::1]:$port" '0 datagrams')" "$(tail -n +2 connected.err)"
    echo "$port 686921" >&7
    await_exit "$pid"
    equal "received 3 bytes from [::1]:$desk: hi!" "$(tail -n +2 connected.out)"
    free_port ::1
    run timeout 60 "$BUILD/connected" ::1 "$port" hello
    equal 1 "$status"
    like ".*connected: an error came back for \[::1\]:$port: Connection refused .*" "$output"
}

@test "connected: -w: neither a reply nor an error in time is an error that says so, exit 1" {
    desk
    start=${EPOCHREALTIME//[!0-9]/}
    run timeout 60 "$BUILD/connected" -w 0.3 127.0.0.1 "$desk" hello
    microseconds=$((${EPOCHREALTIME//[!0-9]/} - start))
    equal 1 "$status"
    echo "waited for $microseconds microseconds"
    ((microseconds >= 300000 && microseconds < 3000000))
    equal "connected: neither a reply nor an error from 127.0.0.1:$desk in 0.3 seconds" "${lines[-1]}"
}

@test "connected: a host that does not exist is silent; without a route, connect fails" {
    needs_lan
    run lan bash -c '
        "$1/connected" -w 4 10.77.0.99 7788 hello
        "$1/connected" -w 5 192.0.2.1 7788 hello' bash "$BUILD"
    like '.*connected: neither a reply nor an error from 10\.77\.0\.99:7788 in 4 seconds
connected: bound to 0\.0\.0\.0:[0-9]+
connected: cannot connect to 192\.0\.2\.1:7788: Network .*unreachable' "$output"
}

@test "connected: waits for ever without -w; Ctrl-C or SIGTERM ends it then, as any program" {
    desk
    for signal in INT TERM; do
        rm -f connected.*
        # In the background bash has its children ignore Ctrl-C.
        start connected env --default-signal=INT "$BUILD/connected" 127.0.0.1 "$desk" hello
        await connected.out 'sent 5 bytes'
        kill "-$signal" "$pid"
        await_exit "$pid"
        equal "$((128 + $(kill -l "$signal")))" "$status"
        equal "sent 5 bytes to 127.0.0.1:$desk" "$(<connected.out)"
    done
}

@test "connected: port 7788 if it is left out; of a reply longer than 1024 bytes says what was cut" {
    in_lan '
        start echo 1 echo
        head -c 1024 /dev/zero | tr "\0" x | connected -w 5 127.0.0.1
        head -c 3000 /dev/zero | tr "\0" x | connected -w 5 127.0.0.1
        kill -INT "$pid"
        wait "$pid"'
    like '.*received 1024 bytes from 127\.0\.0\.1:7788: x{1024}
.*received 3000 bytes from 127\.0\.0\.1:7788: x{1024} \[cut: 1024 of 3000 bytes\].*' "$output"
}

@test "connected: text that the charset cannot express is not sent, exit 1" {
    needs_encoder iso-8859-1
    desk
    run timeout 60 "$BUILD/connected" -e iso-8859-1 127.0.0.1 "$desk" 你好
    equal 1 "$status"
    like '.*connected: cannot encode the text in iso-8859-1: .*' "$output"
    start connected "$BUILD/connected" -e iso-8859-1 127.0.0.1 "$desk" é
    await_lines desk.out 1
    like '[0-9]+ 1 \\xe9' "$(<desk.out)"
    take_port connected.err
    echo "$port e9" >&7
    await_exit "$pid"
    equal "received 1 bytes from 127.0.0.1:$desk: é" "$(tail -n 1 connected.out)"
}

@test "connected: output that cannot be written is an error, exit 1" {
    serve echo "$BUILD/echo" -b 127.0.0.1 0
    status=0
    timeout 60 "$BUILD/connected" -w 5 127.0.0.1 "$port" hello >/dev/full 2>err || status=$?
    equal 1 "$status"
    equal 'connected: cannot write standard output: No space left on device' "$(tail -n 1 err)"
}
