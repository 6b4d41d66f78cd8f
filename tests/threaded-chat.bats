# Lesson 6: threaded-chat. How it stops: program.bats; charsets, and text that must do no harm: text.bats.
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
    serve bind "$BUILD/bind" -b 127.0.0.1 0
    peer_port=$port peer_pid=$pid
}

# hears N TEXT: what `listen` has started hears so many bytes, this text, from the chat's own port.
hears() {
    await_exit "$peer_pid"
    equal "received $1 bytes from 127.0.0.1:$port: $2" "$(cat bind.out)"
}

# ends SUMMARY: the process $pid, a chat or the terminal it is on, ends with exit 0; the summary is
# the chat's last line.
ends() {
    await_exit "$pid"
    equal 0 "$status"
    equal "threaded-chat: stopped after $1" "$(cat chat.err screen.out 2>/dev/null | tr -d '\r' | tail -n 1)"
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

@test "threaded-chat: sends each line from its own port, prints >>ENDPOINT:TEXT, whoever sent it" {
    serve echo "$BUILD/echo" -b 127.0.0.1 0
    echo_port=$port
    chat -b 127.0.0.1 -l 0 127.0.0.1 "$port"
    printf 'hello\n\nis anybody there?\n' >&9
    await chat.out 'is anybody there?'
    "$BUILD/sender" 127.0.0.1 "$port" 'a stranger'
    await chat.out 'a stranger'
    await_lines echo.out 3
    equal "#1 returned 5 bytes to 127.0.0.1:$port: hello
#2 returned 0 bytes to 127.0.0.1:$port: 
#3 returned 17 bytes to 127.0.0.1:$port: is anybody there?" "$(cat echo.out)"
    like ">>127\.0\.0\.1:$echo_port:hello
>>127\.0\.0\.1:$echo_port:
>>127\.0\.0\.1:$echo_port:is anybody there\?
>>127\.0\.0\.1:[0-9]+:a stranger" "$(cat chat.out)"
    [[ $(tail -n 1 chat.out) != *":$echo_port:"* ]] # the stranger's port, not the peer's
    kill "$pid"
    ends '3 sent and 4 received'
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
    run timeout 60 "$BUILD/threaded-chat" -b 127.0.0.1 -l 0 < <(printf '127.0.0.1\n%s\nhello\n' "$port")
    equal 0 "$status"
    # Nobody sits at a terminal, so nobody is prompted.
    like 'threaded-chat: bound to 127\.0\.0\.1:[0-9]+
threaded-chat: stopped after 1 sent and 0 received' "$output"
    port=${lines[0]##*:}
    hears 5 hello
    for typed in '' $'127.0.0.1\n'; do
        run timeout 60 "$BUILD/threaded-chat" -b 127.0.0.1 -l 0 < <(printf %s "$typed")
        equal 1 "$status"
        equal 'threaded-chat: nothing was typed: the input has ended' "$output"
    done
}

@test "threaded-chat: a line that cannot be encoded or sent is refused, and the chat goes on" {
    serve listener "$BUILD/probe" listen 127.0.0.1
    listener_pid=$pid
    chat -e ascii -b 127.0.0.1 -l 0 127.0.0.1 "$port"
    printf 'x%.0s' {1..65507} >longest
    { echo '你好'; cat longest longest; echo; cat longest; echo x; cat longest; echo; } >&9
    await_exit "$listener_pid"
    cmp longest listener.out
    refused='threaded-chat: line not sent: cannot'
    like ".*
$refused encode it in ascii: [A-Z].*
$refused encode it in ascii: Message too (long|large) .*
$refused send 65508 bytes to 127\.0\.0\.1:[0-9]+: Message too (long|large) .*" "$(cat chat.err)"
    "$BUILD/sender" 127.0.0.1 "$port" 'still here?'
    await chat.out 'still here?'
    kill "$pid"
    ends '1 sent and 1 received'
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
    ends '1 sent and 0 received'
    hears 8 'the last'
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
    hears 5 hello
    printf '\004' >&9 # Ctrl-D
    ends '1 sent and 0 received'
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
        nap
    done
    # Back to the line's start, wipe it; the message; the prompt.
    wanted=$'<<half of \r\e[K>>127.0.0.1:PORT:by the way\r\n<<'
    got=$(sed 's/>>127\.0\.0\.1:[0-9]*:/>>127.0.0.1:PORT:/' screen.out)
    [[ $got == *"$wanted" ]] || equal "$(printf %q "$wanted")" "$(printf %q "$got")"
    # The line that was being typed is whole.
    printf 'a line\r' >&9
    hears 14 'half of a line'
    printf '\003' >&9 # Ctrl-C
    ends '1 sent and 1 received'
}
