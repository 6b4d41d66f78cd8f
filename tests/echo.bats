# Lesson 4: echo. How it stops: program.bats.
#
# shellcheck disable=SC2016,SC2154  # a script for an inner bash is quoted; $port is set by serve

load helpers

# echo_in_lan SCRIPT: runs the script on host 1 of a LAN beside an echo, whose process is $pid there,
# and stops echo. What echo says is in `both`, its output and its errors together.
echo_in_lan() {
    run lan bash -c '
        "$1/echo" >both 2>&1 & pid=$!
        until grep -q "bound to 0.0.0.0:7788" both; do sleep 0.01; done
        '"$1"' && kill -INT "$pid" && wait "$pid"' bash "$BUILD"
    equal 0 "$status"
}

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
    needs_ipv6
    serve echo "$BUILD/echo" -b ::1 0
    head -c 65527 /dev/urandom >sent
    "$BUILD/probe" ask ::1 "$port" <sent >returned
    cmp sent returned
}

@test "echo: shows the first 1024 bytes of a long text, and says so" {
    serve echo "$BUILD/echo" -b 127.0.0.1 0
    "$BUILD/probe" ask 127.0.0.1 "$port" < <(printf 'x%.0s' {1..3000}) >returned
    await_lines echo.out 1
    like '#1 returned 3000 bytes to [^ ]+: x{1024} \[shown: 1024 of 3000 bytes\]' "$(cat echo.out)"
    "$BUILD/probe" ask 127.0.0.1 "$port" < <(printf 'x%.0s' {1..1024}) >returned
    await_lines echo.out 2
    like '#2 returned 1024 bytes to [^ ]+: x{1024}' "$(tail -n 1 echo.out)"
}

@test "echo: goes on after a datagram that cannot be answered (source port 0), and warns in its place" {
    needs_lan
    echo_in_lan '
        kill -STOP "$pid"
        "$1/sender" 127.0.0.1 7788 first && "$1/probe" port0 7788
        kill -CONT "$pid"
        "$1/receiver" -w 5 127.0.0.1 7788 still-here'
    like '.*received 10 bytes from 127\.0\.0\.1:7788: still-here' "$output"
    like 'echo: bound to 0\.0\.0\.0:7788
#1 returned 5 bytes to 127\.0\.0\.1:[0-9]+: first
echo: cannot return 2 bytes to 127\.0\.0\.1:0: Invalid argument .*
#2 returned 10 bytes to 127\.0\.0\.1:[0-9]+: still-here
echo: stopped after 2 datagrams' "$(cat both)"
}

@test "echo: goes on when there is no route back, or a forbidden one" {
    needs_lan
    echo_in_lan '
        for kind in prohibit unreachable; do
            ip route add "$kind" 10.77.0.2/32
            on 2 "$1/sender" 10.77.0.1 7788 "$kind"
            until grep -q "cannot return ${#kind} bytes" both; do sleep 0.01; done
            ip route del "$kind" 10.77.0.2/32
        done
        on 2 "$1/receiver" -w 5 10.77.0.1 7788 still-here'
    like '.*received 10 bytes from 10\.77\.0\.1:7788: still-here' "$output"
    like '.*cannot return 8 bytes to 10\.77\.0\.2:[0-9]+: Permission denied.*cannot return 11 bytes to 10\.77\.0\.2:[0-9]+: .*' "$(cat both)"
}
