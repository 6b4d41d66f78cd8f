# Lesson 8: layers. Its arguments: program.bats.
#
# shellcheck disable=SC2001,SC2016,SC2154,SC2030,SC2031  # bash -c gets its script quoted; helpers and bats set the rest

load helpers

# explain FRAME...: sends each (in hexadecimal) over the loopback interface of a namespace, and sets
# $output to what layers shows, but for the first line of each.
explain() {
    needs_lan
    run timeout 60 unshare -Urn env PATH="$PATH:/usr/sbin:/sbin" bash -c '
        build=$1
        shift
        ip link set lo up
        : >err # now: an earlier one says "bound to", too
        "$build/layers" -c "$#" lo >out 2>err &
        until grep -qs "bound to lo" err; do sleep 0.01; done
        for frame; do
            printf "$(sed "s/../\\\\x&/g" <<<"$frame")" | "$build/probe" frame lo
        done
        wait "$!"
        cat out' bash "$BUILD" "$@"
    ((status == 0)) || tail -n 5 err out
    equal 0 "$status"
    equal "$#" "$(grep -c '^#[0-9]* received [0-9]* bytes on lo$' <<<"$output")"
    output=$(grep -v '^#' <<<"$output" || true)
}

# shows LAYER NAME VALUE: one line says that.
shows() {
    grep -qE "^ +[0-9]+-[0-9]+ +$1 +$2 +$3\$" <<<"$output" && return
    printf 'no line says: %s %s %s; there is:\n%s\n' "$1" "$2" "$3" "$output"
    return 1
}

# The frame of lesson 8's page: from 10.77.0.1, port 34246, to 10.77.0.2, port 7788: hello.
link=2e265383f4020af5ce1150090800
ip=45000021f3314000401132fe0a4d00010a4d0002
udp=85c61e6c000d0333
hello=68656c6c6f

# The same over IPv6, from fe80::1 to fe80::2; its UDP checksum would be 1acb.
link6=${link/0800/86dd}
ip6=60000000000d1140fe800000000000000000000000000001fe800000000000000000000000000002

@test "layers: shows every field of every layer, with the range of its bytes, and that both checksums are right" {
    explain "$link$ip$udp$hello"
    equal '     0-5     link Ethernet  destination       2e 26 53 83 f4 02
     6-11    link Ethernet  source            0a f5 ce 11 50 09
    12-13    link Ethernet  type              08 00
    14-14    network IPv4   version, IHL      45
    15-15    network IPv4   type of service   00
    16-17    network IPv4   total length      00 21 = 33
    18-19    network IPv4   identification    f3 31
    20-21    network IPv4   flags, offset     40 00
    22-22    network IPv4   time to live      40 = 64
    23-23    network IPv4   protocol          11 = 17
    24-25    network IPv4   checksum          32 fe
    26-29    network IPv4   source            0a 4d 00 01 = 10.77.0.1
    30-33    network IPv4   destination       0a 4d 00 02 = 10.77.0.2
    24-25    network IPv4   checksum is       ok
    34-35    transport UDP  source port       85 c6 = 34246
    36-37    transport UDP  destination port  1e 6c = 7788
    38-39    transport UDP  length            00 0d = 13
    40-41    transport UDP  checksum          03 33
    40-41    transport UDP  checksum is       ok
    42-46    application    data              hello' "$output"
}

@test "layers: a wrong checksum is shown with the right one" {
    explain "$link${ip/32fe/1234}${udp/0333/0334}$hello"
    shows 'network IPv4' 'checksum is' 'wrong: 1234, should be 32fe'
    shows 'transport UDP' 'checksum is' 'wrong: 0334, should be 0333'
}

@test "layers: UDP checksum 0 means none over IPv4; one that is computed as 0 is sent as ffff" {
    explain "$link$ip${udp/0333/0000}$hello"
    shows 'transport UDP' 'checksum is' 'none'
    # The data "hello" with 03 33 added to its first two bytes: all adds up to ffff.
    explain "$link$ip${udp/0333/ffff}6b986c6c6f"
    shows 'transport UDP' 'checksum is' 'ok'
}

@test "layers: IPv6: its fields, and a checksum that must not be 0" {
    explain "$link6$ip6${udp/0333/1acb}$hello" "$link6$ip6${udp/0333/0000}$hello"
    shows 'network IPv6' 'version, flow' '60 00 00 00'
    shows 'network IPv6' 'payload length' '00 0d = 13'
    shows 'network IPv6' 'next header' '11 = 17'
    shows 'network IPv6' 'hop limit' '40 = 64'
    shows 'network IPv6' 'source' '= fe80::1'
    shows 'network IPv6' 'destination' '= fe80::2'
    shows 'transport UDP' 'checksum is' 'ok'
    shows 'transport UDP' 'checksum is' 'wrong: 0000, should be 1acb'
    shows 'application' 'data' 'hello'
}

