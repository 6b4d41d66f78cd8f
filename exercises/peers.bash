# For checks.bash: who is at the other end of the program under check.
#
# shellcheck shell=bash disable=SC2153,SC2154  # of what checks.bash sets

# peer NAME [ADDRESS [PORT]]: somebody at the other end. Sets $NAME to its port; what it receives comes
# into NAME.out, a line each: PORT LENGTH TEXT; with as=hex before it, PORT LENGTH BYTES, in hexadecimal.
peer() {
    local name=$1
    set -- "$1" "${2:-127.0.0.1}" ${3+"$3"}
    mkfifo "$name.in"
    : >"$name.err" # now, so that nobody reads what an earlier one of this name has said
    "${inside[@]}" "$PROBE" "${as:-peer}" "${@:2}" <>"$name.in" >"$name.out" 2>"$name.err" 3>&- &
    pids+=("$!")
    printf -v "${name}_pid" '%s' "$!"
    await "$name.err" 'bound to'
    take_port "$name.err"
    if ((port >> 8 == (port & 255))); then # it reads the same in both byte orders: take another
        rm "$name.in" "$name.err"
        peer "$@"
        return
    fi
    printf -v "$name" '%s' "$port"
}

# hex_of TEXT: its bytes in hexadecimal, in $hex.
hex_of() {
    local LC_ALL=C i code
    hex=
    for ((i = 0; i < ${#1}; i++)); do
        printf -v code '%d' "'${1:i:1}"
        printf -v hex '%s%02x' "$hex" $((code & 255))
    done
}

# tell NAME PORT TEXT: NAME sends TEXT to PORT.
tell() {
    hex_of "$3"
    echo "$2 $hex" >"$1.in"
}

# sent_by NAME [ADDRESS]: waits until NAME has sent all that it was told to send: what it sends last, the peer desk
# hears. If there is no desk yet, it is made, at ADDRESS.
sent_by() {
    [ -n "${desk-}" ] || peer desk "${2:-127.0.0.1}"
    echo "$desk 78" >"$1.in"
    comes desk.out $((++desk_heard))
}

# own_network [ADDRESS...]: from now on the program and the peers run in a network of their own, that of
# loopback and of these addresses. Where that is not allowed it fails, and $reason says why.
own_network() {
    local network
    reason='ip is missing (iproute2)'
    has_ip || return
    # shellcheck disable=SC2016
    exec {network}< <(exec unshare -Urn sh -c 'PATH=$PATH:/usr/sbin:/sbin
        ip link set lo up && for address; do ip address add "$address/32" dev lo || exit; done && echo up && exec sleep 60' sh "$@" 2>&1 3>&-)
    pids+=("$!")
    inside=(nsenter -t "$!" -U -n --preserve-credentials --)
    read -r reason <&"$network" || true
    [[ $reason == up ]]
}

# allow_port_0: from now on the program and the peers run where one may send from port 0, to which no
# answer can go. That takes a raw socket (CAP_NET_RAW, right number 13): root has it, others have it in
# a network of their own.
allow_port_0() {
    local rights
    rights=$(sed -n 's/^CapEff:[[:space:]]*/0x/p' /proc/self/status)
    (((rights >> 13 & 1) == 1)) || own_network
}

# tell_from_port_0 PORT TEXT: somebody at port 0 sends TEXT to PORT of 127.0.0.1.
tell_from_port_0() {
    "${inside[@]}" "$PROBE" port0 "$1" "$2"
}

# comes FILE COUNT: waits until FILE has COUNT lines.
comes() {
    local lines=() naps=$((DEADLINE * NAPS / 2))
    until has_lines "$1" "$2"; do
        keep_waiting || return
    done
}

# all_heard NAME: stops NAME, and prints what it has received in all: LENGTH TEXT.
all_heard() {
    local pid=${1}_pid
    kill -INT "${!pid}"
    await_exit "${!pid}" 2>/dev/null # in $(all_heard NAME) it is no child of the shell
    cut -d ' ' -f 2- "$1.out"
}
