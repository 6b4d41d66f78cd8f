# Module endpoint: who is at the other end.
#
# shellcheck disable=SC2154,SC2016  # helpers set pid, port, status; scripts for an inner bash are quoted

load helpers

# isolated SCRIPT ARGUMENT...: runs a bash script in a network and a list of hosts of its own: names
# are looked up in the file `hosts` alone, and nothing that is sent leaves.
isolated() {
    timeout -k 1 60 unshare -Urnmpf --kill-child bash -c '
        set -e
        PATH=$PATH:/usr/sbin:/sbin
        mount -t proc proc /proc 2>/dev/null || true # LeakSanitizer looks there, for our process numbers
        mount --bind hosts /etc/hosts
        echo "hosts: files" >switch
        [ ! -e /etc/nsswitch.conf ] || mount --bind switch /etc/nsswitch.conf
        # musl asks name servers all the same: let it not wait long for those that cannot be reached.
        printf "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n" >resolv
        [ ! -e /etc/resolv.conf ] || mount --bind resolv /etc/resolv.conf
        ip link set lo up
        '"$1" "$@" 3>&-
}

needs_isolation() {
    local reason
    : >hosts
    has_ip || skip "ip is missing (iproute2)"
    reason=$(isolated true 2>&1) || skip "no network of its own here: $reason"
}

# serve_and_send OPTION...: in a script for isolated: `bind` with these options, then `sender` to the
# host $host; what they say is in bind.err, bind.out and sender.out.
serve_and_send() {
    rm -f bind.*
    "$BUILD/bind" "$@" 0 >bind.out 2>bind.err & pid=$!
    until grep -q 'bound to' bind.err || ! kill -0 $pid; do sleep 0.01; done
    port=$(sed 's/.*://' bind.err)
    "$BUILD/sender" "$host" "$port" hello >sender.out
    wait $pid
}

# fails_to_find NAME PROGRAM ARGUMENT...: in a script for isolated: the program says that it cannot
# find the host, and exits 1.
fails_to_find() {
    local name=$1 status=0
    shift
    "$BUILD/$1" "${@:2}" >out 2>err </dev/null || status=$?
    echo "$*: exit $status: $(cat out err)"
    [[ $status == 1 && ! -s out && $(cat err) == "$1: cannot find the host \"$name\": "?* ]]
    [[ $(wc -l <err) == 1 ]]
}
export -f serve_and_send fails_to_find
export BUILD

# fails COMMAND...: exit 1, one line on standard error, nothing on standard output; $output is it.
fails() {
    status=0
    [[ $1 == isolated ]] || set -- timeout 60 "$@"
    "$@" >out 2>err </dev/null || status=$?
    output=$(cat err)
    equal 1 "$status"
    equal '' "$(cat out)"
    equal 1 "$(wc -l <err)"
}

# talk ADDRESS SHOWN HOST...: `bind` waits at ADDRESS, `sender` sends to each HOST; both print SHOWN.
talk() {
    local shown=$2 host
    serve bind "$BUILD/bind" -b "$1" 0
    equal "bind: bound to $shown:$port" "$(cat bind.err)"
    for host in "${@:3}"; do
        equal "sent 5 bytes to $shown:$port" "$("$BUILD/sender" "$host" "$port" hello)"
    done
    await_exit "$pid"
    equal 0 "$status"
    equal "received 5 bytes from $shown:PORT: hello" "$(sed 's/:[0-9]*: hello$/:PORT: hello/' bind.out)"
}

# ------------------------------------- HOST --------------------------------------

@test "endpoint: HOST is an IPv4 address" {
    talk 127.0.0.1 127.0.0.1 127.0.0.1
}

@test "endpoint: HOST is an IPv6 address, printed in brackets" {
    needs_ipv6
    talk ::1 '[::1]' ::1 0:0:0:0:0:0:0:1
}

@test "endpoint: HOST is a name" {
    grep -qw '^127\.0\.0\.1.*localhost' /etc/hosts || skip "localhost is not in /etc/hosts"
    talk localhost 127.0.0.1 localhost
}

@test "endpoint: of a name with IPv6 and IPv4 addresses, IPv4 is taken; with IPv6 alone, IPv6" {
    needs_isolation
    needs_ipv6
    printf '%s\n' '::1 both.test six.test' '2001:db8::1 six.test' '127.0.0.1 both.test' >hosts
    isolated '
        "$BUILD/sender" both.test 8080 hello
        "$BUILD/sender" six.test 8080 hello' >out
    equal 'sent 5 bytes to 127.0.0.1:8080 sent 5 bytes to [::1]:8080' "$(paste -sd ' ' out)"
}

