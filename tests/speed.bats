# How fast, and with how much memory: measured when no other test runs (see the Makefile).
#
# shellcheck disable=SC2034,SC2154  # set by the helpers

load helpers

@test "speed: echo, with 32 datagrams in flight, printing to a file, at least 0.8 of the bare loop" {
    [[ $BUILD == */build ]] || skip "measured with the ordinary build alone"
    serve echo "$BUILD/echo" -b 127.0.0.1 0
    echo_port=$port
    serve floor "$BUILD/load" floor
    # The machine may be loaded: the best of each, in turn, of at least five rounds.
    echo_best=0 floor_best=0
    for round in {1..20}; do
        read -r trips _ < <("$BUILD/load" trips "$echo_port" 32 64 0.1)
        ((trips <= echo_best)) || echo_best=$trips
        read -r trips _ < <("$BUILD/load" trips "$port" 32 64 0.1)
        ((trips <= floor_best)) || floor_best=$trips
        echo "echo: $echo_best, bare loop: $floor_best round trips in 0.1 s"
        ((round < 5 || echo_best * 10 < floor_best * 8)) || break
    done
    ((echo_best * 10 >= floor_best * 8))
}

@test "speed: the memory of echo does not grow with the number of datagrams" {
    [[ $BUILD != */sanitize-* ]] || skip "sanitizers keep memory of their own"
    serve echo "$BUILD/echo" -b 127.0.0.1 0
    "$BUILD/load" trips "$port" 32 64 0.2
    before=$(awk '/VmRSS/ { print $2 }' "/proc/$pid/status")
    "$BUILD/load" trips "$port" 32 64 1
    after=$(awk '/VmRSS/ { print $2 }' "/proc/$pid/status")
    echo "$before kB before, $after kB after $(wc -l <echo.out) datagrams"
    ((after <= before + 64))
}
