# How fast, and with how much memory: measured when no other test runs (see the Makefile).
#
# shellcheck disable=SC2034,SC2154  # set by the helpers

load helpers

@test "speed: echo, with 32 datagrams in flight, printing to a file, at least 0.8 of the bare loop" {
    [[ $BUILD == */build ]] || skip "measured with the ordinary build alone"
    serve echo "$BUILD/echo" -b 127.0.0.1 0
    echo_port=$port
    serve floor "$BUILD/load" floor
    # The machine may be loaded: the median of the rounds, at least five, each with both in turn.
    ratios=()
    for round in {1..20}; do
        read -r echo_trips _ < <("$BUILD/load" trips "$echo_port" 32 64 0.1)
        read -r floor_trips _ < <("$BUILD/load" trips "$port" 32 64 0.1)
        ratios+=("$((echo_trips * 100 / floor_trips))")
        mapfile -t sorted < <(printf '%s\n' "${ratios[@]}" | sort -n)
        median=${sorted[round / 2]}
        echo "round trips in 0.1 s: echo $echo_trips, bare loop $floor_trips; median: $median %"
        ((round < 5 || median < 80)) || break
    done
    ((median >= 80))
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
