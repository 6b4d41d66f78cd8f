# Lesson 9: limits. What an Ethernet carries: on the virtual LAN.
#
# shellcheck disable=SC2030,SC2031,SC2154  # helpers set port and value, in each test

load helpers

# finds WHAT [ARGUMENT...]: runs the program, which finds all limits, and sets $value to that of WHAT.
finds() {
    local what=$1
    shift
    timeout 60 "$BUILD/limits" "$@" >out 2>err
    equal '' "$(cat err)"
    take "$what"
}

# take WHAT [ROW]: sets $value to that of the row (the ROWth one) of WHAT in the file out.
take() {
    value=$(awk -F '  +' -v what="$1" -v row="${2:-1}" '$1 == what && ++n == row { print $2 + 0 }' out)
}

@test "limits: the largest datagram is 65535 - 20 - 8 bytes over IPv4, 65535 - 8 over IPv6" {
    finds 'largest datagram'
    equal 65507 "$value"
    needs_ipv6 'only in part: '
    finds 'largest datagram' -6
    equal 65527 "$value"
    finds 'largest datagram' ::1
    equal 65527 "$value"
}

@test "limits: in one piece: what loopback carries, but its header over IPv6" {
    read -r mtu </sys/class/net/lo/mtu || skip 'this system does not tell the MTU of loopback'
    finds 'MTU of the path'
    equal "$((mtu < 65535 ? mtu : 65535))" "$value" # IPv4 has no larger packet
    take 'largest in one piece'
    equal "$((mtu < 65535 ? mtu - 28 : 65507))" "$value"
    needs_ipv6 'only in part: '
    finds 'MTU of the path' -6
    equal "$mtu" "$value"
    take 'largest in one piece'
    equal "$((mtu - 48))" "$value"
}

@test "limits: on an Ethernet of 1500 bytes, 1472 bytes are one piece, over IPv6 1452; on one of 1400, 1372" {
    needs_lan
    # shellcheck disable=SC2016
    run lan bash -c '
        PATH=$PATH:/usr/sbin:/sbin
        "$1/limits" 10.77.0.2
        ip link set dev eth0 mtu 1400
        "$1/limits" 10.77.0.2
        ip link set dev eth0 mtu 1500
        "$1/limits" fd77::2' bash "$BUILD"
    equal 0 "$status"
    printf '%s\n' "${lines[@]}" >out
    for row in 1 2 3; do
        take 'largest in one piece' "$row" && found+=" $value"
        take 'MTU of the path' "$row" && found+=" $value"
    done
    equal ' 1472 1500 1372 1400 1452 1500' "$found"
}

@test "limits: sends at most 32 datagrams to HOST" {
    serve room "$BUILD/chatroom" -b 127.0.0.1 0
    finds 'largest datagram' 127.0.0.1 "$port"
    taken "$port"
    "$BUILD/sender" 127.0.0.1 "$port" end >/dev/null
    await room.out ':end'
    (($(wc -l <room.out) > 2 && $(wc -l <room.out) <= 33))
}

@test "limits: a buffer is as the system says; the kernel doubles what is asked for, up to a limit" {
    finds 'send buffer'
    for letter in w r; do
        name='receive buffer'
        [[ $letter == r ]] || name='send buffer'
        read -r first <"/proc/sys/net/core/${letter}mem_default" || skip 'this system does not tell its limits'
        read -r most <"/proc/sys/net/core/${letter}mem_max"
        take "$name" 1
        equal "$first" "$value"
        take "$name" 2
        ((value > 2 && value < 10000))
        take "$name" 3
        equal "$((2 * most))" "$value"
        take "$name" 4
        equal "$((most < 65536 ? 2 * most : 131072))" "$value"
    done
}

@test "limits: fewer datagrams wait than their data has room for, and of large ones fewer" {
    finds 'receive buffer'
    take 'receive buffer' 4
    room=$value before=1000000
    for size in 64 1024 8192; do
        value=$(awk -v size="$size" '$1 == "waiting," && $2 == size { print $5 }' out)
        echo "$size: $value"
        ((value >= 1 && value < before && value * size < room))
        before=$value
    done
}

@test "limits: of 3000 bytes in a buffer of 1000, MSG_TRUNC tells the length, recvmsg that they were cut" {
    finds '3000 into 1000, recv'
    equal 3000 "$value"
    take '3000 into 1000, recvmsg'
    equal 1000 "$value"
    like '.*msg_flags says: cut' "$(tail -n 1 out)"
}

@test "limits: one table: aligned columns, one unit for bytes, one for datagrams" {
    finds 'largest datagram'
    equal 16 "$(wc -l <out)"
    equal '' "$(grep -vE '^.{32}[ 0-9]{7}[0-9] (bytes    |datagrams)  [^ ].*$' out)"
}

@test "limits: a broadcast address is refused, an unwritable output too: exit 1" {
    run "$BUILD/limits" 127.255.255.255
    equal 1 "$status"
    like 'limits: cannot send [0-9]+ bytes to 127\.255\.255\.255:7788: Permission denied .*' "$output"
    status=0
    "$BUILD/limits" >/dev/full 2>err || status=$?
    equal 1 "$status"
    equal 'limits: cannot write standard output: No space left on device' "$(cat err)"
}
