# Lesson 14: multicast. Its arguments: program.bats.
#
# All of it is in virtual LANs: nothing here is ever multicast on a real network.
#
# shellcheck disable=SC2001,SC2016,SC2034,SC2154  # scripts for an inner bash are in quotes; helpers and bats set the rest

load helpers

lan_functions='
    # member NAME HOST ARGUMENT...: as start, for multicast.
    member() {
        start "$1" "$2" multicast "${@:3}"
    }

    # send ARGUMENT...: multicasts on host 1, and does not wait for what comes.
    send() {
        multicast -w 0.001 "$@" >/dev/null 2>send.err
    }
    '

# says TEXT: that is in $output, but for the reasons of errors, for which each C library has its own words.
says() {
    equal "$1" "$(sed -E 's/: [A-Z][a-z ]+ \(/: REASON (/' <<<"$output")"
}

# reaches_members GROUP OTHER SHOWN SOURCE: host 1 sends to GROUP, of which OTHER is none. The last two are
# how the group and the host are shown.
reaches_members() {
    in_lan '
        member one 2 -i eth0 '"$1"'
        member two 2 -i eth0 '"$1"'
        member three 3 -i eth0 '"$1"'
        member other 3 -i eth0 '"$2"'
        member self 1 -i eth0 '"$1"' 7788 hello
        send -i eth0 '"$2"' 7788 other
        send -i eth0 '"$1"' 7788 end
        for name in one two three self; do await end "$name"; done
        await other other'
    for name in one two three; do
        equal "received 5 bytes from $4: hello
received 3 bytes from $4: end" "$(<"$name")"
        equal "multicast: bound to $3" "$(<"$name.err")"
    done
    equal "sent 5 bytes to $3
$(<one)" "$(<self)"
    equal "received 5 bytes from $4: other" "$(<other)"
}

@test "multicast: one datagram reaches each member, two on one host and the sender, too; nobody else" {
    reaches_members 239.1.2.3 239.1.2.4 239.1.2.3:7788 10.77.0.1:7788
}

@test "multicast: over IPv6, too: a group of one link, and one that goes farther" {
    needs_ipv6
    reaches_members ff12::1 ff12::2 '[ff12::1%eth0]:7788' '[fe80::ff:fe00:1%eth0]:7788'
    reaches_members ff15::1 ff15::2 '[ff15::1]:7788' '[fd77::1]:7788'
}

@test "multicast: who sends need not be a member; what comes for the host or for all hosts is not shown" {
    in_lan '
        member member 2 -i eth0 239.1.2.3
        member other 2 -i eth0 239.1.2.4
        sender 10.77.0.2 7788 unicast
        broadcast -w 0.001 10.77.0.255 7788 broadcast
        ip route add 224.0.0.0/4 dev eth0
        sender 239.1.2.4 7788 other
        sender 239.1.2.3 7788 end
        await end member'
    like 'received 3 bytes from 10\.77\.0\.1:[0-9]+: end' "$(<member)"
}

@test "multicast: what strangers send does no harm; more than 2048 bytes are cut, and it says so" {
    # A frame from source port 0, without a UDP checksum.
    frame=01005e0102030200000000010800450000210001400001117e790a4d0001ef01020300001e6c000d0000$(printf 'port0' | od -An -tx1 | tr -d ' ')
    in_lan '
        member member 2 -i eth0 239.1.2.3
        ip route add 224.0.0.0/4 dev eth0
        printf "\33[2J\n\342\200\256\377" | probe send 239.1.2.3 7788
        probe send 239.1.2.3 7788 </dev/null
        printf "%065507d" 0 | probe send 239.1.2.3 7788
        printf "'"$(sed 's/../\\x&/g' <<<"$frame")"'" | probe frame eth0
        await port0 member'
    mapfile -t lines <member
    like 'received 9 bytes from .*: \\x1b\[2J\\n\\u202e\\xff' "${lines[0]}"
    like 'received 0 bytes from .*: ' "${lines[1]}"
    like 'received 65507 bytes from .*: 0{2048} \[cut: 2048 of 65507 bytes\]' "${lines[2]}"
    equal 'received 5 bytes from 10.77.0.1:0: port0' "${lines[3]}"
    equal 4 "${#lines[@]}"
}

@test "multicast: sends TEXT as it is, an empty one too; one that is too long is an error, exit 1" {
    in_lan '
        member member 2 -i eth0 239.1.2.3
        send -i eth0 239.1.2.3 7788 ""
        send -i eth0 239.1.2.3 7788 $'\''\377\304'\''
        multicast -i eth0 -w 0.001 239.1.2.3 7788 "$(printf "%065508d" 0)" || echo "exit $?"
        send -i eth0 239.1.2.3 7788 "$(printf "%065507d" 0)"
        await cut member'
    says 'multicast: bound to 239.1.2.3:7788
multicast: cannot send 65508 bytes to 239.1.2.3:7788: REASON (a datagram carries at most 65507 bytes, over IPv6 65527)
exit 1' "$output"
    equal 'received 0 bytes from 10.77.0.1:7788: 
received 2 bytes from 10.77.0.1:7788: \xff\xc4' "$(head -n 2 member)"
    equal 3 "$(wc -l <member)"
}

