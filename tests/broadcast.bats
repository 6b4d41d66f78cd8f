# Lesson 7: broadcast. How it stops, and -w: program.bats; charsets: text.bats.
#
# shellcheck disable=SC2016,SC2034,SC2154  # bash -c gets its script quoted; $port and $pid are set by serve
#
# 127.255.255.255 is loopback's own broadcast address: what is sent there never leaves the machine.

load helpers

@test "broadcast: sends Hi, says that it waits, and prints who replied, until Ctrl-C" {
    serve echo "$BUILD/echo" -b 127.255.255.255 0
    start broadcast "$BUILD/broadcast" 127.255.255.255 "$port"
    await broadcast.out Received
    equal "Received from 127.0.0.1:$port: Hi" "$(cat broadcast.out)"
    like "broadcast: sent 2 bytes to 127\.255\.255\.255:$port, waiting for replies.*" \
        "$(cat broadcast.err)"
    stop "$pid"
    equal 0 "$status"
    equal 'broadcast: stopped after 1 datagram' "$(tail -n 1 broadcast.err)"
    equal 1 "$(wc -l <broadcast.out)"
    await echo.out '#1 returned 2 bytes'
}

@test "broadcast: -w is the time for all replies together: what is waiting then is not printed" {
    # With datagrams waiting all the time, only a look at the clock can end it: let 200 wait when the
    # time is over. It is stopped meanwhile; if that came too late, again, with more time.
    for seconds in 0.3 1 3; do
        serve bind "$BUILD/bind" -b 127.255.255.255 0
        bind_pid=$pid
        start broadcast "$BUILD/broadcast" -w "$seconds" 127.255.255.255 "$port"
        await_exit "$bind_pid"
        await broadcast.err 'waiting for replies'
        while [[ $(<"/proc/$pid/stat") == *') R '* ]]; do nap; done # it sleeps now, or has ended
        kill -STOP "$pid"
        asker=$(sed -n 's/.* from 127\.0\.0\.1:\([0-9]*\): Hi$/\1/p' bind.out)
        "$BUILD/probe" flood 127.0.0.1 "$asker" 200 64
        [[ $(<"/proc/$pid/stat") != *') T '* ]] || break
    done
    sleep "$seconds"
    kill -CONT "$pid"
    await_exit "$pid"
    equal 0 "$status"
    equal 'broadcast: stopped after 0 datagrams' "$(tail -n 1 broadcast.err)"
    equal '' "$(<broadcast.out)"
}

@test "broadcast: without SO_BROADCAST the kernel refuses: sender gets Permission denied" {
    run "$BUILD/sender" 127.255.255.255 7788 hello
    equal 1 "$status"
    like 'sender: cannot send 5 bytes to 127\.255\.255\.255:7788: Permission denied .*SO_BROADCAST.*' "$output"
}

@test "broadcast: without a route, an error names 127.255.255.255 as a way out, exit 1" {
    needs_lan
    # A network namespace of its own, with nothing in it but loopback.
    run timeout 60 unshare -Urn env PATH="$PATH:/usr/sbin:/sbin" bash -c '
        ip link set lo up
        for host in "" "<broadcast>" 255.255.255.255; do
            "$1" -w 5 ${host:+"$host"}
            echo "exit $?"
        done' bash "$BUILD/broadcast"
    equal 6 "${#lines[@]}"
    for line in 0 2 4; do
        like 'broadcast: cannot send 2 bytes to 255\.255\.255\.255:7788: .* \(.*127\.255\.255\.255.*\)' \
            "${lines[line]}"
        equal 'exit 1' "${lines[line + 1]}"
    done
}

@test "broadcast: calls 255.255.255.255, port 7788, if they are left out" {
    in_lan '
        start bind 2 bind
        broadcast -w 0.01
        wait "$pid"
        cat bind'
    like 'broadcast: sent 2 bytes to 255\.255\.255\.255:7788, waiting .*
broadcast: stopped after 0 datagrams
received 2 bytes from 10\.77\.0\.1:[0-9]+: Hi' "$output"
}

@test "broadcast: sends TEXT, an empty one too; of a reply longer than 2048 bytes says what was cut" {
    serve echo "$BUILD/echo" -b 127.255.255.255 0
    long=$(printf 'x%.0s' {1..30000})
    for text in 'Anybody there?' '' "${long::2048}" "${long::2049}" "$long"; do
        start broadcast "$BUILD/broadcast" 127.255.255.255 "$port" "$text"
        await_lines broadcast.out 1
        note=''
        ((${#text} <= 2048)) || note=" [cut: 2048 of ${#text} bytes]"
        equal "Received from 127.0.0.1:$port: ${text::2048}$note" "$(cat broadcast.out)"
        stop "$pid"
        like "broadcast: sent ${#text} bytes to .*" "$(head -n 1 broadcast.err)"
    done
}
