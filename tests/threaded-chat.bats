# Lesson 6: threaded-chat.
#
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154  # bash -c gets its script quoted; $port and $pid are set by serve

load helpers

# chat ARGUMENT...: starts a threaded-chat and sets $port to its own port, $pid to its process. What
# is written to file descriptor 9 is typed there; `exec 9>&-` is Ctrl-D.
chat() {
    rm -f keyboard
    mkfifo keyboard
    input=keyboard start chat "$BUILD/threaded-chat" "$@"
    exec 9>keyboard # only now, so that the program has no copy of it
    await_port chat.err
}

# await_port FILE: waits until the chat has said there that it is bound, and sets $port.
await_port() {
    await "$1" 'bound to'
    port=$(tr -d '\r' <"$1" | sed -n 's/.*bound to .*:\([0-9]*\)$/\1/p')
}

# listen: starts a peer that takes one datagram into bind.out; sets $peer_port and $peer_pid.
listen() {
    serve bind "$BUILD/bind" "${@:--b127.0.0.1}" 0
    peer_port=$port peer_pid=$pid
}

# terminal ARGUMENT...: a chat on a pseudo-terminal. What is written to file descriptor 9 is typed
# there, what is shown comes into screen.out. Sets $port, and $pid to the process of script(1).
terminal() {
    command -v script >/dev/null || skip "no script(1) from util-linux"
    mkfifo keyboard
    input=keyboard start screen script -qefc "'$BUILD/threaded-chat' $*" typescript
    exec 9>keyboard
}

# await_prompt: waits until the chat on the terminal is ready, and sets $port.
await_prompt() {
    await screen.out '<<'
    await_port screen.out
}

@test "threaded-chat: sends each line typed, from its own port" {
    serve room "$BUILD/chatroom" -b 127.0.0.1 0
    chat -b 127.0.0.1 -l 0 127.0.0.1 "$port"
    printf 'hello\nis anybody there?\n' >&9
    await room.out 'is anybody there?'
    equal '127.0.0.1:hello
127.0.0.1:is anybody there?' "$(sed 's/^【.*】//' room.out)"
    stop "$pid"
    listen
    chat -b 127.0.0.1 -l 0 127.0.0.1 "$peer_port"
    echo hello >&9
    await_exit "$peer_pid"
    equal "received 5 bytes from 127.0.0.1:$port: hello" "$(cat bind.out)"
    equal '' "$(cat chat.out)"
}