# counts_hops GROUP FIELD: of its datagrams, -t sets the FIELD of the network layer.
counts_hops() {
    in_lan '
        start frames 2 layers -p 7788 eth0
        member inside 1 -i eth0 '"$1"'
        member outside 2 -i eth0 '"$1"'
        send -i eth0 -t 0 '"$1"' 7788 zero
        send -i eth0 '"$1"' 7788 one
        send -i eth0 -t 255 '"$1"' 7788 many
        for name in inside outside frames; do await many "$name"; done'
    equal 'zero one many' "$(sed 's/.*: //' inside | paste -sd ' ')"
    equal 'one many' "$(sed 's/.*: //' outside | paste -sd ' ')"
    equal '1 255' "$(sed -n "s/.*$2 .* = //p" frames | paste -sd ' ')"
}

@test "multicast: -t says how many networks far: 1 if it is left out; 0 is this host" {
    counts_hops 239.1.2.3 'time to live'
}

@test "multicast: -t over IPv6" {
    needs_ipv6
    counts_hops ff12::1 'hop limit'
}

@test "multicast: joins and leaves, and tells the network; however it ends, the membership ends" {
    in_lan '
        start frames 3 layers eth0
        for signal in 1=INT 2=TERM 3=KILL; do
            member member 2 -i eth0 "239.1.2.${signal%=*}"
            on 2 grep -c "0${signal%=*}0201EF" /proc/net/igmp
            await "04 00 00 00 ef 01 02 0${signal%=*}" frames # RFC 3376, section 4.2.12: from now on, all of it
            kill "-${signal#*=}" "$pid"
            wait "$pid" 2>/dev/null || [ "$signal" = 3=KILL ]
            on 2 grep -c 0201EF /proc/net/igmp || true
            await "03 00 00 00 ef 01 02 0${signal%=*}" frames # none of it
        done'
    equal '1 0 1 0 1 0' "$(paste -sd ' ' <<<"$output")"
}

@test "multicast: joins and leaves over IPv6" {
    needs_ipv6
    in_lan '
        member member 2 -i eth0 ff12::1
        on 2 grep -c "eth0 *ff12" /proc/net/igmp6
        kill "$pid"
        wait "$pid"
        on 2 grep -c "eth0 *ff12" /proc/net/igmp6 || true'
    equal '1 0' "$(paste -sd ' ' <<<"$output")"
}

# Hosts 1 and 2 get a second network between them.
second_network='
    ip link add eth1 type veth peer name eth1 netns host2
    for host in 1 2; do
        on "$host" ip address add "10.78.0.$host/24" dev eth1
        on "$host" ip address add "fe80::$host/64" dev eth1 nodad 2>/dev/null || true
        on "$host" ip link set eth1 up
    done
    for host in 1 2; do # until it is, the kernel drops what it sends
        until on "$host" ip link show dev eth1 | grep -q "state UP"; do sleep 0.01; done
    done
    ip route add 239.0.0.0/8 dev eth1
    '

@test "multicast: -i says where it joins and sends; without, the route does" {
    in_lan "$second_network"'
        for options in "-i eth1" ""; do
            member member 2 -i eth1 239.1.2.3
            send -i eth0 239.1.2.3 7788 wrong
            send $options 239.1.2.3 7788 right
            await right member
            kill "$pid"
            cat member
        done'
    equal 'received 5 bytes from 10.78.0.1:7788: right
received 5 bytes from 10.78.0.1:7788: right' "$output"
}