@test "layers: of the fragments of a datagram, only the first has ports, and none can be checked" {
    explain "$link${ip/f3314000/f3312000}${udp/000d/0bc0}$hello" "$link${ip/f3314000/f3310001}$udp$hello"
    shows 'network IPv4' 'flags, offset' '20 00'
    equal 1 "$(grep -c 'source port' <<<"$output")"
    shows 'transport UDP' 'checksum is' 'that of all fragments together'
    equal '    42-46    application    data              hello' "$(grep data <<<"$output")"
    equal '    34-46    not unwrapped  bytes             85 c6 1e 6c 00 0d 03 33 68 65 6c 6c 6f' "$(tail -n 1 <<<"$output")"

    local fragment6=${ip6/000d11/00152c}
    explain "$link6${fragment6}1100000112345678${udp/000d/0bc0}$hello" \
        "$link6${fragment6}1100000812345678$udp$hello" \
        "$link6${fragment6}1100000012345678${udp/0333/1acb}$hello"
    equal 2 "$(grep -c 'source port' <<<"$output")"
    shows 'network IPv6' 'identification' '12 34 56 78'
    shows 'network IPv6' 'offset, flag' '00 08'
    shows 'transport UDP' 'checksum is' 'that of all fragments together'
    shows 'transport UDP' 'checksum is' 'ok' # an only fragment
    shows 'not unwrapped' bytes '85 c6 1e 6c 00 0d 03 33 68 65 6c 6c 6f'
}

@test "layers: a length that lies is told, and what follows is shown as bytes" {
    while read -r layer name value frame; do
        explain "$frame"
        shows "${layer/_/ }" "${name//_/ }" "wrong: ${value//_/ }"
        [[ $output != *application* ]]
        like '.* not unwrapped +bytes .*' "$(tail -n 1 <<<"$output")"
    done <<END
network_IPv4 header_length 16,_but_20_bytes_are_in_the_header $link${ip/4500/4400}$udp$hello
network_IPv4 header_length 60,_but_33_bytes_are_here $link${ip/4500/4f00}$udp$hello
network_IPv4 total_length 19,_but_20_bytes_are_in_the_header $link${ip/0021/0013}$udp$hello
network_IPv4 total_length 34,_but_33_bytes_are_here $link${ip/0021/0022}$udp$hello
network_IPv4 total_length 65535,_but_33_bytes_are_here $link${ip/0021/ffff}$udp$hello
network_IPv6 payload_length 14,_but_13_bytes_are_here $link6${ip6/000d/000e}$udp$hello
transport_UDP length 7,_but_8_bytes_are_in_the_header $link$ip${udp/000d/0007}$hello
transport_UDP length 0,_but_8_bytes_are_in_the_header $link$ip${udp/000d/0000}$hello
transport_UDP length 14,_but_13_bytes_are_here $link$ip${udp/000d/000e}$hello
END
}

@test "layers: a frame that ends too early is told, wherever it ends" {
    local whole=$link$ip$udp$hello whole6=$link6$ip6$udp$hello arp=${link/0800/0806}$ip$udp n frames=()
    for n in 14 33 34 41 46; do
        frames+=("${whole::2*n}" "${whole6::2*n}")
        ((n >= 42)) || frames+=("${arp::2*n}")
    done
    explain "${frames[@]}"
    shows 'network IPv4' 'header length' 'wrong: 20, but 0 bytes are here'
    shows 'network IPv4' 'header length' 'wrong: 20, but 19 bytes are here'
    shows 'network IPv4' 'total length' 'wrong: 33, but 20 bytes are here'
    shows 'network IPv4' 'total length' 'wrong: 33, but 32 bytes are here'
    shows 'network IPv6' 'header length' 'wrong: 40, but 32 bytes are here'
    shows 'link ARP' 'header length' 'wrong: 28, but 27 bytes are here'
    [[ $output != *application* ]]
}

@test "layers: what it does not know is shown as bytes: a type, a protocol, options, padding" {
    explain "${link/0800/88cc}0102" # LLDP
    shows 'not unwrapped' bytes '01 02'
    explain "$link${ip/4011/4001}$udp$hello" # ICMP
    shows 'not unwrapped' bytes '85 c6 1e 6c 00 0d 03 33 68 65 6c 6c 6f'
    local with_options=${ip/45000021/46000025}01010101
    explain "$link${with_options/32fe/2ff8}$udp$hello"
    shows 'network IPv4' options '01 01 01 01'
    shows 'network IPv4' 'checksum is' ok
    shows application data hello
    explain "$link$ip$udp${hello}0000000000000000000000000000000000"
    shows application data hello
    shows unused bytes '00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 \[shown: 16 of 17 bytes\]'
    # UDP may be shorter than what IP carries.
    explain "$link$ip${udp/000d/000b}$hello"
    shows application data hel
    shows unused bytes '6c 6f'
}

@test "layers: the data is shown as text that can do no harm, at most 64 bytes; none is no line" {
    explain "$link$ip${udp/0333/0000}1b5b6d0aff"
    shows application data '\\x1b\[m\\n\\xff'
    explain "$link${ip/0021/005d}${udp/000d/0049}$(printf 41%.0s {1..65})"
    shows application data 'A{64} \[shown: 64 of 65 bytes\]'
    explain "$link${ip/0021/001c}${udp/000d0333/00080000}"
    [[ $output != *application* ]]
}

