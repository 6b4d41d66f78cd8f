# Lesson 13: pump. Arguments that every program has, stopping: program.bats.
#
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2059,SC2154  # bash -c gets its script quoted; helpers set $port, $pid, $status

load helpers

TIMES='in [0-9]+\.[0-9]{2} s: [0-9]+ a second, [0-9]+\.[0-9]{2} Gbit/s'

# taker ARGUMENT...: a pump take with these; $taker is its port, $taker_pid its process.
taker() {
    serve take "$BUILD/pump" take -b 127.0.0.1 "$@" 0
    taker=$port taker_pid=$pid
}

# flood ARGUMENT...: sends to the taker for a moment; the output goes to the file sent.
flood() {
    timeout 60 "$BUILD/pump" send -t 0.05 "$@" >sent
}

# agrees FILE: the last two lines of what the taker has printed fit those of the sender in the file. Sets $datagrams
# and $arrived, and $out_calls and $in_calls: how many a call.
agrees() {
    local bytes in_bytes
    cat "$1" take.out
    like "sent [0-9]+ datagrams, [0-9]+ bytes $TIMES, [0-9]+\.[0-9] a call" "$(head -n 1 "$1")"
    like 'lost [0-9]+ of [0-9]+ datagrams: [0-9]+\.[0-9] %' "$(tail -n 1 "$1")"
    equal 2 "$(wc -l <"$1")"
    equal "$(tail -n 1 "$1")" "$(tail -n 1 take.out)"
    like "received [0-9]+ datagrams, [0-9]+ bytes $TIMES, [0-9]+\.[0-9] a call" "$(tail -n 2 take.out | head -n 1)"
    read -r _ datagrams _ bytes _ < <(cat "$1")
    read -r _ arrived _ in_bytes _ < <(tail -n 2 take.out)
    ((arrived > 0 && bytes == datagrams * $2 && in_bytes == arrived * $2))
    like "lost $((datagrams - arrived)) of $datagrams datagrams: .*" "$(tail -n 1 "$1")"
    out_calls=$(sed -nE 's/^sent .* ([0-9.]+) a call/\1/p' "$1")
    in_calls=$(sed -nE 's/^received .* ([0-9.]+) a call/\1/p' take.out | tail -n 1)
}

# all_ways ADDRESS: each way with each way, with small datagrams, large ones and the largest.
all_ways() {
    local in out size runs
    for in in one calls stack; do
        serve take "$BUILD/pump" take -w "$in" -b "$1" 0
        runs=0
        for out in one calls stack; do
            for size in 12 64 1400 65480; do
                flood -w "$out" -s "$size" "$1" "$port"
                runs=$((runs + 1))
                await_lines take.out $((2 * runs))
                agrees sent "$size"
                case $out-$size in
                one-* | stack-65480) equal 1.0 "$out_calls" ;;
                stack-1400) equal 46.0 "$out_calls" ;;
                *) equal 64.0 "$out_calls" ;;
                esac
                case $out-$in in
                stack-stack) equal "$out_calls" "$in_calls" ;;
                *-calls) ((${in_calls%.*} >= 1 && ${in_calls%.*} <= 64)) ;;
                *) equal 1.0 "$in_calls" ;;
                esac
            done
        done
        stop "$pid"
        equal 0 "$status"
        equal "pump: stopped after $(awk '/^received/ { n += $2 } END { printf "%d", n }' take.out) datagrams" \
            "$(tail -n 1 take.err)"
    done
}

@test "pump: each way of sending with each way of receiving: both ends tell the same; 1, 64 or a block in a call" {
    all_ways 127.0.0.1
    # The very largest.
    for way in one calls stack; do
        taker -w "$way"
        flood -w "$way" -s 65507 127.0.0.1 "$taker"
        await_lines take.out 2
        agrees sent 65507
        stop "$taker_pid"
    done
}

@test "pump: over IPv6, the same" {
    needs_ipv6
    all_ways ::1
}

