# The checks of exercise 15, drain: each proves sentences of the contract in its README.md. The peer pump sends a run;
# others are strangers, and the desk is told when all has been sent.
#
# shellcheck disable=SC2030,SC2031,SC2034,SC2128,SC2153,SC2154  # checks.bash uses what is set here, and sets the peers' ports

load ../checks

as=hex # the peers print what they hear in hexadecimal

# some_run: a RUN of eight hexadecimal digits, in $run; the first is a zero, the last a letter.
some_run() {
    printf -v run '0%03x%03xe' "$((RANDOM % 4096))" "$((RANDOM % 4096))"
}

# drains [ARGUMENT...]: starts the program; $served is its port.
drains() {
    serve_program "$@" 0
    served=$port sent=''
}

# told TEXT: adds it to what was sent.
told() {
    sent+="${sent:+$'\n'}$1"
}

# numbers NAME NUMBER...: the peer NAME sends data with these numbers, of the run $run, each of 8 bytes.
numbers() {
    local name=$1 number
    shift
    for number; do printf '%d %s%08x\n' "$served" "$run" "$number"; done >"$name.in"
    told "$name: run $run, $([ $# -le 20 ] && echo "data $*" || echo "data $1 $2 and so on to ${*: -1}")"
}

# ends NAME TOTAL: the peer NAME sends the end of $run; with TOTAL 0, the question.
ends() {
    printf '%d %s00000000%08x\n' "$served" "$run" "$2" >"$1.in"
    ended=$2
    told "$1: run $run, $([ "$2" != 0 ] && echo "end, TOTAL $2" || echo question)"
}

# bytes NAME BYTES...: the peer NAME sends such datagrams, the bytes in hexadecimal.
bytes() {
    local name=$1 one
    shift
    for one; do printf '%d %s\n' "$served" "$one"; done >"$name.in"
    told "$name: $([ $# -le 20 ] && echo "$*" || echo "$# times $1") (hexadecimal)"
}

# hears NAME RECEIVED: the next thing that NAME hears is this answer to the last end.
hears() {
    local count=${1}_heard number text lines
    printf -v "$count" '%s' $((${!count-0} + 1))
    number=${!count}
    printf -v text '%s00000000%08x%08x' "$run" "$ended" "$2"
    program_writes "$1.out" "$number" "at $1: the answer $text (hexadecimal: RUN $run, 0, TOTAL $ended, RECEIVED $2)"
    wanted "at $1: $served 16 $text" "at $1: ${lines[number - 1]% }"
}

# prints LINE...: so far it has printed these lines, and no other.
prints() {
    program_writes program.out $# "on standard output: ${*: -1}"
    wanted "$(printf '%s\n' "$@")" "$(cat program.out)"
}

# a_line SENT RECEIVED MISSING [DROPPED [TWICE [LATE [STRANGE]]]]: the line of $run, in $line.
a_line() {
    line="run $run: $1 sent, $2 received, $3 missing (${4-0} dropped here), ${5-0} twice, ${6-0} late, ${7-0} strange"
}

# proves: 1 5 7 10 12 19 20 22
@test "a run is counted and answered; its numbers may come in any order, its datagrams have any size" {
    see='this exercise, "The contract"'
    local all number size last first
    peer pump
    peer desk
    some_run
    drains
    mapfile -t all < <(seq 40 | shuf)
    ends pump 0 # may I send?
    hears pump 0
    for number in "${all[@]}"; do
        size=$((RANDOM % 2 ? RANDOM % 8 : RANDOM % 500))
        ((number != 7)) || size=4
        ((number != 9)) || size=65499
        printf '%d %s%08x%s\n' "$served" "$run" "$number" "$(head -c "$size" /dev/zero | tr '\0' z | sed 's/z/7a/g')" >pump.in
        ((number != 9)) || settled pump # so that there is room for the others
    done
    told "pump: run $run, data ${all[*]}, of 8 to 65507 bytes"
    ends pump 0
    hears pump 40
    ends pump 40
    hears pump 40
    a_line 40 40 0
    first=$line
    prints "$first"
    run=00000000
    sent=
    numbers pump 2 1 3 6
    ends pump 0
    hears pump 4
    ends pump 6
    hears pump 4
    last="missing 4 to 5"
    a_line 6 4 2
    prints "$first" "$last" "$line"
    run=ffffffff
    sent=
    ends pump 3 # all data was lost
    hears pump 0
    last+=$'\n'$line$'\n''missing 1 to 3'
    a_line 3 0 3
    prints "$first" "$last" "$line"
    ends pump 0
    hears pump 0
    last+=$'\n'$line
    some_run
    ends pump 0
    hears pump 0
    numbers pump 2
    ends pump 2
    hears pump 1
    a_line 2 1 1
    prints "$first" "$last" 'missing 1' "$line"
}