# watch_lan ARGUMENTS SCRIPT: runs layers ARGUMENTS on host 2 while host 1 runs the script; when that ends,
# stops layers. The file `out` is what layers has shown, `err` what it has said.
watch_lan() {
    needs_lan
    run lan bash -c '
        : >err
        on 2 "$1/layers" $2 >out 2>err & pid=$!
        until grep -qs "bound to" err; do sleep 0.01; done
        eval "$3"
        kill -INT "$pid"
        wait "$pid"' bash "$BUILD" "$1" "$2"
    equal 0 "$status"
}

@test "layers: in the LAN: who has this address, the answer, the datagram; until Ctrl-C" {
    watch_lan '-p 7788 eth0' '
        "$1/sender" 10.77.0.2 7789 other
        "$1/sender" 10.77.0.2 7788 hello
        until grep -q hello out; do sleep 0.01; done'
    equal '#1 received 42 bytes on eth0
#2 sent 42 bytes on eth0
#3 received 47 bytes on eth0' "$(grep '^#' out)"
    output=$(<out)
    shows 'link Ethernet' destination 'ff ff ff ff ff ff'
    shows 'link ARP' operation '00 01 = 1'
    shows 'link ARP' operation '00 02 = 2'
    shows 'link ARP' 'sender MAC' '02 00 00 00 00 02'
    shows 'link ARP' 'target IP' '0a 4d 00 02 = 10.77.0.2'
    shows 'transport UDP' checksum '14 bb'
    shows 'transport UDP' 'checksum is' 'left to the network card'
    equal 'layers: bound to eth0
layers: stopped after 3 frames' "$(<err)"
}

@test "layers: in the LAN, a frame crosses the bridge even if its lengths lie" {
    watch_lan eth0 "
        printf '$(sed 's/../\\x&/g' <<<"020000000002020000000001${link:24}${ip/0021/ffff}$udp$hello")' |
            \"\$1/probe\" frame eth0
        until grep -q 65535 out; do sleep 0.01; done"
    output=$(<out)
    shows 'network IPv4' 'total length' 'wrong: 65535, but 33 bytes are here'
}

@test "layers: says how many frames it was too slow for" {
    watch_lan '-p 7788 eth0' '
        kill -STOP "$pid"
        "$1/probe" flood 10.77.0.2 7788 3000 64
        kill -CONT "$pid"
        until grep -q last out; do "$1/sender" 10.77.0.2 7788 last; sleep 0.01; done'
    local shown dropped
    shown=$(grep -c '^#' out)
    dropped=$(sed -n 's/^layers: \([0-9]*\) frames came too fast, and were dropped$/\1/p' err)
    echo "shown: $shown, dropped: $dropped"
    ((dropped > 0 && shown + dropped > 2900))
}

@test "layers: without INTERFACE it looks at all of them, without -p at all frames; -c COUNT ends it" {
    watch_lan '-c 2000000000000' '
        on 2 "$1/sender" 127.0.0.1 7788 inside
        "$1/sender" 10.77.0.2 7788 outside
        until grep -q inside out && grep -q outside out; do sleep 0.01; done'
    equal 'layers: bound to all interfaces' "$(head -n 1 err)"
    equal 1 "$(grep -c inside out)" # once, though loopback sends it and receives it
    grep -q 'bytes on lo$' out
    grep -q 'bytes on eth0$' out
    watch_lan '-c 1 -p 7788 lo' '
        for i in 1 2 3; do on 2 "$1/sender" 127.0.0.1 7788 $i; done
        while kill -0 "$pid"; do sleep 0.01; done'
    equal 'layers: stopped after 1 frame' "$(tail -n 1 err)"
    for bad in 0 '' -1 +1 1x 0x1; do
        run "$BUILD/layers" -c "$bad"
        equal 2 "$status"
        equal "layers: bad COUNT \"$bad\": a number from 1" "${lines[0]}"
    done
}

@test "layers: without the privilege, the error names a way out, exit 1" {
    # In a user namespace, root has no rights over the network outside.
    run unshare -Ur "$BUILD/layers" lo
    [[ $output != unshare:* ]] || skip 'no user namespaces here'
    equal 1 "$status"
    equal 'layers: cannot create a packet socket: Operation not permitted (only root may; in `make lan` you are root)' "$output"
}

@test "layers: output that cannot be written ends it with a message, exit 1" {
    needs_lan
    run lan bash -c '
        "$1/layers" lo >/dev/full 2>err & pid=$!
        until grep -qs "bound to" err; do sleep 0.01; done
        "$1/sender" 127.0.0.1 7788 hello
        wait "$pid"' bash "$BUILD"
    equal 1 "$status"
    equal 'layers: cannot write standard output: No space left on device' "$(tail -n 1 err)"
}
