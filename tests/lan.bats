# The virtual classroom LAN: lessons/lan.
#
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154  # bash -c gets its script quoted; $pid is set by start

load helpers

LAN=$ROOT/lessons/lan

# What an outer tmux or make says must not matter here.
unset TMUX MAKEFLAGS MFLAGS MAKELEVEL

# One try for the whole file, in place of one for each test.
setup_file() {
    NO_LAN=$("$LAN" 2 true 2>&1) || NO_LAN=${NO_LAN:-lan failed}
    export NO_LAN
}

needs_lan() {
    [ -z "$NO_LAN" ] || skip "no virtual LAN here: $NO_LAN"
}

# await_gone NAMESPACE WORD: waits until no process is in the network namespace any more, and none
# has the word on its command line.
await_gone() {
    local naps=0 left
    while left=$(grep -lsaF -f <(echo "$2") /proc/[0-9]*/cmdline || true
        find /proc/[0-9]*/ns/net -lname "${1/[/\\[}" 2>/dev/null || true) && [ -n "$left" ]; do
        keep_waiting || { echo "in $DEADLINE s, these did not end: $left"; return 1; }
    done
}

@test "lan: -h prints the usage" {
    run "$LAN" -h
    equal 0 "$status"
    equal 'usage: lan [HOSTS [COMMAND...]]' "${lines[0]}"
    "$LAN" -h 2>errors >/dev/null
    equal '' "$(cat errors)"
}

@test "lan: a bad number of hosts is a usage error, exit 2" {
    for hosts in 0 1 201 2x -1 three 99999999999999999999; do
        run "$LAN" "$hosts" true
        equal 2 "$status"
        equal "lan: bad number of hosts \"$hosts\": a number from 2 to 200
usage: lan [HOSTS [COMMAND...]]" "$output"
    done
}