# proves: 14 15 16 19
@test "what is missing is told in ranges: in order, neighbours together, and as soon as it is certain" {
    see='this exercise, "The window", and "The contract", 14 to 16'
    local out
    peer pump
    peer desk
    some_run
    drains -w 30
    numbers pump 1 2 4 6 1028 # 4 leaves the window
    settled pump
    prints 'missing 3'
    numbers pump 5
    numbers pump 2052 # 1028 leaves it
    settled pump
    prints 'missing 3' 'missing 7 to 1027'
    numbers pump 3076 3077 # 2053 is in it
    settled pump
    out=('missing 3' 'missing 7 to 1027' 'missing 1029 to 2051')
    prints "${out[@]}"
    numbers pump 3070 10000
    settled pump
    out+=('missing 2053 to 3069' 'missing 3071 to 3075')
    prints "${out[@]}"
    numbers pump 8980 9000
    ends pump 10002
    hears pump 13
    out+=('missing 3078 to 8979' 'missing 8981 to 8999' 'missing 9001 to 9999' 'missing 10001 to 10002')
    a_line 10002 13 9989
    prints "${out[@]}" "$line"
    sent=
    some_run
    numbers pump 1 1026 2050 3074 # one range, over several windows
    ends pump 3075
    hears pump 4
    out+=("$line" 'missing 2 to 1025' 'missing 1027 to 2049' 'missing 2051 to 3073' 'missing 3075')
    a_line 3075 4 3071
    prints "${out[@]}" "$line"
}

# proves: 11 12 13
@test "the window has 1024 numbers: in it a number counts once, then it is twice; below it, it is late" {
    see='this exercise, "The window"'
    local high
    peer pump
    peer desk
    some_run
    new_number 3000 100000
    high=$number
    drains -w 30
    numbers pump 5 1 # so far the window goes from 1 to 5
    numbers pump "$high" $((high - 1023)) $((high - 1024)) $((high - 1023)) 1 "$high" $((high - 500)) $((high - 500)) $((high - 500))
    # 2, 3; twice 4; late 2
    numbers pump $((high + 1)) $((high - 1023)) $((high - 1022)) # received 2; late 1
    numbers pump $((high + 1024)) $((high + 524)) $((high + 1)) "$high" # at the places of others; received 2, twice 1, late 1
    numbers pump $((high + 5000)) $((high + 4096)) $((high + 3977)) $((high + 3976)) $((high + 5000)) # received 3, twice 1, late 1
    settled pump
    ends pump $((high + 5000))
    hears pump 12
    a_line $((high + 5000)) 12 $((high + 4988)) 0 6 5
    program_writes program.out 1 "on standard output: $line"
    settled pump
    wanted "on standard output: $line" "on standard output: $(tail -n 1 program.out)"
    wanted "$(awk '/^missing/ { n += ($4 ? $4 : $2) - $2 + 1 } END { printf "%.0f", n }' program.out) numbers in the lines \"missing\"" \
        "$((high + 4988)) numbers in the lines \"missing\""
}

# proves: 15 17 19 20
@test "a number may be as high as 4294967295: the rest is missing at once" {
    see='this exercise, "A jump"'
    local i out=()
    peer pump
    drains -w 30
    for i in {1..6}; do
        some_run
        numbers pump 5 3000000000 4294967295
        ends pump 4294967295
        a_line 4294967295 3 4294967292
        out+=('missing 1 to 4' 'missing 6 to 2999999999' 'missing 3000000001 to 4294967294' "$line")
    done
    some_run
    numbers pump 4294967294 4294966272 4294966271 4294966270 4294967295 # the fourth is late
    ends pump 4294967295
    a_line 4294967295 4 4294967291 0 0 1
    out+=('missing 1 to 4294966270' 'missing 4294966273 to 4294967293' "$line")
    some_run
    numbers pump 1 2
    ends pump 4294967295
    a_line 4294967295 2 4294967293
    out+=('missing 3 to 4294967295' "$line")
    prints "${out[@]}"
}

