# Lesson 11: lossy. Arguments, stopping: program.bats.
#
# shellcheck disable=SC2016,SC2034,SC2046,SC2059,SC2154  # bash -c gets its script quoted; helpers set $port, $pid, $status

load helpers

# relay ARGUMENT...: a lossy with these; $relay is its port, $relay_pid its process.
relay() {
    serve relay "$BUILD/lossy" -b 127.0.0.1 "$@" 0
    relay=$port relay_pid=$pid
}

# pass COUNT OPTION...: the peer `client` sends so many datagrams, numbered with four hexadecimal digits, through a
# lossy with these options to the peer `server`: its log is in relay.out, and in $got the numbers that have come.
pass() {
    local i count=$1
    peer server
    peer client
    relay "${@:2}" 127.0.0.1 "$server"
    for ((i = 100; i <= count; i += 100)); do # its buffer has room for more than 100
        printf "$relay %04x\n" $(seq $((i - 99)) "$i") >client.in
        await_lines relay.out "$i"
    done
    await_lines server.out $((count - $(grep -c lost relay.out) + $(grep -Ec 'twice|again' relay.out)))
    stop "$relay_pid"
    mapfile -t got < <(cut -d ' ' -f 3 server.out)
}

# numbers PATTERN: the numbers of those whose line in the log has it, as they travel.
numbers() {
    sed -nE "s/^#([0-9]+) -> .*($1).*/\1/p" relay.out | xargs -r printf '%04x\n'
}

# burst COUNT: sends so many datagrams to the relay, as fast as it takes them.
burst() {
    local left
    for ((left = $1; left > 0; left -= 100)); do
        "$BUILD/probe" flood 127.0.0.1 "$relay" 100 10
        taken "$relay"
    done
}

@test "lossy: without options passes every datagram on, both ways, of any size and content" {
    serve echo "$BUILD/echo" -b 127.0.0.1 0
    relay 127.0.0.1 "$port"
    number=0
    for size in 0 1 1024 9000 65507; do
        head -c "$size" /dev/urandom >sent
        "$BUILD/probe" ask 127.0.0.1 "$relay" <sent >returned
        cmp sent returned
        printf '#%s -> passed\n' $((++number)) >>wanted
        printf '#%s <- passed\n' "$number" >>wanted
    done
    await_lines relay.out 10
    equal "$(<wanted)" "$(<relay.out)"
}

@test "lossy: over IPv6, and between IPv6 and IPv4" {
    needs_ipv6
    serve echo "$BUILD/echo" -b ::1 0
    echo6=$port
    serve echo "$BUILD/echo" -b 127.0.0.1 0
    head -c 65507 /dev/urandom >sent
    for way in "::1 ::1 $echo6" "::1 127.0.0.1 $port" "127.0.0.1 ::1 $echo6"; do
        read -r own host to <<<"$way"
        serve relay "$BUILD/lossy" -b "$own" "$host" "$to" 0
        "$BUILD/probe" ask "$own" "$port" <sent >returned
        cmp sent returned
    done
}

@test "lossy: those that are lost in the log do not arrive; all others do, in order" {
    pass 400 -s 1 -l 30
    equal "$(numbers passed)" "$(printf '%s\n' "${got[@]}")"
    (($(grep -c lost relay.out) > 80))
}

@test "lossy: those that are doubled arrive twice, all others once" {
    pass 400 -s 2 -d 30
    (($(grep -c twice relay.out) > 80))
    equal "$({ numbers 'passed|twice' && numbers twice; } | sort)" "$(printf '%s\n' "${got[@]}" | sort)"
}

@test "lossy: later ones overtake those that are held back, and the others keep their order" {
    pass 400 -s 3 -r 20
    numbers 'held back' >held
    (($(wc -l <held) > 50))
    equal "$(numbers passed)" "$(printf '%s\n' "${got[@]}" | grep -vxFf held)"
    equal "$(numbers 'held back|passed')" "$(printf '%s\n' "${got[@]}" | sort)"
    printf '%s\n' "${got[@]}" >order
    [[ $(sort order) != "$(<order)" ]] # (on a busy machine not each one is overtaken)
}

