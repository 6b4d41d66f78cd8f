# Lesson 4: echo.
#
# shellcheck disable=SC2016,SC2034,SC2154  # set by the helpers; expanded by another shell

load helpers

@test "echo: returns a datagram and prints #1 returned N bytes to whom" {
    serve echo "$BUILD/echo" -b 127.0.0.1 0
    run "$BUILD/receiver" -w 5 127.0.0.1 "$port" hello
    equal "received 5 bytes from 127.0.0.1:$port: hello" "${lines[1]}"
    await echo.out '#1'
    like '#1 returned 5 bytes to 127\.0\.0\.1:[0-9]+: hello' "$(cat echo.out)"
    "$BUILD/receiver" -w 5 127.0.0.1 "$port" again
    await echo.out '#2'
}

@test "echo: returns any datagram whole and unchanged, from empty to the largest" {
    serve echo "$BUILD/echo" -b 127.0.0.1 0
    for size in 0 1 2 1023 1024 1025 9000 65506 65507; do
        head -c "$size" /dev/urandom >sent
        "$BUILD/probe" ask 127.0.0.1 "$port" <sent >returned
        cmp sent returned
    done
    await_lines echo.out 9
}

@test "echo: returns the largest datagram of IPv6, which is larger" {
    serve echo "$BUILD/echo" -b ::1 0
    head -c 65527 /dev/urandom >sent
    "$BUILD/probe" ask ::1 "$port" <sent >returned
    cmp sent returned
}

@test "echo: shows the first 1024 bytes of a long text, and says so" {
    serve echo "$BUILD/echo" -b 127.0.0.1 0
    "$BUILD/probe" ask 127.0.0.1 "$port" < <(printf 'x%.0s' {1..3000}) >returned
    await echo.out '#1'
    like '#1 returned 3000 bytes to [^ ]+: x{1024} \[shown: 1024 of 3000 bytes\]' "$(cat echo.out)"
    "$BUILD/probe" ask 127.0.0.1 "$port" < <(printf 'x%.0s' {1..1024}) >returned
    await echo.out '#2'
    like '#2 returned 1024 bytes to [^ ]+: x{1024}' "$(tail -n 1 echo.out)"
}

@test "echo: goes on after a datagram that cannot be answered (source port 0)" {
    needs_lan
    run lan bash -c '
        "$1/echo" 7788 >out 2>err & pid=$!
        until grep -q "bound to" err; do sleep 0.01; done
        "$1/probe" port0 7788 && "$1/receiver" -w 5 127.0.0.1 7788 still-here
        kill -INT "$pid"; wait "$pid"' bash "$BUILD"
    equal 0 "$status"
    like '.*received 10 bytes from 127\.0\.0\.1:7788: still-here' "$output"
    like 'echo: bound to 0\.0\.0\.0:7788
echo: cannot return 2 bytes to 127\.0\.0\.1:0: Invalid argument .*
echo: stopped after 1 datagram' "$(cat err)"
}

@test "echo: a warning comes after the lines of what came before" {
    needs_lan
    run lan bash -c '
        "$1/echo" 7788 >both 2>&1 & pid=$!
        until grep -q "bound to" both; do sleep 0.01; done
        kill -STOP "$pid"
        "$1/sender" 127.0.0.1 7788 first && "$1/probe" port0 7788 && "$1/sender" 127.0.0.1 7788 last
        kill -CONT "$pid"
        until grep -q last both; do sleep 0.01; done
        kill -INT "$pid"; wait "$pid"' bash "$BUILD"
    equal 0 "$status"
    like '.*#1 returned 5 bytes.*cannot return 2 bytes.*#2 returned 4 bytes.*' "$(cat both)"
}

@test "echo: goes on when there is no route back, or a forbidden one" {
    needs_lan
    run lan bash -c '
        "$1/echo" 7788 >out 2>err & pid=$!
        until grep -q "bound to" err; do sleep 0.01; done
        for kind in prohibit unreachable; do
            ip route add "$kind" 10.77.0.2/32
            on 2 "$1/sender" 10.77.0.1 7788 "$kind"
            until grep -q "cannot return ${#kind} bytes" err; do sleep 0.01; done
            ip route del "$kind" 10.77.0.2/32
        done
        on 2 "$1/receiver" -w 5 10.77.0.1 7788 still-here
        kill -INT "$pid"; wait "$pid"' bash "$BUILD"
    equal 0 "$status"
    like '.*received 10 bytes from 10\.77\.0\.1:7788: still-here' "$output"
    like '.*cannot return 8 bytes to 10\.77\.0\.2:[0-9]+: Permission denied.*cannot return 11 bytes to 10\.77\.0\.2:[0-9]+: .*' "$(cat err)"
}

@test "echo: stops on Ctrl-C and on SIGTERM with a summary and exit 0" {
    for signal in INT TERM; do
        serve echo "$BUILD/echo" -b 127.0.0.1 0
        "$BUILD/receiver" -w 5 127.0.0.1 "$port" hello
        stop "$pid" "$signal"
        equal 0 "$status"
        equal 'echo: stopped after 1 datagram' "$(tail -n 1 echo.err)"
    done
}

@test "echo: a flood loses no line of what was returned, and Ctrl-C is not missed in it" {
    serve echo "$BUILD/echo" -b 127.0.0.1 0
    for round in {1..5}; do
        "$BUILD/probe" flood 127.0.0.1 "$port" 20000 64
    done &
    pids+=("$!")
    await_lines echo.out 1000
    stop "$pid"
    equal 0 "$status"
    count=$(wc -l <echo.out)
    equal "echo: stopped after $count datagrams" "$(tail -n 1 echo.err)"
    like "#$count returned 64 bytes to .*" "$(tail -n 1 echo.out)"
}
