# Lesson 12: race. Arguments that every program has: program.bats.
#
# shellcheck disable=SC2016,SC2154  # bash -c gets its script quoted; helpers set $pid and $status

load helpers

# A row: its name, then packets, round trips, milliseconds to the first answer, answers/s, percent.
ROW='^.{28} +[0-9]+\.[0-9]{2} +[0-9]+\.[0-9] +[0-9]+\.[0-9]{3} +[0-9]+ +[0-9]+\.[0-9] %$'

# take WHAT COLUMN: sets $value to that column of the row of WHAT in the file out, in hundredths.
take() {
    value=$(awk -v what="$1" -v column="$2" 'index($0, what) == 1 {
        $0 = substr($0, 29); printf "%d", $column * 100 + 0.5 }' out)
}

# rows: the file out is the table, aligned, with its six rows.
rows() {
    cat out
    equal 7 "$(wc -l <out)"
    equal 6 "$(grep -cE "$ROW" out)"
    equal 1 "$(awk '{ print length }' out | uniq | wc -l)"
}

# as_counted: what the table in the file out says.
as_counted() {
    rows
    for row in 'UDP, a socket' 'UDP, one'; do
        take "$row" 1
        equal 200 "$value"
        take "$row" 2
        equal 100 "$value"
        take "$row" 5
        equal 10000 "$value"
    done
    for row in 'TCP, a conn' 'TCP, one'; do
        take "$row" 2
        equal 200 "$value"
        take "$row" 5
        equal 10000 "$value"
    done
    take 'TCP, a conn' 1
    ((value >= 700 && value <= 1300)) # ten, of which a busy machine may put two into one
    take 'TCP, one' 1
    ((value > 200 && value < 300))
    take 'TCP, a long' 1
    ((value >= 500000)) # pieces as small as those of UDP
}

@test "race: UDP takes 2 packets and 1 round trip, TCP many packets and 2; one TCP connection few, too" {
    timeout 60 "$BUILD/race" -n 30 >out
    as_counted
}

@test "race: over IPv6, -6, the same" {
    needs_ipv6
    timeout 60 "$BUILD/race" -6 -n 30 >out
    as_counted
    needs_lan
    lan bash -c '"$1/race" -6 -n 1 >/dev/null; cat /proc/net/snmp6 /proc/net/snmp' bash "$BUILD" >counters
    equal 25025 "$(awk '/^Udp6OutDatagrams/ { print $2 }' counters)"
    equal 0 "$(awk '/^Udp:/ { column = $5 } END { print column }' counters)"
}