@test "pump: the ways are the system calls that the lesson names" {
    strace -o /dev/null true 2>/dev/null || skip 'no strace here'
    [[ $BUILD != */sanitize-* ]] || skip 'sanitizers and strace do not go together'
    # (In sendmmsg, musl makes a call of sendmsg for each.)
    calls=('one sendto\(.*,:64,:0,:NULL,:0\):+=:64$ recvfrom\(.*,:MSG_DONTWAIT,:NULL,:NULL\):+=:64$'
        'calls sendmmsg\(.*,:64,:0\):+=:64$|sendmsg\(.*,:0\):+=:64$ recvmmsg\(.*,:64,:MSG_DONTWAIT,:NULL\):+=:[1-9]'
        'stack sendto\(.*,:4096,:0,:NULL,:0\):+=:4096$ recvmsg\(.*,:MSG_DONTWAIT\):+=:4096$')
    for call in "${calls[@]}"; do
        read -r way out in <<<"$call"
        serve take strace -I2 -o in "$BUILD/pump" take -w "$way" -b 127.0.0.1 0
        timeout 60 strace -o out "$BUILD/pump" send -w "$way" -t 0.1 127.0.0.1 "$port"
        await_lines take.out 2
        kill -TERM "$pid"
        await_exit "$pid"
        grep -m 3 -E "${out//:/ }" out
        grep -m 3 -E "${in//:/ }" in
        (($(grep -cE "${out//:/ }" out) > 3 && $(grep -cE "${in//:/ }" in) > 3))
    done
}

# asks NAME: waits until NAME has been asked by a sender; sets $sender, its port, and $run.
asks() {
    await_lines "$1.out" 1
    read -r sender size run <"$1.out"
    equal 12 "$size"
    like '[0-9a-f]{8}0000000000000000' "$run"
    run=${run:0:8}
}

# reports NAME: waits until the sender has told NAME how much it has sent; sets $count, in hexadecimal.
reports() {
    local naps=0
    until count=$(sed -n "s/^$sender 12 ${run}00000000//p" "$1.out" | tail -n 1) && [[ $count =~ [1-9a-f] ]]; do
        keep_waiting
    done
}

@test "pump: nothing is sent before the other side has agreed; it is asked ten times" {
    peer mute
    start send "$BUILD/pump" send 127.0.0.1 "$mute"
    asks mute
    # The question itself, another run, another question, too short, too long.
    printf "$sender %s\n" "${run}0000000000000000" 00000000000000000000000000000000 "${run}000000000000000100000000" \
        "${run}0000000000000000000000" "${run}00000000000000000000000000" >mute.in
    await_exit "$pid"
    equal 1 "$status"
    equal "pump: no answer from 127.0.0.1:$mute: is pump take there, and free?" "$(<send.err)"
    [[ ! -s send.out ]]
    await_lines mute.out 10
    equal "10 $sender 12 ${run}0000000000000000" "$(uniq -c mute.out | sed 's/^ *//')"
}