# counts_calls: from now on the program writes one byte into the file `calls` for each call that receives.
counts_calls() {
    cat >calls.c <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
static void count(void)
{
    const int error = errno, file = open("calls", O_WRONLY | O_APPEND | O_CREAT, 0600);
    if (write(file, "x", 1) == 1)
        close(file);
    errno = error;
}
#define COUNTED(type, name, parameters, arguments) \
    type name parameters \
    { \
        type(*next) parameters; \
        *(void **)&next = dlsym(RTLD_NEXT, #name); \
        count(); \
        return next arguments; \
    }
/* Not by <sys/socket.h>: glibc and musl declare recvmmsg in different ways. */
COUNTED(ssize_t, recv, (int s, void *b, size_t n, int f), (s, b, n, f))
COUNTED(ssize_t, recvfrom, (int s, void *b, size_t n, int f, void *a, void *l), (s, b, n, f, a, l))
COUNTED(ssize_t, recvmsg, (int s, void *m, int f), (s, m, f))
COUNTED(int, recvmmsg, (int s, void *m, unsigned n, int f, void *t), (s, m, n, f, t))
COUNTED(ssize_t, read, (int s, void *b, size_t n), (s, b, n))
END
    # shellcheck disable=SC2086
    ${CC:-cc} -shared -fPIC -o calls.so calls.c -ldl 2>compiler || skip "no compiler for a shared library"
    ASAN_OPTIONS+=:verify_asan_link_order=0
    inside=(env LD_PRELOAD="$PWD/calls.so")
    "${inside[@]}" "$PROGRAM" -h >/dev/null 2>loader || true
    [ ! -s loader ] || skip "no preloading here"
    : >calls
}

# calls: how many there were so far.
calls() {
    wc -c <calls
}

# proves: 4 5 8 12
@test "with 100 datagrams waiting, it takes them with 10 calls; each is what it is, from whom it is" {
    see='this exercise, "recvmmsg", and lesson 13'
    local before made i took
    peer pump
    peer stranger
    peer desk
    some_run
    counts_calls
    drains -w 30
    numbers pump 1
    settled pump
    for i in 2 101 200; do
        before=$(calls)
        kill -STOP "$program"
        # shellcheck disable=SC2046
        numbers pump $(seq $i $((i + 49)))
        sent_by pump
        numbers stranger $((i + 50))
        sent_by stranger
        # shellcheck disable=SC2046
        numbers pump $(seq $((i + 50)) $((i + 98)))
        sent_by pump
        told 'all of these while the program was stopped (SIGSTOP)'
        kill -CONT "$program"
        settled pump
        made=$(($(calls) - before))
        ((made > 0)) || complain 'at most 10 calls that receive' 'none'
        ((made <= 10)) || complain 'at most 10 calls that receive' "$made"
    done
    for i in 1 2 3 4 5; do # again if the machine was busy
        before=${EPOCHREALTIME/[.,]/}
        ends pump 0
        hears pump 298
        took=$(((${EPOCHREALTIME/[.,]/} - before) / 1000))
        ((took >= 100)) || break
    done
    ((took < 100)) || complain 'an answer at once' "after $took milliseconds"
    ends pump 298
    hears pump 298
    a_line 298 298 0 0 0 0 3
    prints "$line"
}

# drops: how many datagrams the kernel has dropped at $served.
drops() {
    awk -v port=":$(printf %04X "$served")" 'substr($2, 9) == port { print $NF }' /proc/net/udp
}

# proves: 3 14 20 21
@test "what the kernel has dropped, since the buffer was full, is told for each run" {
    see='this exercise, "What the kernel drops", and "The receive buffer"'
    local before dropped out=()
    peer pump
    peer stranger
    peer desk
    some_run
    drains -w 30 -r 20000
    kill -STOP "$program"
    # shellcheck disable=SC2046
    numbers pump $(seq 10) $(seq 13 300)
    sent_by pump
    told 'all of these while the program was stopped (SIGSTOP)'
    kill -CONT "$program"
    settled pump
    dropped=$(drops)
    ((dropped > 0)) || complain 'a receive buffer with -r 20000 that has no room for 298 datagrams' 'it has'
    ends pump 300
    hears pump $((298 - dropped))
    a_line 300 $((298 - dropped)) $((dropped + 2)) "$dropped"
    out=('missing 11 to 12' "missing $((301 - dropped)) to 300" "$line")
    prints "${out[@]}"
    some_run
    sent=
    numbers pump 1 2 3 5
    settled pump
    kill -STOP "$program"
    # shellcheck disable=SC2046
    bytes stranger $(printf 'ee %.0s' {1..300})
    sent_by stranger
    numbers pump 6 7 8
    sent_by pump
    told 'these while the program was stopped (SIGSTOP); then again:'
    kill -CONT "$program"
    settled pump
    numbers pump 6 7 8
    before=$dropped
    dropped=$(($(drops) - before))
    ends pump 8
    hears pump 7
    a_line 8 7 1 "$dropped" 0 0 $((303 - dropped))
    out+=('missing 4' "$line")
    prints "${out[@]}"
    some_run
    sent=
    kill -STOP "$program"
    # shellcheck disable=SC2046
    bytes stranger $(printf 'ee %.0s' {1..300})
    sent_by stranger
    told 'these while the program was stopped (SIGSTOP); no run is in progress'
    kill -CONT "$program"
    settled stranger
    numbers pump 1 2 3 5
    ends pump 5
    hears pump 4
    a_line 5 4 1
    out+=('missing 4' "$line")
    prints "${out[@]}"
    some_run
    sent=
    numbers pump 1
    settled pump
    before=$(drops)
    kill -STOP "$program"
    # shellcheck disable=SC2046
    numbers pump $(seq 2 300)
    sent_by pump
    told 'these while the program was stopped (SIGSTOP)'
    kill -CONT "$program"
    settled pump
    bytes stranger ee
    settled stranger
    dropped=$(($(drops) - before))
    told 'then Ctrl-C'
    signal_program INT
    program_ends 0
    a_line $((300 - dropped)) $((300 - dropped)) 0 "$dropped" 0 0 1
    out+=("${line/: /: no end, at least }")
    prints "${out[@]}"
}

# proves: 7 8 9
@test "what is not of the run in progress is strange, and changes nothing else" {
    see='this exercise, "The contract", 7 to 9'
    local own other line
    peer pump
    peer desk
    peer stranger
    peer twin 127.0.0.2 "$pump"
    peer second 127.0.0.2 # a desk for the twin
    some_run
    own=$run
    other=${own%e}d
    drains -w 30
    bytes stranger '' ee "${other}000000" "${other}00000000" "${other}0000000000" "${other}0000000000000005ee" # no run begins
    settled stranger
    numbers pump 1 2 9
    settled pump
    numbers pump 9
    settled pump
    bytes pump '' # with what the last datagram has left in the buffer, it would be a 9
    settled pump
    bytes pump "${own}000000"
    settled pump
    numbers stranger 3 2000 # the same RUN from another endpoint
    ends stranger 9
    sent_by stranger
    numbers twin 3 # the same port, at another address
    ends twin 9
    printf '%d 78\n' "$second" >twin.in
    comes second.out 1
    run=$other
    numbers pump 4 5000 # another RUN from the same endpoint
    ends pump 9
    bytes pump '' "${own}" "${own}000000" "${own}00000000" "${own}0000000000" "${own}00000000000009" "${own}0000000000000009ee"
    bytes pump "${own}000000000000000900000000000000000000"
    run=$own
    ends pump 8 # less than 9
    settled pump
    numbers pump 5
    ends pump 9
    hears pump 4
    a_line 9 4 5 0 1 0 19
    prints 'missing 3 to 4' 'missing 6 to 8' "$line"
    run=$other # a run of its own, now
    numbers stranger 1
    ends stranger 1
    hears stranger 1
    wanted 'at pump: 1 answer' "at pump: $(wc -l <pump.out) answer"
}

# proves: 8 22 23 24
@test "an end that comes again is answered again; the run that is over does not begin again" {
    see='this exercise, "The contract", 22 to 24'
    local own out=()
    peer pump
    peer desk
    peer other
    some_run
    own=$run
    drains -w 30
    run=00000000
    numbers pump 1
    ends pump 1
    hears pump 1
    a_line 1 1 0
    out=("$line")
    ends pump 1
    hears pump 1
    run=$own
    numbers pump 1 2 2 4
    ends pump 5
    hears pump 3
    a_line 5 3 2 0 1
    out+=('missing 3' 'missing 5' "$line")
    ends pump 5
    hears pump 3
    numbers pump 3 6
    ends pump 5
    hears pump 3
    settled pump
    prints "${out[@]}"
    run=${own%e}d # another run begins
    numbers other 1 3
    settled other
    run=$own
    numbers pump 3 # not of it
    ends pump 5
    hears pump 3
    ends pump 7
    hears pump 3
    ends pump 2
    hears pump 3
    run=${own%e}d
    ends other 3
    hears other 2
    a_line 3 2 1 0 0 0 1
    out+=('missing 2' "$line")
    prints "${out[@]}"
    ends other 3
    hears other 2
    run=$own # not the last any more: it begins anew
    ends other 2
    hears other 0
    a_line 2 0 2
    out+=('missing 1 to 2' "$line")
    prints "${out[@]}"
    ends pump 1 # the same RUN, from another endpoint
    hears pump 0
    a_line 1 0 1
    prints "${out[@]}" 'missing 1' "$line"
}

# is_over BEGIN MICROSECONDS COUNT: the program has printed line COUNT, and not earlier than so long after BEGIN. Sets
# $took to when that was.
is_over() {
    local long='2 seconds' NAPS=300 # whatever came before
    program_writes program.out "$3" 'the line of the run on standard output'
    took=$((${EPOCHREALTIME/[.,]/} - $1))
    ((took >= $2)) || complain "the line of the run not before $(($2 / 1000)) milliseconds" "after $((took / 1000))"
}

# proves: 25
@test "a run from which nothing comes for a second is over; its end is answered then, too" {
    see='lesson 2, "Read the program", step 5: a deadline is a moment'
    local begin try
    peer pump
    for try in 1 2 3; do # again, if the machine was busy
        some_run
        drains
        begin=${EPOCHREALTIME/[.,]/}
        numbers pump 1 2 4
        is_over "$begin" 1000000 2
        ((took >= 1900000)) || break
    done
    ((took < 1900000)) || complain 'the line of the run after a second' "after $((took / 1000)) milliseconds"
    line="run $run: no end, at least 4 sent, 3 received, 1 missing (0 dropped here), 0 twice, 0 late, 0 strange"
    prints 'missing 3' "$line"
    numbers pump 3 5
    ends pump 6
    hears pump 3
    prints 'missing 3' "$line"
    some_run
    numbers pump 1
    ends pump 1
    hears pump 1
}

# proves: 25 26
@test "each datagram of the run makes it longer, and no other one does" {
    see='lesson 2, "Read the program", step 5: a deadline is a moment'
    local begin lines=() naps=0 milliseconds number seconds
    peer pump
    peer desk
    peer stranger
    for milliseconds in 100 200 400 800; do # again, and slower, if the machine was busy
        printf -v seconds '%d.%03d' $((milliseconds / 1000)) $((milliseconds % 1000))
        some_run
        drains -w "$seconds"
        sent="-w $seconds; there is a pause of 0.6 times that after each of these"
        printf -v seconds '%d.%03d' $((milliseconds * 6 / 10000)) $((milliseconds * 6 / 10 % 1000))
        for number in 2000 2000 1 question 1500; do # new, twice, late, a question, new
            if [ "$number" = question ]; then ends pump 0; else numbers pump "$number"; fi
            read -rt "$seconds" -u "$never" || true
        done
        ends pump 2000
        settled pump
        [[ $(cat program.out) == *'no end'* ]] || break
    done
    prints 'missing 1 to 1499' 'missing 1501 to 1999' "run $run: 2000 sent, 2 received, 1998 missing (0 dropped here), 1 twice, 1 late, 0 strange"

    some_run
    drains -w 0.2
    begin=${EPOCHREALTIME/[.,]/}
    numbers pump 1 2
    sent_by pump
    sent+=$'\nstranger: without a pause what is not of this run; and so does pump'
    until has_lines program.out 1; do
        printf "$served %s\n" 78 "${run}0000000100000001" >stranger.in
        printf "$served %s\n" "${run}0000000000000001" >pump.in # an end, less than 2
        keep_waiting || complain 'the line of the run after 0.2 seconds' "in $long, none"
    done
    is_over "$begin" 200000 1
    wanted_like "run $run: no end, at least 2 sent, 2 received, 0 missing \([0-9]+ dropped here\), 0 twice, 0 late, [1-9][0-9]* strange" \
        "${lines[0]}" "run $run: no end, at least 2 sent, 2 received, 0 missing (0 dropped here), 0 twice, 0 late, ... strange"
}

# proves: 6 25 27 29
@test "it sleeps while nothing comes; Ctrl-C or SIGTERM ends it, and so does output that cannot be written" {
    see='lesson 4, "Read the program"'
    local try begin took
    peer pump
    peer desk
    some_run
    drains -w 0.04
    is_not_woken
    stop_program TERM
    nothing_in program.out
    wanted 'on standard error: drain: stopped after 0 datagrams' "on standard error: $(tail -n +2 program.err)"
    drains -w 1000
    numbers pump 3 1 1
    bytes pump ee
    settled pump
    is_not_woken
    stop_program
    prints 'missing 2' "run $run: no end, at least 3 sent, 2 received, 1 missing (0 dropped here), 1 twice, 0 late, 1 strange"
    wanted 'on standard error: drain: stopped after 4 datagrams' "on standard error: $(tail -n +2 program.err)"
    drains -w 0.04
    for try in 1 2 3 4 5; do # again if the machine was busy
        some_run
        begin=${EPOCHREALTIME/[.,]/}
        numbers pump 1
        program_writes program.out "$try" 'the line of the run'
        took=$(((${EPOCHREALTIME/[.,]/} - begin) / 1000))
        ((took >= 500)) || break
    done
    ((took < 500)) || complain 'with -w 0.04, the line of the run after 40 milliseconds' "after $took milliseconds"
    is_not_woken
    stop_program
    drains
    bytes pump ee
    numbers pump 3
    ends pump 3
    hears pump 1
    settled pump
    is_not_woken
    stop_program
    wanted 'on standard error: drain: stopped after 3 datagrams' "on standard error: $(tail -n +2 program.err)"
    a_line 3 1 2
    prints 'missing 1 to 2' "$line"

    see='common/program.h: flush_output'
    start_into '>/dev/full' -w 30 0
    is_bound
    served=$port
    sent='standard output is /dev/full, where nothing can be written'
    numbers pump 1 3 2000
    program_ends
    wanted 'on standard error: drain: cannot write standard output: No space left on device' \
        "on standard error: $(tail -n +2 program.err)"
    wanted 'exit status 1' "exit status $status"
}

# proves: 20 22 28
@test "an answer that cannot be sent causes a warning, and it goes on" {
    see='lesson 4, "Read the program", step 5'
    local out
    own_network 192.0.2.7 || skip "no network of its own: $reason"
    peer far 192.0.2.7
    peer desk 192.0.2.7
    peer pump
    drains -w 30
    some_run
    kill -STOP "$program"
    numbers far 1
    ends far 1
    sent_by far
    told "this from 192.0.2.7, to which the routing table then forbids the way"
    # shellcheck disable=SC2016
    "${inside[@]}" sh -c 'PATH=$PATH:/usr/sbin:/sbin
        ip address del 192.0.2.7/32 dev lo && ip route add prohibit 192.0.2.7/32' 2>forbid.err ||
        complain 'a network in which this can be tried' "$(cat forbid.err)"
    kill -CONT "$program"
    a_line 1 1 0
    out=$line
    prints "$out"
    await_lines program.err 2 >/dev/null || complain 'a warning on standard error' 'none'
    some_run
    numbers pump 1
    ends pump 1
    hears pump 1
    a_line 1 1 0
    prints "$out" "$line"
}

# proves: 13 18
@test "it needs no more memory for many runs, numbers, gaps and strangers" {
    see='this exercise, "The window"'
    local before i
    peer pump
    peer desk
    peer stranger
    steady_memory
    drains -w 30
    # lots FIRST: four runs with an end, each with 49 numbers far from one another, and 25 strange datagrams.
    lots() {
        local i part
        for part in 1 2 3 4; do
            printf -v run %08x $(($1 * 4 + part))
            for ((i = 1; i < 50; i++)); do
                printf "$served $run%08x\n" $((($1 * 200 + part * 50 + i) * 100000))
            done >pump.in
            settled pump
            for ((i = 0; i < 25; i++)); do printf "$served %08x%08x\n" $(($1 * 1000 + i)) $i; done >stranger.in
            settled stranger
            ends pump 4294967295
            hears pump 49
        done
        settled pump
    }
    lots 1
    sent='runs, with numbers far from one another, and strange datagrams'
    before=$(memory "$program")
    for i in 20 40 60 80; do lots $i; done
    for part in {1..10}; do # a hundred runs each
        for i in {1..100}; do printf "$served %08x0000000000000001\n" $((part * 1000 + i)); done >pump.in
        settled pump
    done
    i=$(memory "$program")
    ((i < before + 100)) || complain 'the memory does not grow' "it grows from $before to $i kilobytes"
    stop_program
    wanted 'on standard error: drain: stopped after 2500 datagrams' "on standard error: $(tail -n +2 program.err)"
    wanted 'on standard output: 20 runs, each with 25 strange' "on standard output: $(grep -c '49 rec.* 25 strange$' program.out) runs, each with 25 strange"
}

# proves: 1 7 22
@test "over IPv6 it does the same, and with -b :: over both" {
    see='lesson 3, "Read the program", step 2; lesson 2, "Compare endpoints by parts"'
    local out
    needs_ipv6
    peer pump ::1
    peer stranger ::1
    peer desk6 ::1
    peer other 127.0.0.1 "$pump" # to a socket of IPv6 it is ::ffff:127.0.0.1
    peer desk
    some_run
    drains -w 30 -b ::
    numbers pump 1 2
    printf '%d %s\n' "$desk6" 78 >pump.in
    comes desk6.out 1
    numbers stranger 3
    ends stranger 3
    printf '%d %s\n' "$desk6" 78 >stranger.in
    comes desk6.out 2
    numbers other 3
    ends other 4
    sent_by other
    numbers pump 4
    ends pump 4
    hears pump 3
    a_line 4 3 1 0 0 0 4
    out=$line
    prints 'missing 3' "$out"
    sent=
    numbers other 1
    ends other 1
    hears other 1
    a_line 1 1 0
    prints 'missing 3' "$out" "$line"
    wanted 'at pump, and at the stranger: 1 answer' "at pump, and at the stranger: $(cat pump.out stranger.out | wc -l) answer"
}

# proves: 1 2 3 30 31
@test "-h helps; where it is bound, its buffer, and what cannot be right, is told" {
    see='lesson 3, "Read the program", step 2, and "What can go wrong"; parse_arguments'
    local bad most
    is_called_as_echo_is drain
    for bad in 0 -1 '' 5x 2147483648 4294967297; do refuses -r "$bad" 0; done
    for bad in 0 1x; do refuses -w "$bad" 0; done
    see='this exercise, "The receive buffer"'
    serve_program -b 127.0.0.1 -r 10000 0
    sent='-r 10000'
    program_writes program.err 2 'a second line on standard error'
    wanted 'on standard error: drain: receive buffer 20000 bytes' "on standard error: ${lines[1]}"
    most=$(cat /proc/sys/net/core/rmem_max)
    ((most <= 1073741823)) || most=1073741823
    serve_program -r 2147483647 0
    sent='-r 2147483647'
    program_writes program.err 2 'a second line on standard error'
    wanted "on standard error: drain: receive buffer $((2 * most)) bytes" "on standard error: ${lines[1]}"
}