@test "multicast: over IPv6, -i or the address says where it joins and sends" {
    needs_ipv6
    in_lan "$second_network"'
        for group in "ff12::1%eth1" "-i eth1 ff12::1" "-i eth1 ff15::1"; do
            member member 2 $group
            on 2 grep -o "eth. *ff1[25]" /proc/net/igmp6
            alone=${group##* }
            send -i eth0 "${alone%\%*}" 7788 wrong
            send $group 7788 right
            await right member
            kill "$pid"
            cat member
        done'
    for group in 2 2 5; do
        printf 'eth1 ff1%s\nright\n' "$group"
    done | diff - <(sed -E 's/ +/ /; s/.*: //' <<<"$output")
}

@test "multicast: an error says what is wrong and what to try, exit 1; nothing was sent" {
    in_lan '
        start frames 2 layers -p 7788 eth0
        start room 1 chatroom 7787
        try() {
            multicast -w 0.001 "$@" && exit
            echo "exit $?"
        }
        try 239.1.2.3 7788 text
        try -i no-such 239.1.2.3 7788 text
        try -i eth0 239.1.2.3 7787 text
        ip link set eth0 down
        try -i eth0 239.1.2.3 7788 text
        ip link set eth0 up
        sender 10.77.0.2 7788 end
        await end frames' # the first that comes
    says 'multicast: cannot join 239.1.2.3: REASON (no route leads to this group: name an interface, as in -i eth0)
exit 1
multicast: cannot find the interface no-such: REASON (`ip link` lists them)
exit 1
multicast: cannot bind to 239.1.2.3:7787: REASON (a program has it for itself: take another port)
exit 1
multicast: bound to 239.1.2.3:7788
multicast: cannot send 4 bytes to 239.1.2.3:7788: REASON (no route leads there, or the interface is down: see `ip route` and `ip link`)
exit 1
sent 3 bytes to 10.77.0.2:7788' "$output"
    [[ $(<frames) != *text* ]]
}

@test "multicast: over IPv6, a group of one link needs an interface that has a route: errors, exit 1" {
    needs_ipv6
    in_lan '
        multicast -w 0.001 ff12::1 7788 text || echo "exit $?"
        multicast -w 0.001 -i lo ff12::1 7788 text || echo "exit $?"
        send -i eth0 ff11::1 7788 text' # a group of one interface: that works
    says 'multicast: cannot bind to [ff12::1]:7788: REASON (it needs an interface, as in ff12::1%eth0)
exit 1
multicast: bound to [ff12::1%lo]:7788
multicast: cannot send 4 bytes to [ff12::1%lo]:7788: REASON (no route leads there, or the interface is down: see `ip route` and `ip link`)
exit 1' "$output"
}

@test "multicast: a GROUP that is none, or a bad HOPS, is a usage error, exit 2" {
    in_lan '
        for group in 223.255.255.255 240.0.0.0 127.0.0.1 localhost ::1 fe80::1 ::ffff:239.1.2.3; do
            status=0
            multicast "$group" 7788 text 2>err || status=$?
            [ "$status: $(head -n 1 err)" = "2: multicast: $group is no group: see -h" ]
        done
        for hops in 256 -1 "" 1x +1 0x1 18446744073709551617; do
            status=0
            multicast -t "$hops" 239.1.2.3 7788 text 2>err || status=$?
            [ "$status: $(head -n 1 err)" = "2: multicast: bad number of hops \"$hops\": a number from 0 to 255" ]
        done
        send -i eth0 224.0.0.0
        send -i eth0 239.255.255.255'
}

@test "multicast: Ctrl-C, SIGTERM and the end of -w end it, in a flood too, with the count of what it printed" {
    in_lan '
        ip route add 224.0.0.0/4 dev eth0
        multicast -w 0.001 239.1.2.3
        probe flood 239.1.2.3 7788 100000000 64 & flood=$!
        for signal in INT TERM; do
            member "$signal" 1 239.1.2.3
            await received "$signal"
            kill "-$signal" "$pid"
            wait "$pid"
        done
        multicast -w 0.1 239.1.2.3 >w 2>w.err
        kill "$flood"'
    equal 'multicast: bound to 239.1.2.3:7788
multicast: stopped after 0 datagrams' "$output"
    for end in w INT TERM; do
        count=$(wc -l <"$end")
        like "multicast: stopped after $count datagrams?" "$(tail -n 1 "$end.err")"
    done
}

@test "multicast: a signal at any moment stops it, from its start on" {
    in_lan '
        for round in {1..24}; do
            : >err
            env --default-signal multicast -i eth0 239.1.2.3 2>err & pid=$!
            until [[ $(<"/proc/$pid/comm") == multicast ]]; do :; done
            ((round % 4 == 0)) || sleep "0.00$((RANDOM % 10))"
            ready=$(grep -c "bound to" err || true)
            ((round % 2)) && kill "$pid" || kill -INT "$pid"
            status=0
            wait "$pid" 2>/dev/null || status=$?
            echo "$ready $status $(grep -c stopped err || true)"
        done'
    # Before it is ready, a signal ends it as it ends any program.
    equal '' "$(grep -vxE '(1 0 1|0 0 1|0 1(30|43) 0)' <<<"$output" || true)"
}

@test "multicast: output that cannot be written ends it with a message, exit 1" {
    in_lan '
        for redirection in ">/dev/full" ">&-"; do
            member member 2 -i eth0 239.1.2.3
            eval "multicast -i eth0 239.1.2.3 7788 hello $redirection" || echo "exit $?"
            await hello member # though it was sent
            kill "$pid"
        done'
    equal 'multicast: bound to 239.1.2.3:7788
multicast: cannot write standard output: No space left on device
exit 1
multicast: bound to 239.1.2.3:7788
multicast: cannot write standard output: Bad file descriptor
exit 1' "$output"
}

@test "multicast: if the route of the group is gone when it leaves, it warns, and the count is still told" {
    in_lan '
        ip route add 224.0.0.0/4 dev eth0
        member member 1 239.1.2.3 7788 hello
        await received member
        ip route del 224.0.0.0/4
        kill "$pid"
        wait "$pid"
        grep -c 030201EF /proc/net/igmp || true'
    equal 0 "$output"
    equal 'multicast: bound to 239.1.2.3:7788
multicast: cannot leave 239.1.2.3: No such device
multicast: stopped after 1 datagram' "$(<member.err)"
}