@test "pump: each datagram has the run and its number; what was lost is what the other side says" {
    for way in one calls stack; do
        peer other
        start send "$BUILD/pump" send -w "$way" -s 17 -t 0.01 127.0.0.1 "$other"
        asks other
        printf "$sender %s\n" "${run}000000000000000000000000"{,} >other.in # one too many
        reports other
        echo "$sender ${run}00000000${count}00000005" >other.in
        await_exit "$pid"
        equal 0 "$status"
        count=$((16#$count))
        like "lost $((count - 5)) of $count datagrams: .*" "$(tail -n 1 send.out)"
        grep -v ' 12 ' other.out >numbers
        equal "$sender 17 ${run}00000001000000000000000000" "$(head -n 1 numbers)"
        equal '' "$(grep -v "^$sender 17 $run" numbers)"
        sort -cu numbers # upwards, none twice
    done
}

@test "pump: if nobody is there, or the other side ends in a flood, it says that an error came back" {
    run timeout 60 "$BUILD/pump" send 127.0.0.1 1 # nobody is there
    equal 1 "$status"
    like "pump: an error came back for 127.0.0.1:1: Connection refused .*" "$output"
    for way in one calls stack; do
        taker -w "$way"
        start send "$BUILD/pump" send -w "$way" -t 60 127.0.0.1 "$taker"
        sender=$pid naps=0
        while [[ $(queues "$taker") =~ :0000.{4}$ ]]; do keep_waiting; done # more than one question takes
        stop "$taker_pid"
        equal 0 "$status"
        await_exit "$sender"
        equal 1 "$status"
        like "pump: an error came back for 127.0.0.1:$taker: Connection refused .*" "$(<send.err)"
        # What it has taken is counted.
        cat take.out take.err
        like "pump: bound to .*
pump: 127\.0\.0\.1:[0-9]+ has not said how much it has sent
pump: stopped after [0-9]+ datagrams" "$(<take.err)"
        datagrams=$(awk '/^received/ { print $2 }' take.out) # none, if the flood had not begun
        like ".* after ${datagrams:-0} datagrams?" "$(tail -n 1 take.err)"
    done
}

# says BYTES...: the client sends these to the taker.
says() {
    printf "$taker %s\n" "$@" >client.in
}

# answered COUNT BYTES: the client has COUNT answers by now, the last of which is this.
answered() {
    await_lines client.out "$1"
    equal "$taker 16 $2" "$(tail -n 1 client.out)"
    equal "$1" "$(wc -l <client.out)"
}

@test "pump: take counts what belongs to the run, and nothing else; it answers the same again" {
    for way in one calls stack; do
        peer client
        taker -w "$way"
        says 0a0b0c0d0000000000000000
        answered 1 0a0b0c0d000000000000000000000000
        says 0a0b0c0d0000000000000000
        answered 2 0a0b0c0d000000000000000000000000
        # Strangers: empty, short, of another run, a question of another run, large.
        head -c 65507 /dev/zero | "$BUILD/probe" send 127.0.0.1 "$taker"
        says '' 0a0b0c0d000001 0a0b0c0e00000001 0a0b0c0e0000000000000000 0a0b0c0e0000000000000009 \
            0a0b0c0d00000000 0a0b0c0d00000000000000 0a0b0c0d000000000000000900
        says 0a0b0c0d00000001 0a0b0c0d0000000200 0a0b0c0d00000004ffffffff
        says 0a0b0c0d0000000000000005
        answered 3 0a0b0c0d000000000000000500000003
        says 0a0b0c0d00000005 0a0b0c0d0000000000000005
        answered 4 0a0b0c0d000000000000000500000003
        stop "$taker_pid"
        like "received 3 datagrams, 29 bytes $TIMES, .*
lost 2 of 5 datagrams: 40\.0 %" "$(<take.out)"
        like 'pump: bound to .*
pump: stopped after 3 datagrams' "$(<take.err)"
    done
}

@test "pump: take does not wait for a sender that has gone, not even in a flood of strangers" {
    for way in one calls stack; do
        peer client
        taker -w "$way"
        says 0a0b0c0d0000000000000000
        answered 1 0a0b0c0d000000000000000000000000
        says 0a0b0c0d00000001 0a0b0c0d00000002 0a0b0c0d0000000000000000
        answered 2 0a0b0c0d000000000000000000000002
        start flood "$BUILD/probe" flood 127.0.0.1 "$taker" 100000000 64
        await take.err "pump: 127.0.0.1:$client has not said how much it has sent"
        kill -KILL "$pid"
        await_exit "$pid"
        taken "$taker" # there is room again
        says 0a0b0c0d0000000000000002 # it comes back
        answered 3 0a0b0c0d000000000000000200000002
        flood -w "$way" 127.0.0.1 "$taker" # the next one's turn
        await_lines take.out 3
        agrees sent 64
        like 'received 2 datagrams, .*' "$(head -n 1 take.out)"
        stop "$taker_pid"
        equal 0 "$status"
        like ".* after $((arrived + 2)) datagrams" "$(tail -n 1 take.err)"
    done
}

@test "pump: take goes on after somebody to whom nobody can answer (source port 0), and warns" {
    needs_lan
    # From host 2 to host 1: IPv4, 40 bytes, UDP; from port 0 to port 7788, 20 bytes; a question.
    printf %b '\x2\0\0\0\0\x1' '\x2\0\0\0\0\x2' '\x8\0' \
        '\x45\0\0\x28\0\0\0\0\x40\x11\x66\x29\x0a\x4d\0\x02\x0a\x4d\0\x01' \
        '\0\0\x1e\x6c\0\x14\0\0' '\x0a\x0b\x0c\x0d\0\0\0\0\0\0\0\0' >frame
    run lan bash -c '
        "$1/pump" take 2>err & taker=$!
        until grep -q "bound to" err; do sleep 0.01; done
        on 2 "$1/probe" frame eth0 <frame
        until grep -q "has not said" err; do sleep 0.01; done
        "$1/pump" send -t 0.01 127.0.0.1
        kill -INT "$taker"; wait "$taker"' bash "$BUILD"
    echo "$output"
    cat err
    equal 0 "$status"
    equal 2 "$(grep -c '^lost' <<<"$output")"
    like 'pump: bound to 0\.0\.0\.0:7788
pump: cannot send 16 bytes to 10\.77\.0\.2:0: Invalid argument \(nobody can be at port 0\)
pump: 10\.77\.0\.2:0 has not said how much it has sent
pump: stopped after .*' "$(<err)"
}

@test "pump: a block is not cut into more than the MTU, and the message says what to do" {
    needs_lan
    run lan bash -c '
        on 2 "$1/pump" take -w stack 2>err & taker=$!
        until grep -q "bound to" err; do sleep 0.01; done
        for size in 1472 1473; do "$1/pump" send -w stack -s $size -t 0.01 10.77.0.2; done
        echo $?
        "$1/pump" send -w calls -s 1473 -t 0.01 10.77.0.2
        kill -INT "$taker"; wait "$taker"' bash "$BUILD"
    echo "$output"
    equal 0 "$status"
    like 'pump: cannot send blocks, cut into 1473 bytes, to 10\.77\.0\.2:7788: Message too (long|large) \(with headers, that is more than the MTU; try -w calls\)
1' "$(grep -A 1 '^pump' <<<"$output")"
    equal 2 "$(grep -c '^sent .* 1472 bytes\|^sent' <<<"$output")"
}

@test "pump: an old kernel has no blocks, which is said; a call that is cut short ends the flood" {
    cat >old.c <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
int setsockopt(int sock, int level, int option, const void *value, socklen_t length)
{
    int (*next)(int, int, int, const void *, socklen_t);
    *(void **)&next = dlsym(RTLD_NEXT, "setsockopt");
    errno = ENOPROTOOPT;
    return level == IPPROTO_UDP ? -1 : next(sock, level, option, value, length);
}
int sendmmsg(int sock, struct mmsghdr *datagrams, unsigned count, int flags)
{
    int (*next)(int, struct mmsghdr *, unsigned, int);
    *(void **)&next = dlsym(RTLD_NEXT, "sendmmsg");
    return next(sock, datagrams, count < 10 ? count : 10, flags);
}
END
    [[ $BUILD != */sanitize-* ]] || skip 'a sanitizer wants to be loaded first'
    ${CC:-cc} -shared -fPIC -o old.so old.c 2>/dev/null || skip 'no compiler for a shared library'
    LD_PRELOAD=$PWD/old.so "$BUILD/echo" -h >/dev/null 2>loader || true
    [[ ! -s loader ]] || skip 'no preloading here'
    taker
    run timeout 60 env LD_PRELOAD="$PWD/old.so" "$BUILD/pump" send -w stack 127.0.0.1 "$taker"
    equal 1 "$status"
    equal 'pump: cannot let the kernel cut blocks (try -w calls): Protocol not available' "$output"
    run timeout 60 env LD_PRELOAD="$PWD/old.so" "$BUILD/pump" take -w stack -b 127.0.0.1 0
    equal 1 "$status"
    equal 'pump: cannot let the kernel hand over blocks (try -w calls): Protocol not available' "$output"
    await take.err 'has not said'
    timeout 60 env LD_PRELOAD="$PWD/old.so" "$BUILD/pump" send -w calls -t 0.05 127.0.0.1 "$taker" >sent
    await_lines take.out 2
    agrees sent 64
    like 'sent 10 datagrams, 640 bytes .*, 10\.0 a call' "$(head -n 1 sent)"
}

@test "pump: every line is out by the time take waits, into a pipe, too" {
    mkfifo lines
    exec 8<>lines
    serve take bash -c 'exec "$@" >lines' bash "$BUILD/pump" take -b 127.0.0.1 0
    flood 127.0.0.1 "$port"
    for word in received lost; do
        IFS= read -r -t "$DEADLINE" line <&8
        like "$word .*" "$line"
    done
}

@test "pump: output that cannot be written is an error, exit 1" {
    for last in 0000000000000005 00000002; do # a sender that says how much it has sent, and one that goes
        peer client
        serve take bash -c 'exec "$@" >/dev/full' bash "$BUILD/pump" take -b 127.0.0.1 0
        taker=$port
        says 0a0b0c0d0000000000000000 0a0b0c0d00000001 "0a0b0c0d$last"
        await_exit "$pid"
        equal 1 "$status"
        equal 'pump: cannot write standard output: No space left on device' "$(tail -n +2 take.err)"
    done
    taker
    status=0
    timeout 60 "$BUILD/pump" send -t 0.05 127.0.0.1 "$taker" >/dev/full 2>err || status=$?
    equal 1 "$status"
    equal 'pump: cannot write standard output: No space left on device' "$(<err)"
    # The last line, too.
    peer other
    mkfifo lines
    exec 8<>lines
    start send bash -c 'exec "$@" >lines 8<&-' bash "$BUILD/pump" send -t 0.01 127.0.0.1 "$other"
    asks other
    echo "$sender ${run}000000000000000000000000" >other.in
    IFS= read -r -t "$DEADLINE" line <&8
    like 'sent .*' "$line"
    exec 8<&-
    reports other
    echo "$sender ${run}00000000${count}00000005" >other.in
    await_exit "$pid"
    equal 1 "$status"
    equal 'pump: cannot write standard output: Broken pipe' "$(<send.err)"
}

@test "pump: a bad command, way, size or time is a usage error that says what is right" {
    while IFS='|' read -r arguments mistake; do
        eval "arguments=($arguments)"
        status=0
        timeout 60 "$BUILD/pump" "${arguments[@]}" >out 2>err || status=$?
        cat err
        equal 2 "$status"
        equal "pump: $mistake" "$(head -n 1 err)"
        like 'usage: pump send .*, or pump take .*' "$(tail -n +2 err)"
        [[ ! -s out ]]
    done <<'END'
|the first argument must be send or take
"" |the first argument must be send or take
sends 127.0.0.1|the first argument must be send or take
send -w 1 127.0.0.1|unknown way "1": one, calls or stack
take -w ""|unknown way "": one, calls or stack
send -s 11 127.0.0.1|bad size "11": a number of bytes from 12 to 65507
send -s 65508 127.0.0.1|bad size "65508": a number of bytes from 12 to 65507
send -s "" 127.0.0.1|bad size "": a number of bytes from 12 to 65507
send -s -64 127.0.0.1|bad size "-64": a number of bytes from 12 to 65507
send -s 64k 127.0.0.1|bad size "64k": a number of bytes from 12 to 65507
send -s 18446744073709551680 127.0.0.1|bad size "18446744073709551680": a number of bytes from 12 to 65507
send -t 60.1 127.0.0.1|bad time "60.1": at most 60 seconds
send -b 127.0.0.1 127.0.0.1|unknown option -b
take -s 64|unknown option -s
take 0 0|unexpected argument "0" (options come first; quote a TEXT with spaces)
END
}