@test "race: the packets are those that the kernel has sent, in all, and no other; -n is the questions of a round" {
    needs_lan
    lan bash -c '"$1/race" -n 20; cat /proc/net/snmp' bash "$BUILD" >both
    grep -E "$ROW" both >out
    cat both
    # Rounds, questions in a round.
    read -r wanted_tcp wanted_udp < <(awk '{ n = NR <= 4 ? 100 : 5; sum[substr($0, 1, 3)] += n * substr($0, 29) + 0 }
        END { printf "%.0f %.0f\n", sum["TCP"], sum["UDP"] }' out)
    # counter PROTOCOL NAME
    counter() {
        awk -v protocol="$1:" -v name="$2" '$1 == protocol && !column { for (i = 2; i <= NF; i++) if ($i == name) column = i; next }
            $1 == protocol { print $column }' both
    }
    sent=$(counter Tcp OutSegs) # without those that TCP sent again, which may have been lost before
    ((wanted_tcp >= sent && wanted_tcp <= sent + $(counter Tcp RetransSegs)))
    equal "$(counter Udp InDatagrams)" "$wanted_udp"
    equal "$((4 * 100 + 5 + 5 * 5000))" "$(counter Udp OutDatagrams)"
}

@test "race: -s is the size of a question and of its answer; all goes to 127.0.0.1" {
    strace -o /dev/null true 2>/dev/null || skip 'no strace here'
    [[ $BUILD != */sanitize-* ]] || skip 'sanitizers and strace do not go together'
    timeout 60 strace -f -e trace=sendto,connect -o calls "$BUILD/race" -n 2 -s 1199 >out
    # 5 rounds of 2 questions and 2 answers, in four rows.
    equal 80 "$(grep -v '\.\.\. sendto' calls | grep -c 'sendto(.*, 1199, 0, ')"
    equal '' "$(grep 'connect(' calls | grep -v 'inet_addr("127\.0\.0\.1")')"
}

@test "race: -b prints the bet beside what was measured" {
    timeout 60 "$BUILD/race" -n 20 -b 2:1,3:4,1.5:.5,1:1 >all
    cat all
    head -n 7 all >out
    rows
    equal '' "$(sed -n 8p all)"
    like 'TCP : UDP +your bet +measured' "$(sed -n 9p all)"
    take 'TCP, a conn' 1
    like "packets +2\.00 +$((value / 200))\.$(printf %02d $((value / 2 % 100)))" "$(sed -n 10p all)"
    like 'round trips +0\.75 +2\.00' "$(sed -n 11p all)"
    like 'time to the first answer +3\.00 +[0-9]+\.[0-9]{2}' "$(sed -n 12p all)"
    like 'speed of the long answer +1\.00 +[0-9]+\.[0-9]{2}' "$(sed -n 13p all)"
    equal 13 "$(wc -l <all)"
}

# refuses MISTAKE ARGUMENT...: it says what the mistake is and the usage line, and exits 2.
refuses() {
    local mistake=$1
    shift
    status=0
    timeout 60 "$BUILD/race" "$@" >out 2>err || status=$?
    cat err
    equal 2 "$status"
    equal "race: $mistake" "$(head -n 1 err)"
    like 'usage: race .*' "$(tail -n +2 err)"
    [[ ! -s out ]]
}

@test "race: a bad bet, a bad number of questions or bytes is a usage error that says what is right" {
    for bad in '' 2 2:1 2:1,2:1,2:1 '2:1,2:1,2:1,1:1,' 2:1,2:1,2:1,1:1,1:1 0:1,2:1,2:1,1:1 2:1,2:1,2:1,1:0 \
        2:1,2:1,2:1,1 2:1,2:1,2:1,x:1 2:1,2:1,2:1,1:-1 ' 2:1,2:1,2:1,1:1' 2:1,,2:1,1:1 1e1:1,1:1,1:1,1:1 2/1,2/1,2/1,1/1; do
        refuses "bad BET \"$bad\": four ratios without spaces, such as 2:1,2:1,2:1,1:1" -b "$bad"
    done
    for bad in '' 0 -1 +1 ' 1' 1x 0x1 1.5 2001 18446744073709551617; do
        refuses "bad QUESTIONS \"$bad\": a number from 1 to 2000" -n "$bad"
    done
    for bad in 0 1201 x; do
        refuses "bad BYTES \"$bad\": a number from 1 to 1200" -s "$bad"
    done
}

# spoils DROPS LATE ARGUMENT...: runs the program; over UDP, the first LATE questions come too late, and the first
# DROPS answers are lost.
spoils() {
    cat >spoils.c <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
ssize_t sendto(int sock, const void *data, size_t n, int flags, const struct sockaddr *to, socklen_t length)
{
    static int dropped;
    ssize_t (*next)(int, const void *, size_t, int, const struct sockaddr *, socklen_t);
    *(void **)&next = dlsym(RTLD_NEXT, "sendto");
    return to && dropped < atoi(getenv("DROPS")) ? dropped++, (ssize_t)n : next(sock, data, n, flags, to, length);
}
ssize_t recvfrom(int sock, void *data, size_t n, int flags, struct sockaddr *from, socklen_t *length)
{
    static int late;
    ssize_t (*next)(int, void *, size_t, int, struct sockaddr *, socklen_t *);
    *(void **)&next = dlsym(RTLD_NEXT, "recvfrom");
    errno = EAGAIN;
    return from && late < atoi(getenv("LATE")) ? late++, -1 : next(sock, data, n, flags, from, length);
}
END
    [[ $BUILD != */sanitize-* ]] || skip 'a sanitizer wants to be loaded first'
    ${CC:-cc} -shared -fPIC -o spoils.so spoils.c 2>/dev/null || skip 'no compiler for a shared library'
    LD_PRELOAD=$PWD/spoils.so "$BUILD/echo" -h >/dev/null 2>loader || true
    [[ ! -s loader ]] || skip 'no preloading here'
    timeout 60 env DROPS="$1" LATE="$2" LD_PRELOAD="$PWD/spoils.so" "$BUILD/race" "${@:3}"
}

@test "race: an answer over UDP that is lost is not waited for for ever, and is missing from what arrived" {
    spoils 1 0 -n 20 >out
    rows
    take 'UDP, a socket' 5
    equal 9900 "$value"
    take 'UDP, one' 5
    equal 10000 "$value"
}

@test "race: a question over UDP that comes too late is thrown away, and not taken for the next one" {
    spoils 0 1 -n 20 >out
    rows
    take 'UDP, a socket' 5
    equal 9900 "$value"
}

@test "race: after 10 lost answers it gives up, with an error, exit 1" {
    status=0
    spoils 1000000 0 >out 2>err || status=$?
    equal 1 "$status"
    equal 'race: 10 answers were lost' "$(<err)"
    equal 1 "$(wc -l <out)"
}

@test "race: it gives up without loopback, too" {
    needs_lan
    run lan bash -c 'PATH=$PATH:/usr/sbin:/sbin; ip link set lo down; "$1/race"' bash "$BUILD"
    equal 1 "$status"
    equal 'race: 10 answers were lost' "${lines[-1]}"
}

@test "race: output that cannot be written is an error, exit 1" {
    status=0
    timeout 60 "$BUILD/race" -n 1 >/dev/full 2>err || status=$?
    equal 1 "$status"
    equal 'race: cannot write standard output: No space left on device' "$(<err)"
}

@test "race: each row is out when it has been run; Ctrl-C or SIGTERM ends it then, and leaves no process behind" {
    env --default-signal=INT true 2>/dev/null || skip "this env has no --default-signal"
    for signal in INT TERM; do
        # In the background bash has its children ignore Ctrl-C.
        start race env --default-signal=INT "$BUILD/race" -n 2000
        await_lines race.out 2
        kill "-$signal" "$pid"
        await_exit "$pid"
        equal "$((128 + $(kill -l "$signal")))" "$status"
        (($(wc -l <race.out) < 7))
    done
}

@test "race: where each way takes 10 ms, UDP has its first answer after 20 ms, TCP after 40" {
    needs_lan
    lan bash -c 'PATH=$PATH:/usr/sbin:/sbin; tc qdisc add dev lo root netem delay 10ms' || skip 'no netem here'
    lan bash -c 'PATH=$PATH:/usr/sbin:/sbin; tc qdisc add dev lo root netem delay 10ms; "$1/race" -n 2' bash "$BUILD" >out
    rows
    for row in 'UDP, a socket' 'UDP, one'; do
        take "$row" 3
        ((value >= 2000 && value < 4000))
    done
    for row in 'TCP, a conn' 'TCP, one'; do
        take "$row" 3
        ((value >= 4000))
    done
}