@test "threaded-chat: no prompt gets between the parts of a message" {
    [[ $BUILD != */sanitize-* ]] || skip "a sanitizer wants to be loaded first"
    command -v script >/dev/null || skip "no script(1) from util-linux"
    cat >slow.c <<'END'
/* An fflush that takes its time over a message: what the other thread may print meanwhile, it prints. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <time.h>
int fflush(FILE *file)
{
    if (__fpending(file) > 0)
        nanosleep(&(struct timespec){ 0, 50000000 }, NULL);
    return ((int (*)(FILE *))dlsym(RTLD_NEXT, "fflush"))(file);
}
END
    ${CC:-cc} -shared -fPIC -o slow.so slow.c -ldl 2>/dev/null || skip "no compiler for a shared library"
    LD_PRELOAD=$PWD/slow.so "$BUILD/threaded-chat" -h >/dev/null 2>loader || true
    [[ ! -s loader ]] || skip "no preloading here"
    listen
    mkfifo keyboard
    input=keyboard start screen script -qefc "stty -echo; LD_PRELOAD='$PWD/slow.so' \
        '$BUILD/threaded-chat' -b 127.0.0.1 -l 0 127.0.0.1 $peer_port" typescript
    exec 9>keyboard
    await_prompt
    for n in {1..10}; do
        "$BUILD/sender" 127.0.0.1 "$port" "message $n"
        echo "line $n" >&9 # while the message is being printed
        await screen.out "message $n"
    done
    # ESC [ K wipes the line with the prompt; what was received follows at once.
    equal $'\e[K>>' "$(grep -o $'\e\\[K..' screen.out | sort -u)"
    equal 10 "$(grep -c $'\e\\[K>>127\\.0\\.0\\.1:[0-9]*:message [0-9]*\r$' screen.out)"
}

@test "threaded-chat: prints >>ENDPOINT:TEXT for each message, whoever sent it" {
    chat -b 127.0.0.1 -l 0 127.0.0.1 9
    "$BUILD/sender" 127.0.0.1 "$port" hello
    "$BUILD/sender" 127.0.0.1 "$port" again
    await chat.out again
    like '>>127\.0\.0\.1:[0-9]+:hello
>>127\.0\.0\.1:[0-9]+:again' "$(cat chat.out)"
    stop "$pid"
    equal 'threaded-chat: stopped after 0 sent and 2 received' "$(tail -n 1 chat.err)"
}

@test "threaded-chat: two chat, both on port 4567 if it is left out" {
    needs_lan
    run lan bash -c '
        mkfifo one two
        "$1/threaded-chat" 10.77.0.2 <one >out1 2>err1 & pid1=$!
        on 2 "$1/threaded-chat" 10.77.0.1 <two >out2 2>err2 & pid2=$!
        exec 8>one 9>two
        until grep -qs "bound to" err1 && grep -qs "bound to" err2; do sleep 0.01; done
        echo "hello, two" >&8
        until grep -q hello out2; do sleep 0.01; done
        echo "hello, one: 你好" >&9
        until grep -q hello out1; do sleep 0.01; done
        kill -INT "$pid1"; wait "$pid1" || exit
        exec 9>&-; kill -TERM "$pid2"; wait "$pid2"' bash "$BUILD"
    equal 0 "$status"
    equal '>>10.77.0.2:4567:hello, one: 你好' "$(cat out1)"
    equal '>>10.77.0.1:4567:hello, two' "$(cat out2)"
    for number in 1 2; do
        equal 'threaded-chat: bound to 0.0.0.0:4567
threaded-chat: stopped after 1 sent and 1 received' "$(cat "err$number")"
    done
}

@test "threaded-chat: asks for the peer's IP and port if they are left out" {
    listen
    chat_input=$(printf '127.0.0.1\n%s\nhello\n' "$peer_port")
    run timeout 20 "$BUILD/threaded-chat" -b 127.0.0.1 -l 0 <<<"$chat_input"
    equal 0 "$status"
    # Nobody sits at a terminal, so nobody is prompted.
    like 'threaded-chat: bound to 127\.0\.0\.1:[0-9]+
threaded-chat: stopped after 1 sent and 0 received' "$output"
    await_exit "$peer_pid"
    like 'received 5 bytes from .*: hello' "$(cat bind.out)"
}

@test "threaded-chat: with a HOST it asks nothing, the peer's port is 4567" {
    needs_lan
    run lan bash -c '
        on 2 "$1/bind" 4567 >out 2>err & pid=$!
        until grep -qs "bound to" err; do sleep 0.01; done
        echo hello | "$1/threaded-chat" -l 4000 10.77.0.2
        wait "$pid" && cat out' bash "$BUILD"
    equal 0 "$status"
    equal 'threaded-chat: bound to 0.0.0.0:4000
threaded-chat: stopped after 1 sent and 0 received
received 5 bytes from 10.77.0.1:4000: hello' "$output"
}

@test "threaded-chat: input that ends before IP and port were typed is an error, exit 1" {
    for typed in '' $'127.0.0.1\n'; do
        run timeout 20 "$BUILD/threaded-chat" -b 127.0.0.1 -l 0 < <(printf %s "$typed")
        equal 1 "$status"
        equal 'threaded-chat: nothing was typed: the input has ended' "$output"
    done
}

@test "threaded-chat: a line that cannot be encoded is refused, and the chat goes on" {
    listen
    chat -e ascii -b 127.0.0.1 -l 0 127.0.0.1 "$peer_port"
    echo '你好' >&9
    await chat.err 'line not sent'
    like 'threaded-chat: line not sent: cannot encode it in ascii: .*' "$(sed -n 2p chat.err)"
    echo hello >&9
    await_exit "$peer_pid"
    like 'received 5 bytes from .*: hello' "$(cat bind.out)"
    "$BUILD/sender" 127.0.0.1 "$port" 'still here?'
    await chat.out 'still here?'
    stop "$pid"
    equal 0 "$status"
    equal 'threaded-chat: stopped after 1 sent and 1 received' "$(tail -n 1 chat.err)"
}

@test "threaded-chat: a line too long for a datagram is refused, the longest is sent" {
    serve listener "$BUILD/probe" listen 127.0.0.1
    listener_pid=$pid
    chat -b 127.0.0.1 -l 0 127.0.0.1 "$port"
    head -c 65508 /dev/zero | tr '\0' x >long
    { cat long; echo; cat long long long long long; echo; head -c 65507 long; echo; } >&9
    await_exit "$listener_pid"
    head -c 65507 long | cmp - listener.out
    like 'threaded-chat: line not sent: cannot send 65508 bytes to 127\.0\.0\.1:.*' \
        "$(sed -n 2p chat.err)"
    like 'threaded-chat: line not sent: cannot encode it in UTF-8: Message too (long|large) .*' \
        "$(sed -n 3p chat.err)"
}

@test "threaded-chat: a line that has no way to the peer is refused, and the chat goes on" {
    needs_lan
    run lan bash -c '
        printf "one\ntwo\n" | timeout 20 "$1/threaded-chat" -b 10.77.0.1 192.0.2.1' bash "$BUILD"
    equal 0 "$status"
    for line in 1 2; do
        like 'threaded-chat: line not sent: cannot send 3 bytes to 192\.0\.2\.1:4567: .*' \
            "${lines[line]}"
    done
    equal 'threaded-chat: stopped after 0 sent and 0 received' "${lines[3]}"
}

@test "threaded-chat: an empty line is an empty datagram, and the other way round" {
    listen
    chat -b 127.0.0.1 -l 0 127.0.0.1 "$peer_port"
    echo >&9
    await_exit "$peer_pid"
    like 'received 0 bytes from .*: ' "$(cat bind.out)"
    "$BUILD/probe" send 127.0.0.1 "$port" </dev/null
    await_lines chat.out 1
    like '>>127\.0\.0\.1:[0-9]+:' "$(cat chat.out)"
    echo >&9
    "$BUILD/sender" 127.0.0.1 "$port" 'goes on'
    await chat.out 'goes on'
}

@test "threaded-chat: prints 1024 bytes whole, of a longer message says what was cut" {
    chat -b 127.0.0.1 -l 0 127.0.0.1 9
    for size in 1024 1025 65507; do
        head -c "$size" /dev/zero | tr '\0' x | "$BUILD/probe" send 127.0.0.1 "$port"
    done
    await_lines chat.out 3
    like '>>[^ ]+:x{1024}
>>[^ ]+:x{1024} \[cut: 1024 of 1025 bytes\]
>>[^ ]+:x{1024} \[cut: 1024 of 65507 bytes\]' "$(cat chat.out)"
}

@test "threaded-chat: a message cannot forge a line, nor speak to the terminal" {
    chat -b 127.0.0.1 -l 0 127.0.0.1 9
    printf 'hi\n>>127.0.0.2:4567:\033[2J' | "$BUILD/probe" send 127.0.0.1 "$port"
    await_lines chat.out 1
    equal 1 "$(wc -l <chat.out)"
    [[ $(cat chat.out) == *':hi\n>>127.0.0.2:4567:\x1b[2J' ]]
}

@test "threaded-chat: -e gb2312 encodes the lines and decodes the messages" {
    serve listener "$BUILD/probe" listen 127.0.0.1
    listener_pid=$pid
    chat -e gb2312 -b 127.0.0.1 -l 0 127.0.0.1 "$port"
    printf '\xc4\xe3\xba\xc3' | "$BUILD/probe" send 127.0.0.1 "$port"
    await chat.out ':你好'
    printf '你好\n' >&9
    if ! "$BUILD/sender" -e gb2312 127.0.0.1 "$port" '你好' 2>refused; then
        grep -q 'can only read' refused
        skip "this system's iconv can only read gb2312"
    fi
    await_exit "$listener_pid"
    printf '\xc4\xe3\xba\xc3' | cmp - listener.out
}

@test "threaded-chat: talks to an IPv6 peer" {
    listen -b::1
    chat -b ::1 -l 0 ::1 "$peer_port"
    echo hello >&9
    await_exit "$peer_pid"
    equal "received 5 bytes from [::1]:$port: hello" "$(cat bind.out)"
    "$BUILD/sender" ::1 "$port" hi
    await chat.out hi
    like '>>\[::1\]:[0-9]+:hi' "$(cat chat.out)"
}

@test "threaded-chat: without -b it is bound to all addresses of the peer's family" {
    needs_lan
    run lan bash -c '
        "$1/threaded-chat" ::1 </dev/null && "$1/threaded-chat" 127.0.0.1 </dev/null' bash "$BUILD"
    equal 0 "$status"
    equal 'threaded-chat: bound to [::]:4567
threaded-chat: stopped after 0 sent and 0 received
threaded-chat: bound to 0.0.0.0:4567
threaded-chat: stopped after 0 sent and 0 received' "$output"
}

@test "threaded-chat: end of input ends both threads, a last line without newline is sent" {
    listen
    chat -b 127.0.0.1 -l 0 127.0.0.1 "$peer_port"
    printf 'the last' >&9
    exec 9>&-
    await_exit "$pid"
    equal 0 "$status"
    equal 'threaded-chat: stopped after 1 sent and 0 received' "$(tail -n 1 chat.err)"
    await_exit "$peer_pid"
    like 'received 8 bytes from .*: the last' "$(cat bind.out)"
}

@test "threaded-chat: Ctrl-C and SIGTERM end both threads, with a summary and exit 0" {
    listen
    for signal in INT TERM; do
        chat -b 127.0.0.1 -l 0 127.0.0.1 "$peer_port"
        stop "$pid" "$signal"
        equal 0 "$status"
        equal "threaded-chat: bound to 127.0.0.1:$port
threaded-chat: stopped after 0 sent and 0 received" "$(cat chat.err)"
    done
}

@test "threaded-chat: no signal is missed at any moment, neither of a quiet nor of a busy chat" {
    listen
    rounds=40
    [[ $BUILD != */sanitize-* ]] || rounds=15
    for ((round = 0; round < rounds; round++)); do
        chat -b 127.0.0.1 -l 0 127.0.0.1 "$peer_port"
        chat_pid=$pid
        if ((round % 2 == 1)); then
            start flood "$BUILD/probe" flood 127.0.0.1 "$port" 2000 10
            printf '%s\n' {1..200} >&9
        fi
        # Any moment of the next few milliseconds.
        sleep "0.00$((RANDOM % 6))$((RANDOM % 10))"
        ((round % 4 < 2)) && signal=INT || signal=TERM
        stop "$chat_pid" "$signal"
        equal 0 "$status"
        like 'threaded-chat: stopped after [0-9]+ sent and [0-9]+ received' "$(tail -n 1 chat.err)"
        equal "$(wc -l <chat.out)" "$(sed -n 's/.* and \(.*\) received/\1/p' chat.err)"
    done
}