@test "lan: where namespaces are not allowed, says so, and why, exit 1" {
    mkdir bin
    printf '#!/bin/sh\necho "unshare: Operation not permitted" >&2\nexit 1\n' >bin/unshare
    printf '#!/bin/sh\n' | tee bin/nsenter >bin/ip
    chmod +x bin/*
    PATH=$PWD/bin:$PATH run "$LAN" 3 true
    equal 1 "$status"
    equal 'lan: this system does not allow network namespaces here: unshare: Operation not permitted' \
        "$output"
}

@test "lan: a missing tool is named, with what to install, exit 1" {
    [ ! -e /usr/sbin/unshare ] && [ ! -e /sbin/unshare ] || skip "unshare cannot be hidden here"
    mkdir bin
    ln -s "$(command -v bash)" bin/bash
    PATH=$PWD/bin run "$LAN" 3 true
    equal 1 "$status"
    like 'lan: unshare is missing: install util-linux and iproute2, .*' "$output"
}

@test "lan: busybox's tools are not enough, and it says so" {
    has_ip || skip "ip is missing (iproute2)"
    mkdir bin
    printf '#!/bin/sh\necho "env: unrecognized option: default-signal=INT" >&2\nexit 1\n' >bin/env
    chmod +x bin/env
    PATH=$PWD/bin:$PATH run bash "$LAN" 2 true
    equal 1 "$status"
    like 'lan: it needs the tools of coreutils, util-linux and iproute2.*: env: unrecognized option.*' "$output"
}

@test "lan: every host has its addresses, MAC and IP, and reaches every other one" {
    needs_lan
    run lan bash -c '
        for host in 1 2 3; do on "$host" ip -o link show dev eth0; done'
    for host in 1 2 3; do
        like ".* link/ether 02:00:00:00:00:0$host brd .*" "${lines[host - 1]}"
    done
    run lan bash -c '
        for to in 1 2 3; do
            for from in 1 2 3; do
                on "$to" "$1/bind" >out 2>err & pid=$!
                until grep -qs "bound to" err; do sleep 0.01; done
                on "$from" "$1/sender" "10.77.0.$to" 7788 "from $from to $to" >/dev/null
                wait "$pid" && cat out && rm err
            done
        done' bash "$BUILD"
    equal 0 "$status"
    for line in {0..8}; do
        to=$((line / 3 + 1)) from=$((line % 3 + 1))
        like "received 11 bytes from 10\.77\.0\.$from:[0-9]+: from $from to $to" "${lines[line]}"
    done
}

@test "lan: a broadcast goes to all the other hosts: 10.77.0.255, and a route for 255.255.255.255" {
    needs_lan
    run lan bash -c '
        ip -o -4 address show dev eth0; ip route
        for address in 10.77.0.255 255.255.255.255; do
            for host in 1 3; do
                on "$host" "$1/bind" >"out$host" 2>"err$host" &
            done
            until grep -qs "bound to" err1 && grep -qs "bound to" err3; do sleep 0.01; done
            on 2 "$1/broadcast" -w 0.01 "$address" 2>/dev/null
            wait && cat out1 out3 && rm err1 err3
        done' bash "$BUILD"
    equal 0 "$status"
    [[ $output == *'inet 10.77.0.1/24 brd 10.77.0.255 '* && $output == *$'\n255.255.255.255 dev eth0'* ]]
    equal 4 "$(grep -c 'received 2 bytes from 10.77.0.2:[0-9]*: Hi' <<<"$output")"
}

@test "lan: IPv6 works at once, with fd77::N and with the link-local address" {
    needs_lan
    needs_ipv6
    run lan bash -c '
        link=$(on 2 ip -6 -o address show dev eth0 scope link | grep -o "fe80:[^/]*")
        for to in fd77::2 "$link%eth0"; do
            on 2 "$1/bind" -b "$to" >out 2>err & pid=$!
            until grep -qs "bound to" err; do kill -0 "$pid" || exit; sleep 0.01; done
            "$1/sender" "$to" 7788 hello && wait "$pid" && cat out && rm err
        done' bash "$BUILD"
    equal 0 "$status"
    equal 'sent 5 bytes to [fd77::2]:7788' "${lines[0]}"
    like 'received 5 bytes from \[fd77::1\]:[0-9]+: hello' "${lines[1]}"
    like 'received 5 bytes from \[fe80::[^]]*%eth0\]:[0-9]+: hello' "${lines[3]}"
}

@test "lan: without COMMAND it is a shell on host 1 of three, with a word on how to use it" {
    needs_lan
    run timeout -k 1 60 "$LAN" < <(echo 'ip -o -4 address show dev eth0; on 3 echo "here is three"; on 4 true; exit 3')
    equal 0 "$status"
    [[ $output == *'you are on host 1'*'inet 10.77.0.1/24'*'here is three'*'no host "4"'* ]]
}

@test "lan: as many hosts as one asks for" {
    needs_lan
    run timeout -k 1 60 "$LAN" 12 bash -c 'on 12 ip -o -4 address show dev eth0; on 13 true'
    [[ $output == *'inet 10.77.0.12/24'*'no host "13"'* ]]
}

@test "lan: nobody outside is reached: no host has a way out" {
    needs_lan
    run lan bash -c 'ip route get 192.0.2.1 || on 2 ip route get 192.0.2.1'
    [ "$status" -ne 0 ]
    [[ $output == *unreachable* ]]
}

@test "lan: on runs a command on another host; a host that is not there is a usage error, exit 2" {
    needs_lan
    run lan on 2 on 3 sh -c 'ip -o -4 address show dev eth0; exit 7'
    equal 7 "$status"
    [[ $output == *'inet 10.77.0.3/24'* ]]
    run lan sh -c 'for host in 0 4 x ""; do on "$host" true; echo $?; done; on 2; echo $?'
    for host in 0 4 x '' 2; do
        echo "on: no host \"$host\", or no command; usage: on HOST COMMAND..."
        echo 2
    done | diff - <(echo "$output")
}

@test "lan: the exit status of COMMAND is passed through" {
    needs_lan
    for wanted in 1 255; do
        run lan sh -c "exit $wanted"
        equal "$wanted" "$status"
    done
    run lan sh -c 'kill -TERM $$'
    equal 143 "$status"
    status=0
    lan no-such-command || status=$?
    equal 127 "$status"
}

@test "lan: COMMAND gets its arguments, its input and its directory unchanged" {
    needs_lan
    run lan sh -c 'pwd; cat; printf "<%s>" "$@"' sh 'two words' '' '*' < <(echo input)
    equal 0 "$status"
    equal "$PWD
input
<two words><><*>" "$output"
}

@test "lan: when COMMAND ends, nothing is left: no process, no namespace, no mount" {
    needs_lan
    word=1234.$$$RANDOM
    cp /proc/self/mounts before
    run lan bash -c '
        readlink /proc/self/ns/net >network
        sleep "$1" & on 2 sleep "$1" & on 3 setsid sleep "$1" &' bash "$word"
    equal 0 "$status"
    await_gone "$(cat network)" "$word"
    equal "$(grep ' /run' before)" "$(grep ' /run' /proc/self/mounts)"
    [ ! -e /run/netns/host1 ] && [ ! -e /run/lan/on ]
}

# ends_on COMMAND: starts a LAN in a session of its own, ends it by COMMAND "$pid", sees to it that
# nothing is left.
ends_on() {
    local word=1234.$$$RANDOM
    start lan setsid "$LAN" 2 bash -c '
        readlink /proc/self/ns/net >network
        on 2 setsid sleep "$1" & sleep "$1" & echo ready; wait' bash "$word"
    await lan.out ready
    "$@" "$pid"
    await_exit "$pid"
    await_gone "$(cat network)" "$word"
    equal '' "$(ls -d /run/netns/host1 /run/lan 2>/dev/null)"
}

@test "lan: Ctrl-C leaves nothing behind" {
    needs_lan
    # On a terminal Ctrl-C goes to everything in the foreground: to the whole process group.
    interrupt() { kill -INT -- "-$1"; }
    # A background job of a script ignores SIGINT, and so would all that it starts.
    LAN=$PWD/lan
    printf '#!/bin/sh\nexec env --default-signal=INT %q "$@"\n' "$ROOT/lessons/lan" >lan
    chmod +x lan
    env --default-signal=INT true 2>/dev/null || skip "this env has no --default-signal"
    ends_on interrupt
}

@test "lan: SIGTERM leaves nothing behind" {
    needs_lan
    ends_on kill -TERM
}

@test "lan: SIGKILL leaves nothing behind" {
    needs_lan
    ends_on kill -KILL
}

@test "lan: needs no root" {
    needs_lan
    if [ "$(id -u)" -ne 0 ]; then
        lan true # all tests here run as an ordinary user
        return
    fi
    as_nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    "${as_nobody[@]}" true 2>/dev/null || skip "no setpriv to become another user with"
    "${as_nobody[@]}" unshare -Urn true 2>/dev/null || skip "namespaces are for root alone here"
    # The checkout may be where nobody may look.
    cd /
    run "${as_nobody[@]}" timeout -k 1 60 bash -c "$(cat "$LAN")" "$LAN" 0
    equal 2 "$status"
    place=$(mktemp -d)
    chmod 755 "$place"
    install -m 755 "$LAN" "$place/lan"
    run "${as_nobody[@]}" timeout -k 1 60 "$place/lan" 3 on 2 ip -o -4 address show dev eth0
    rm -rf "$place"
    equal 0 "$status"
    [[ $output == *'inet 10.77.0.2/24'* ]]
}

@test "lan: make lan opens it with the programs on the PATH, HOSTS= for the number" {
    needs_lan
    cd "$ROOT"
    [[ $BUILD == "$PWD"/* ]] || skip "BUILD is outside of the checkout"
    # PROGRAMS=: they are there, and nothing is built while other tests use them.
    run make --no-print-directory lan HOSTS=2 PROGRAMS= BUILD="${BUILD#"$PWD"/}" \
        < <(echo 'command -v sender; on 2 command -v echo; on 3 true; on 2 sh -c "command -v receiver"')
    equal 0 "$status"
    [[ $output == *"$BUILD/sender"* && $output == *"$BUILD/receiver"* ]]
    [[ $output == *'no host "3"'* ]]
}

@test "lan: under tmux, every host has a pane, in the directory where we were" {
    needs_lan
    command -v tmux >/dev/null || skip "no tmux"
    export TMUX_TMPDIR=$PWD # a tmux server of our own
    server=lan$$
    tmux -L "$server" -f /dev/null new-session -d -x 160 -y 60 "${LAN@Q} 3" 3>&- 2>tmux.err ||
        skip "tmux does not start here: $(<tmux.err)"
    run drive_panes
    tmux -L "$server" kill-server 2>/dev/null || true
    echo "$output"
    equal 0 "$status"
    await_gone "$(sed -n 2p pane1)" "$server"
}

# In each pane, asks the host for its address; then ends the shell of host 1, with which all goes.
drive_panes() {
    local naps=0 host pane panes=()
    for host in 1 2 3; do
        until pane=$(pane_of "$host"); do
            keep_waiting || { echo "no pane for host $host"; return 1; }
        done
        panes+=("$pane")
        tmux -L "$server" send-keys -t "$pane" \
            "{ pwd; readlink /proc/self/ns/net; ip -o -4 address show dev eth0; } >'$PWD/pane$host'" Enter
        await "pane$host" "inet 10.77.0.$host/24" || return 1
        equal "$PWD" "$(head -n 1 "pane$host")" || return 1
    done
    equal 3 "$(tmux -L "$server" list-panes -F x | wc -l)" || return 1
    tmux -L "$server" send-keys -t "${panes[0]}" exit Enter
    until ! tmux -L "$server" list-panes >/dev/null 2>&1; do
        keep_waiting || { echo 'the panes stay'; return 1; }
    done
}

# pane_of HOST: the pane that shows this host's prompt.
pane_of() {
    local pane
    for pane in $(tmux -L "$server" list-panes -F '#{pane_id}' 2>/dev/null); do
        if tmux -L "$server" capture-pane -p -t "$pane" | grep -qF "host$1\$"; then
            echo "$pane"
            return
        fi
    done
    return 1
}