@test "endpoint: a host that does not exist is an error that names it, exit 1" {
    needs_isolation
    isolated '
        for name in no-such-host.invalid 127.0.0.256 127.0.0.1.1 ::1::1 "[::1]" 127.0.0.1:8080 ""; do
            fails_to_find "$name" sender "$name" 8080 hello
        done'
}

@test "endpoint: every program that takes HOST or ADDRESS looks it up" {
    needs_isolation
    isolated '
        for command in "receiver no.invalid 8080 x" "bind -b no.invalid 0" "echo -b no.invalid 0" \
            "chatroom -b no.invalid 0" "threaded-chat -l 0 no.invalid" \
            "threaded-chat -l 0 -b no.invalid 127.0.0.1" "broadcast no.invalid 7788"; do
            fails_to_find no.invalid $command
        done'
}

# ------------------------------------- text --------------------------------------

@test "endpoint: an IPv4-mapped IPv6 address prints as the IPv4 address in it" {
    needs_ipv6
    talk ::ffff:127.0.0.1 127.0.0.1 ::ffff:127.0.0.1
}

@test "endpoint: a server on all addresses of both families hears IPv4 and IPv6, prints each" {
    needs_isolation
    needs_ipv6
    for host in 127.0.0.1 ::1; do
        isolated 'host=$1; serve_and_send -b ::' "$host"
        like 'bind: bound to \[::\]:[0-9]+' "$(cat bind.err)"
        [[ $host != ::1 ]] || host='\[::1\]'
        like "received 5 bytes from $host:[0-9]+: hello" "$(cat bind.out)"
    done
}

@test "endpoint: a link-local address keeps its interface" {
    needs_isolation
    needs_ipv6
    isolated '
        ip link add lab0 type veth peer name lab1
        ip link set lab1 up
        ip -6 address add fe80::77/64 dev lab0 nodad
        ip link set lab0 up
        host=fe80::77%lab0
        serve_and_send -b fe80::77%lab0
        ! "$BUILD/bind" -b fe80::77 0 2>refused'
    like 'bind: bound to \[fe80::77%lab0\]:[0-9]+' "$(cat bind.err)"
    like 'sent 5 bytes to \[fe80::77%lab0\]:[0-9]+' "$(cat sender.out)"
    like 'received 5 bytes from \[fe80::77%lab0\]:[0-9]+: hello' "$(cat bind.out)"
    like 'bind: cannot bind to \[fe80::77\]:0: Invalid argument .*fe80::1%eth0\)' "$(cat refused)"
}

@test "endpoint: an interface that is not there: the reason is that of the send" {
    needs_isolation
    needs_ipv6
    isolated '"$BUILD/sender" fe80::1%99 7788 hello 2>refused || true'
    like 'sender: cannot send 5 bytes to \[fe80::1%99\]:7788: Network (is )?unreachable .*' "$(cat refused)"
}

@test "endpoint: the longest addresses are printed whole" {
    needs_isolation
    needs_ipv6
    isolated '
        ip -6 address add 2001:db8:1111:2222:3333:4444:5555:6666/128 dev lo nodad
        "$BUILD/sender" 2001:db8:1111:2222:3333:4444:5555:6666 65535 hello' >out
    equal 'sent 5 bytes to [2001:db8:1111:2222:3333:4444:5555:6666]:65535' "$(cat out)"
}

# ------------------------------------- PORT --------------------------------------

@test "endpoint: port 0 picks a free one, another for each program" {
    for name in bind chatroom echo; do
        serve "$name" "$BUILD/$name" -b 127.0.0.1 0
        ((port > 0))
        echo "$port"
    done >ports
    serve chat "$BUILD/threaded-chat" -b 127.0.0.1 -l 0 127.0.0.1
    ((port > 0))
    echo "$port" >>ports
    equal 4 "$(sort -u ports | wc -l)"
}

@test "endpoint: a port is decimal: leading zeros do not make it octal; 1 and 65535 are ports" {
    serve bind "$BUILD/bind" -b 127.0.0.1 000
    equal "sent 5 bytes to 127.0.0.1:$port" "$("$BUILD/sender" 127.0.0.1 "000$port" hello)"
    await_exit "$pid"
    equal 0 "$status"
    equal "sent 1 bytes to 127.0.0.1:1" "$("$BUILD/sender" 127.0.0.1 1 x)"
    equal "sent 1 bytes to 127.0.0.1:65535" "$("$BUILD/sender" 127.0.0.1 65535 x)"
}