@test "threaded-chat: output that cannot be written ends it, both threads, exit 1" {
    mkfifo keyboard
    input=keyboard start chat bash -c 'exec "$@" >/dev/full' bash \
        "$BUILD/threaded-chat" -b 127.0.0.1 -l 0 127.0.0.1 9
    exec 9>keyboard
    await_port chat.err
    "$BUILD/sender" 127.0.0.1 "$port" hello
    await_exit "$pid"
    equal 1 "$status"
    like 'threaded-chat: cannot write standard output: .*' "$(tail -n 1 chat.err)"
}

@test "threaded-chat: on a terminal, asks for IP and port with prompts" {
    listen
    terminal -b 127.0.0.1 -l 0
    await screen.out "Peer's IP: "
    printf '127.0.0.1\r' >&9
    await screen.out "Peer's port: "
    printf '%s\r' "$peer_port" >&9
    await_prompt
    printf 'hello\r' >&9
    await_exit "$peer_pid"
    equal "received 5 bytes from 127.0.0.1:$port: hello" "$(cat bind.out)"
}

@test "threaded-chat: on a terminal, an arriving line wipes the prompt, which comes back under it" {
    listen
    terminal -b 127.0.0.1 -l 0 127.0.0.1 "$peer_port"
    await_prompt
    printf 'half of ' >&9
    await screen.out '<<half of '
    "$BUILD/sender" 127.0.0.1 "$port" 'by the way'
    await screen.out 'by the way'
    until [[ $(tail -c 2 screen.out) == '<<' ]]; do
        sleep 0.01
    done
    # Back to the line's start, wipe it; the message; the prompt.
    wanted=$'<<half of \r\e[K>>127.0.0.1:PORT:by the way\r\n<<'
    got=$(sed 's/>>127\.0\.0\.1:[0-9]*:/>>127.0.0.1:PORT:/' screen.out)
    [[ $got == *"$wanted" ]] || equal "$(printf %q "$wanted")" "$(printf %q "$got")"
    # The line that was being typed is whole.
    printf 'a line\r' >&9
    await_exit "$peer_pid"
    equal "received 14 bytes from 127.0.0.1:$port: half of a line" "$(cat bind.out)"
}

@test "threaded-chat: on a terminal, Ctrl-C and Ctrl-D end it with a summary and exit 0" {
    listen
    for key in '\003' '\004'; do
        rm -f keyboard
        terminal -b 127.0.0.1 -l 0 127.0.0.1 "$peer_port"
        await_prompt
        printf '%b' "$key" >&9
        await_exit "$pid"
        equal 0 "$status"
        await screen.out 'threaded-chat: stopped after 0 sent and 0 received'
    done
}
