# Lesson 1: sender.
#
# shellcheck disable=SC2016,SC2034,SC2154  # bash -c gets its script quoted; $port and $pid are set by serve

load helpers

# arrives WANTED-FILE: waits for the datagram that `serve listener` is to take, and compares it.
arrives() {
    await_exit "$pid"
    cmp "$1" listener.out
}

# On a terminal: what stands in the file `typed` is typed there, what is shown comes into `screen`.
on_terminal() {
    command -v script >/dev/null || skip "no script(1) from util-linux"
    timeout 20 script -qec "$*" /dev/null <typed >screen 3>&-
}

@test "sender: prints sent N bytes to whom, and the bytes arrive" {
    serve listener "$BUILD/probe" listen 127.0.0.1
    run "$BUILD/sender" 127.0.0.1 "$port" hello
    equal 0 "$status"
    equal "sent 5 bytes to 127.0.0.1:$port" "$output"
    arrives <(printf hello)
}

@test "sender: sends to an IPv6 address" {
    serve listener "$BUILD/probe" listen ::1
    run "$BUILD/sender" ::1 "$port" hello
    equal 0 "$status"
    equal "sent 5 bytes to [::1]:$port" "$output"
    arrives <(printf hello)
}

@test "sender: port 8080 if it is left out, TEXT from standard input then" {
    needs_lan
    run lan bash -c '
        "$1/chatroom" -b 127.0.0.1 8080 >out 2>err & pid=$!
        until grep -qs "bound to" err; do sleep 0.01; done
        echo hello | "$1/sender" 127.0.0.1
        until grep -q hello out; do sleep 0.01; done
        kill -INT "$pid"; wait "$pid"' bash "$BUILD"
    equal 0 "$status"
    equal 'sent 5 bytes to 127.0.0.1:8080' "$output"
}

@test "sender: TEXT left out: sends one line of standard input, without its newline" {
    serve listener "$BUILD/probe" listen 127.0.0.1
    run "$BUILD/sender" 127.0.0.1 "$port" < <(printf 'one line\nand another\n')
    equal 0 "$status"
    equal "sent 8 bytes to 127.0.0.1:$port" "$output"
    arrives <(printf 'one line')
}

@test "sender: TEXT left out: sends a last line that has no newline" {
    serve listener "$BUILD/probe" listen 127.0.0.1
    run "$BUILD/sender" 127.0.0.1 "$port" < <(printf 'no newline')
    equal 0 "$status"
    arrives <(printf 'no newline')
}

@test "sender: TEXT left out: an empty line sends an empty datagram" {
    serve bind "$BUILD/bind" -b 127.0.0.1 0
    run "$BUILD/sender" 127.0.0.1 "$port" < <(echo)
    equal 0 "$status"
    equal "sent 0 bytes to 127.0.0.1:$port" "$output"
    await_exit "$pid"
    like 'received 0 bytes from 127\.0\.0\.1:[0-9]+: ' "$(cat bind.out)"
}

@test "sender: an empty TEXT sends an empty datagram, and reads nothing" {
    serve bind "$BUILD/bind" -b 127.0.0.1 0
    run "$BUILD/sender" 127.0.0.1 "$port" '' < <(echo 'not this')
    equal 0 "$status"
    equal "sent 0 bytes to 127.0.0.1:$port" "$output"
    await_exit "$pid"
    like 'received 0 bytes from .*: ' "$(cat bind.out)"
}

@test "sender: TEXT left out: end of input with nothing typed is an error, and nothing is sent" {
    serve listener "$BUILD/probe" listen 127.0.0.1
    run "$BUILD/sender" 127.0.0.1 "$port" </dev/null
    equal 1 "$status"
    equal 'sender: nothing was typed: the input has ended' "$output"
    "$BUILD/sender" 127.0.0.1 "$port" 'the first to come'
    arrives <(printf 'the first to come')
}

@test "sender: a TEXT may begin with a hyphen" {
    serve listener "$BUILD/probe" listen 127.0.0.1
    run "$BUILD/sender" 127.0.0.1 "$port" -e
    equal 0 "$status"
    arrives <(printf '%s' -e)
}

@test "sender: UTF-8 passes all bytes of a line through unchanged" {
    serve listener "$BUILD/probe" listen 127.0.0.1
    for code in {0..255}; do
        ((code == 10)) || printf '%b' "\\x$(printf %02x "$code")"
    done >wanted
    equal 255 "$(wc -c <wanted)"
    run "$BUILD/sender" 127.0.0.1 "$port" < <(cat wanted; echo)
    equal "sent 255 bytes to 127.0.0.1:$port" "$output"
    arrives wanted
}

@test "sender: -e gb2312 encodes the text: the document's bytes are on the wire" {
    serve listener "$BUILD/probe" listen 127.0.0.1
    run "$BUILD/sender" -e gb2312 127.0.0.1 "$port" '你好'
    [[ $output != *'can only read'* ]] || skip "this system's iconv can only read gb2312"
    equal "sent 4 bytes to 127.0.0.1:$port" "$output"
    arrives <(printf '\xc4\xe3\xba\xc3')
}

@test "sender: a text that the charset cannot express is an error, and nothing is sent" {
    serve listener "$BUILD/probe" listen 127.0.0.1
    run "$BUILD/sender" -e ascii 127.0.0.1 "$port" 'abc 你好'
    equal 1 "$status"
    like 'sender: cannot encode the text in ascii: .*' "$output"
    equal 1 "${#lines[@]}"
    "$BUILD/sender" 127.0.0.1 "$port" 'the first to come'
    arrives <(printf 'the first to come')
}

@test "sender: sends the largest datagram; one byte more is an error that says so" {
    serve listener "$BUILD/probe" listen 127.0.0.1
    head -c 65508 /dev/zero | tr '\0' x >long
    run "$BUILD/sender" 127.0.0.1 "$port" <long
    equal 1 "$status"
    like 'sender: cannot send 65508 bytes to 127\.0\.0\.1:'"$port"': .* \(a datagram carries at most 65507 bytes over IPv4\)' "$output"
    run "$BUILD/sender" 127.0.0.1 "$port" < <(head -c 65507 long)
    equal "sent 65507 bytes to 127.0.0.1:$port" "$output"
    arrives <(head -c 65507 long)
}

@test "sender: nobody tells it whether anybody waits: without a receiver it still exits 0" {
    serve listener "$BUILD/probe" listen 127.0.0.1
    kill "$pid"
    await_exit "$pid"
    run "$BUILD/sender" 127.0.0.1 "$port" hello
    equal 0 "$status"
    equal "sent 5 bytes to 127.0.0.1:$port" "$output"
}

@test "sender: prompts for the text on a terminal" {
    serve listener "$BUILD/probe" listen 127.0.0.1
    echo hello >typed
    on_terminal "'$BUILD/sender' 127.0.0.1 $port"
    await screen 'Text to send: '
    await screen "sent 5 bytes to 127.0.0.1:$port"
    arrives <(printf hello)
}

@test "sender: prompts nobody where no terminal is" {
    serve listener "$BUILD/probe" listen 127.0.0.1
    "$BUILD/sender" 127.0.0.1 "$port" <<<hello 2>errors
    equal '' "$(cat errors)"
    # Standard error is a terminal, standard input is not.
    : >typed
    serve listener "$BUILD/probe" listen 127.0.0.1
    on_terminal "echo hello | '$BUILD/sender' 127.0.0.1 $port"
    await screen 'sent 5 bytes'
    [[ $(<screen) != *'Text to send'* ]]
}