@test "endpoint: a port that is taken is an error that names it and says what to do, exit 1" {
    serve first "$BUILD/echo" -b 127.0.0.1 0
    reason="cannot bind to 127\.0\.0\.1:$port: Address.*in use \(take another port, or 0.*\)"
    for name in bind chatroom echo; do
        fails "$BUILD/$name" -b 127.0.0.1 "$port"
        like "$name: $reason" "$output"
    done
    fails "$BUILD/threaded-chat" -b 127.0.0.1 -l "$port" 127.0.0.1
    like "threaded-chat: $reason" "$output"
    kill -0 "$pid" # the first one goes on
    equal "received 1 bytes from 127.0.0.1:$port: x" \
        "$("$BUILD/receiver" -w 5 127.0.0.1 "$port" x | tail -n 1)"
}

@test "endpoint: a port can be taken again as soon as its program has ended" {
    serve first "$BUILD/echo" -b 127.0.0.1 0
    "$BUILD/receiver" -w 5 127.0.0.1 "$port" hello
    stop "$pid"
    serve second "$BUILD/echo" -b 127.0.0.1 "$port"
    "$BUILD/receiver" -w 5 127.0.0.1 "$port" hello
}

@test "endpoint: a port below 1024 without the right to it is an error that says so, exit 1" {
    needs_isolation
    # The second user namespace has no rights over the network of the first.
    fails isolated '
        echo 1024 >/proc/sys/net/ipv4/ip_unprivileged_port_start 2>/dev/null || true
        exec unshare -U "$BUILD/bind" -b 127.0.0.1 80'
    like 'bind: cannot bind to 127\.0\.0\.1:80: Permission denied \(.*root.*\)' "$output"
}

@test "endpoint: an address that is not this machine's is an error that says so, exit 1" {
    for name in bind chatroom echo; do
        fails "$BUILD/$name" -b 192.0.2.1 0 # for documentation (RFC 5737): nobody has it
        like "$name: cannot bind to 192\.0\.2\.1:0: .* \(this machine has no such address\)" "$output"
    done
    fails "$BUILD/threaded-chat" -l 0 -b 192.0.2.1 127.0.0.1
    like 'threaded-chat: cannot bind to 192\.0\.2\.1:0: .* address\)' "$output"
}

# sending_to HOST...: a line for each: the endpoint, and the advice of the error.
sending_to() {
    isolated "
        ip route add unreachable 10.1.0.0/24
        ip route add prohibit 10.2.0.0/24
        ip route add blackhole 10.3.0.0/24
        ! ip -6 route add unreachable fd01::/64 2>/dev/null || ip -6 route add prohibit fd02::/64
        for host in $*; do
            ! \"\$BUILD/sender\" \$host 7788 x 2>>said
        done"
    sed -E 's/^sender: cannot send 1 bytes to (.*:7788): [^(]*/\1 /' said
}

@test "endpoint: a datagram that cannot be sent is an error with the advice that is true of it" {
    needs_isolation
    equal "10.1.0.1:7788 (this machine's routing table forbids it)
10.2.0.1:7788 (a broadcast needs SO_BROADCAST; else the routing table forbids it)
10.3.0.1:7788 (a socket bound to 127.0.0.1 reaches only this machine; else the routing table forbids it)
127.255.255.255:7788 (a broadcast needs SO_BROADCAST; else the routing table forbids it)
10.4.0.1:7788 (no route; 127.0.0.1, or 127.255.255.255 to broadcast, is this machine)" \
        "$(sending_to 10.{1,2,3}.0.1 127.255.255.255 10.4.0.1)"
}

@test "endpoint: over IPv6, the advice is IPv6's" {
    needs_isolation
    needs_ipv6
    equal "[fd01::1]:7788 (this machine's routing table forbids it)
[fd02::1]:7788 (this machine's routing table forbids it)
[fd04::1]:7788 (no route; ::1 is this machine)" "$(sending_to fd0{1,2,4}::1)"
    output=$(isolated 'echo x | "$BUILD/threaded-chat" -b ::1 127.0.0.1 2>&1 | grep not')
    like '.* to 127\.0\.0\.1:4567: Network[^(]*' "$output"
    output=$(isolated 'echo x | "$BUILD/threaded-chat" -b 127.0.0.1 ::1 2>&1 | grep not')
    like '.*\(the socket is bound to an IPv4 address\)' "$output"
}

@test "endpoint: where IPv6 is off, sending to ::1 says so" {
    needs_isolation
    needs_ipv6
    fails isolated 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6; exec "$BUILD/sender" ::1 7788 x'
    like '.*\(this machine has no IPv6 address to send from\)' "$output"
}