@test "lossy: of a damaged one a single bit is wrong, in the byte that the log names; an empty one stays" {
    pass 400 -s 4 -c 30
    number=0 damaged=0
    while read -r _ _ what byte _; do
        number=$((number + 1))
        printf -v right %04x "$number"
        bits=$((16#$right ^ 16#${got[number - 1]}))
        if [[ $what == passed ]]; then
            equal 0 "$bits"
        else
            equal byte "$what"
            ((bits != 0 && (bits & (bits - 1)) == 0 && byte == (bits < 256)))
            damaged=$((damaged + 1))
        fi
    done <relay.out
    ((damaged > 80))
    peer server
    relay -c 100 127.0.0.1 "$server"
    "$BUILD/sender" 127.0.0.1 "$relay" ''
    await_lines server.out 1
    equal '#1 -> passed' "$(<relay.out)"
    like '[0-9]+ 0 ' "$(<server.out)"
}

@test "lossy: -t 300: not before 299.5 ms, and in order; -t 10-50: anything from 10 to 50, again for a copy" {
    peer server
    relay -t 300 127.0.0.1 "$server"
    start=${EPOCHREALTIME//[!0-9]/}
    for text in one two; do "$BUILD/sender" 127.0.0.1 "$relay" "$text"; done
    await_lines server.out 2
    ((${EPOCHREALTIME//[!0-9]/} - start >= 299500))
    equal "6f6e65 74776f" "$(cut -d ' ' -f 3 server.out | paste -sd ' ')"
    equal $'#1 -> 300 ms late\n#2 -> 300 ms late' "$(<relay.out)"
    pass 400 -s 5 -t 10-50 -d 50
    equal "$(seq 10 50)" "$(grep -Eo '[0-9]+ ms late' relay.out | cut -d ' ' -f 1 | sort -nu)"
    like '#[0-9]+ -> [1-5][0-9] ms late, [1-5][0-9] ms late again' "$(grep -m 1 again relay.out)"
    equal 400 "$(printf '%s\n' "${got[@]}" | sort -u | wc -l)"
    pass 100 -s 6 -t 5 -r 50
    equal $'5 ms late\nheld back, 105 ms late' "$(cut -d ' ' -f 3- relay.out | sort -u)"
}

@test "lossy: the same seed writes the same log, byte for byte; another seed, another one" {
    pass 400 -s 11 -l 20 -d 20 -r 10 -c 20 -t 1-9
    mv relay.out first
    pass 400 -s 11 -l 20 -d 20 -r 10 -c 20 -t 1-9
    cmp first relay.out
    pass 400 -s 12 -l 20 -d 20 -r 10 -c 20 -t 1-9
    [[ $(<first) != "$(<relay.out)" ]]
}

@test "lossy: an option changes nothing of what the others do, and the answers nothing of the way there" {
    pass 400 -s 11 -l 20 -d 20 -r 10 -c 20
    lost=$(numbers lost)
    twice=$(numbers twice)
    pass 400 -s 11 -l 20
    equal "$lost" "$(numbers lost)"
    pass 400 -s 11 -d 20
    equal "$twice" "$(numbers twice | grep -vxF "$lost")"
    serve echo "$BUILD/echo" -b 127.0.0.1 0
    relay -s 11 -l 20 127.0.0.1 "$port"
    burst 400
    await relay.out '#400 ->'
    equal "$lost" "$(numbers lost)"
    grep -q '<- lost' relay.out
}

@test "lossy: without -s it makes up a seed, says which, and with this one does the same again" {
    pass 100 -l 50
    like 'lossy: seed [0-9]+
lossy: bound to 127\.0\.0\.1:[0-9]+
lossy: stopped after 100 datagrams' "$(<relay.err)"
    mv relay.out first
    seed=$(sed -n 's/lossy: seed //p' relay.err)
    pass 100 -s "$seed" -l 50
    cmp first relay.out
}

# share WORD PERCENT: of 10,000 lines that many of a hundred have this word, give or take three standard deviations.
share() {
    head -n 10000 relay.out | awk -v word="$1" -v p="$2" '
        index($0, word) { n++ }
        END {
            p /= 100
            print word, n, "of", NR
            exit !(NR == 10000 && (n - NR * p) ^ 2 <= 9 * NR * p * (1 - p))
        }'
}

@test "lossy: of 10,000, as many are lost, doubled, held back and damaged as was asked" {
    peer server
    kill -STOP "$pid" # it need not read them
    relay -s 21 -l 30 127.0.0.1 "$server"
    burst 10000
    await_lines relay.out 10000
    share lost 30
    relay -s 22 -d 20 -r 10 -c 2.5 127.0.0.1 "$server"
    burst 10000
    await_lines relay.out 10000
    share twice 20
    share held 10
    share damaged 2.5
}

@test "lossy: 100 clients at once: the server sees 100 ports, and each client gets its own answer" {
    serve echo "$BUILD/echo" -b 127.0.0.1 0
    echo=$pid
    relay -t 200 127.0.0.1 "$port"
    kill -STOP "$echo" # until all have asked: one that has its answer ends, and its port may be the next one's
    clients=()
    for client in {1..100}; do
        start "client$client" "$BUILD/receiver" -w 20 127.0.0.1 "$relay" "I am $client."
        clients+=("$pid")
    done
    await_lines relay.out 100
    kill -CONT "$echo"
    for client in {1..100}; do
        await_exit "${clients[client - 1]}"
        like "sent .*received [0-9]+ bytes from 127\.0\.0\.1:$relay: I am $client\." "$(<"client$client.out")"
    done
    await_lines echo.out 100 # it prints after it has answered
    equal 100 "$(cut -d ' ' -f 6 echo.out | sort -u | wc -l)"
}

@test "lossy: one client has one port at the server, and a server that answers from another port, too" {
    peer server
    peer other
    peer client
    relay 127.0.0.1 "$server"
    printf '%s 01\n' "$relay" "$relay" >client.in
    await_lines server.out 2
    read -r there _ <server.out
    equal "$there 1 01
$there 1 01" "$(<server.out)"
    echo "$there 02" >other.in # as a TFTP server does: from here on it is the other port that counts
    await_lines client.out 1
    read -r here _ bytes <client.out
    equal 02 "$bytes"
    ((here != relay))
    echo "$here 03" >client.in
    await_lines other.out 1
    equal "$there 1 03" "$(<other.out)"
    echo "$there 04" >server.in
    await_lines client.out 2
    equal "$relay 1 04" "$(tail -n 1 client.out)"
}

@test "lossy: of more than 255 clients it forgets the oldest, whose next datagram makes it a new one" {
    peer server
    peer client
    relay 127.0.0.1 "$server"
    echo "$relay 01" >client.in
    await_lines server.out 1
    for ((i = 0; i < 300; i++)); do "$BUILD/sender" 127.0.0.1 "$relay" x >/dev/null; done
    await_lines server.out 301
    sockets=$(find "/proc/$relay_pid/fd" -lname 'socket:*' | wc -l)
    equal 256 "$sockets"
    echo "$relay 02" >client.in
    await_lines server.out 302
    mapfile -t lines < <(grep -E ' 1 0[12]$' server.out)
    equal 2 "${#lines[@]}"
    [[ ${lines[0]% * *} != "${lines[1]% * *}" ]]
}

@test "lossy: at most 1000 datagrams wait; what comes then has no room; Ctrl-C says what was still on its way" {
    peer server
    relay -t 10000 127.0.0.1 "$server"
    burst 1200
    await_lines relay.out 1200
    equal "$(seq -f '#%.0f -> 10000 ms late' 1000; seq -f '#%.0f -> no room' 1001 1200)" "$(<relay.out)"
    stop "$relay_pid"
    equal 0 "$status"
    equal $'lossy: 1000 still on their way, and lost\nlossy: stopped after 1200 datagrams' "$(tail -n 2 relay.err)"
}

@test "lossy: goes on after a client to whom nobody can answer (source port 0), and warns" {
    in_lan '
        start echo 1 echo
        echo=$pid
        start lossy 1 lossy 127.0.0.1 7788
        await "bound to 0.0.0.0:7789" lossy.err
        probe port0 7789
        await cannot lossy.err
        receiver -w 5 127.0.0.1 7789 still-here
        kill -INT "$pid" "$echo"
        wait "$pid"
        wait "$echo"'
    like '.*received 10 bytes from 127\.0\.0\.1:7789: still-here' "$output"
    like '.*lossy: cannot send 2 bytes to 127\.0\.0\.1:0: Invalid argument .*' "$(<lossy.err)"
}

@test "lossy: never becomes its own server" {
    serve bind "$BUILD/bind" -b 127.0.0.1 0
    kill -KILL "$pid"
    await_exit "$pid" # the port is free now, unless somebody else has taken it
    for address in 127.0.0.1 0.0.0.0; do
        run timeout 20 "$BUILD/lossy" -b "$address" 127.0.0.1 "$port" "$port"
        equal 1 "$status"
        like "lossy: cannot bind to .*: Address (already )?in use .*" "$output"
    done
}

@test "lossy: a bad PERCENT, SEED or delay, and a PORT that is missing, are usage errors" {
    for bad in '-l 101' '-d -1' '-r 5%' '-c x' '-l .' '-l 1e1' '-l nan' '-l ' '-s 1.5' '-s x' '-s -1' '-s ' \
        '-s 1000000000000000000' '-t 10001' '-t 5-' '-t -5' '-t -' '-t ' '-t x' '-t 1-2-3' '-t 2.5' '-t 5x-6' '-t 1-10001' \
        '-t 20-10' '-t 99999999999999999999'; do
        option=${bad% *} value=${bad#* }
        run timeout 20 "$BUILD/lossy" "$option" "$value" 127.0.0.1 1 0
        equal 2 "$status"
        like "lossy: bad (percentage|seed|delay) \"$value\": .*
usage: lossy .*" "$output"
    done
    run timeout 20 "$BUILD/lossy" 127.0.0.1
    equal 2 "$status"
    like 'lossy: PORT is missing
usage: lossy .*' "$output"
}
