# Module text: what people type and read.
#
# shellcheck disable=SC2154,SC2030,SC2031,SC2034  # helpers set pid, port and status, in each test, and use input

load helpers

# hear CHARSET: starts a chatroom, which prints what `put` sends.
hear() {
    needs_charset "$1"
    rm -f room.*
    serve room "$BUILD/chatroom" -b 127.0.0.1 -e "$1" 0
}

# put: sends standard input to it as one datagram.
put() {
    "$BUILD/probe" send 127.0.0.1 "$port"
}

# put_all: sends each line of standard input, bytes in hexadecimal, as one datagram. One process sends
# them all; no more than 128 of them at once, for which a socket has room.
put_all() {
    sed "s/^/$port /" | "$BUILD/probe" peer 127.0.0.1 2>peer.err
}

# heard COUNT: waits until so many datagrams were printed, and puts their texts into the file
# `shown`. Each must be one line of valid UTF-8 without controls.
heard() {
    await_lines room.out "$1"
    equal "$1" "$(wc -l <room.out)"
    iconv -f UTF-8 -t UTF-8 room.out | cmp room.out -
    equal 0 "$(LC_ALL=C tr -d '\n -~\200-\377' <room.out | wc -c)"
    sed 's/^【[^】]*】127\.0\.0\.1://' room.out >shown
}

# listen: starts what takes one datagram, and puts its bytes into wire.out.
listen() {
    rm -f wire.*
    serve wire "$BUILD/probe" listen 127.0.0.1
}

# shows CHARSET: each line of standard input has bytes, as printf takes them, and after blanks how
# they are to be shown.
shows() {
    local bytes wanted
    : >wanted
    hear "$1"
    while read -r bytes wanted; do
        # shellcheck disable=SC2059  # it is a format
        printf "$bytes" | put
        printf '%s\n' "$wanted" >>wanted
    done
    heard "$(wc -l <wanted)"
    diff wanted shown
}

# sends CHARSET TEXT BYTES: sender puts exactly these BYTES (as printf takes them) on the wire, and
# a program that hears the charset shows TEXT again.
sends() {
    needs_encoder "$1"
    listen
    run "$BUILD/sender" -e "$1" 127.0.0.1 "$port" "$2"
    # shellcheck disable=SC2059  # it is a format
    printf "$3" >bytes
    equal "sent $(wc -c <bytes) bytes to 127.0.0.1:$port" "$output"
    await_exit "$pid"
    cmp bytes wire.out
    hear "$1"
    put <bytes
    heard 1
    equal "$2" "$(cat shown)"
}

# refuses PROGRAM PATTERN ARGUMENT...: the program, which is to send to $port, exits 1 with a message
# like PATTERN, and prints nothing. Standard input is the text.
refuses() {
    local program=$1 pattern=$2 status=0
    shift 2
    timeout 60 "$BUILD/$program" "$@" >out 2>err || status=$?
    like "$program: $pattern" "$(cat err)"
    equal 1 "$status"
    equal '' "$(cat out)"
}

# heard_nothing: what `hear` has started has heard nothing yet.
heard_nothing() {
    put <<<end
    heard 1
    equal 'end\n' "$(cat shown)"
}

# --------------------------------- safe printing ---------------------------------

@test "text: each of the 256 bytes alone is shown as itself or as an escape" {
    hear utf-8
    for first in 0 128; do
        for ((byte = first; byte < first + 128; byte++)); do
            printf -v hex %02x "$byte"
            case $byte in
            9) text=\\t ;;
            10) text=\\n ;;
            13) text=\\r ;;
            *) if ((byte >= 32 && byte < 127)); then printf -v text %b "\\x$hex"; else text=\\x$hex; fi ;;
            esac
            printf '%s\n' "$text" >>wanted
            echo "$hex"
        done | put_all
        heard $((first + 128))
    done
    diff wanted shown
}

@test "text: controls appear as escapes, the text around them as itself" {
    shows utf-8 <<'END'
one\ntwo\r\n\tthree     one\ntwo\r\n\tthree
\x1b[31mred\x1b[0m\x07  \x1b[31mred\x1b[0m\x07
a\x7fb                  a\x7fb
a\x00b                  a\x00b
a\x00                   a\x00
\x00                    \x00
\xc2\x80\xc2\x85x\xc2\x9b31m\xc2\x9f        \u0080\u0085x\u009b31m\u009f
END
}

@test "text: each bidirectional control and line separator appears as an escape" {
    shows utf-8 <<'END'
a\xd8\x9cb          a\u061cb
a\xe2\x80\x8eb      a\u200eb
a\xe2\x80\x8fb      a\u200fb
a\xe2\x80\xa8b      a\u2028b
a\xe2\x80\xa9b      a\u2029b
a\xe2\x80\xaab      a\u202ab
a\xe2\x80\xabb      a\u202bb
a\xe2\x80\xacb      a\u202cb
a\xe2\x80\xadb      a\u202db
a\xe2\x80\xaeb      a\u202eb
a\xe2\x81\xa6b      a\u2066b
a\xe2\x81\xa7b      a\u2067b
a\xe2\x81\xa8b      a\u2068b
a\xe2\x81\xa9b      a\u2069b
END
}

# shows_as_it_is: each line of standard input is shown as it is.
shows_as_it_is() {
    hear utf-8
    cat >wanted
    while IFS= read -r text; do
        printf %s "$text" | put
    done <wanted
    heard "$(wc -l <wanted)"
    diff wanted shown
}

@test "text: the neighbours of what is escaped are shown as themselves" {
    shows_as_it_is < <(printf '%b\n' '\x20' '\x7e' '\xc2\xa0' '\xd8\x9b' '\xd8\x9d' '\xe2\x80\x8d' \
        '\xe2\x80\x90' '\xe2\x80\xa7' '\xe2\x80\xaf' '\xe2\x81\xa5' '\xe2\x81\xaa')
}

@test "text: a backslash, Chinese, emoji and combining characters are shown as themselves" {
    shows_as_it_is < <(printf '%s\n' 'C:\new\x1b' '你好,世界' 'ñ é é' '👋🏽' $'\xf4\x8f\xbf\xbf' \
        $'\xed\x9f\xbf\xee\x80\x80' '' ' a  b ')
}

@test "text: bytes that are not UTF-8 appear as escapes: stray, overlong, surrogates, too high" {
    shows utf-8 <<'END'
a\x80b                  a\x80b
\xff\xfeb               \xff\xfeb
\xc0\x80                \xc0\x80
\xc1\xbf                \xc1\xbf
\xe0\x80\x8a            \xe0\x80\x8a
\xe0\x9f\xbf            \xe0\x9f\xbf
\xf0\x80\x80\x8a        \xf0\x80\x80\x8a
\xf0\x8f\xbf\xbf        \xf0\x8f\xbf\xbf
\xed\xa0\x80            \xed\xa0\x80
\xed\xbf\xbf            \xed\xbf\xbf
\xf4\x90\x80\x80        \xf4\x90\x80\x80
\xf5\x80\x80\x80        \xf5\x80\x80\x80
\xf8\x88\x80\x80\x80    \xf8\x88\x80\x80\x80
\xe4\xbdA               \xe4\xbdA
\xe4A\xa0               \xe4A\xa0
\xe4\xe4\xbd\xa0        \xe4你
END
}

@test "text: a character that is cut off at the datagram's end appears as escapes" {
    shows utf-8 <<'END'
a\xc2                   a\xc2
a\xe4                   a\xe4
a\xe4\xbd               a\xe4\xbd
a\xf0                   a\xf0
a\xf0\x9f               a\xf0\x9f
a\xf0\x9f\x91           a\xf0\x9f\x91
\xe4\xbd\xa0\xe4\xbd    你\xe4\xbd
\xe4\xbd\xa0            你
\xe4\xbd                \xe4\xbd
\xe4                    \xe4
END
}

@test "text: random bytes are shown as lines of valid UTF-8 without controls, in any charset" {
    for charset in utf-8 gb2312 utf-16le iso-8859-1; do
        hear "$charset"
        bytes=$(head -c 2844 /dev/urandom | od -An -v -tx1 | tr -d ' \n')
        for size in {1..40} 1000 1024; do
            echo "${bytes::2*size}"
            bytes=${bytes:2*size}
        done | put_all
        heard 42
        stop "$pid"
        equal 0 "$status"
    done
}

# ------------------------------------ the cut ------------------------------------

@test "text: a cut in the middle of a character leaves escapes, in UTF-8 and in another charset" {
    hear utf-8
    { printf 'x%.0s' {1..1023}; printf '你好'; } | put
    heard 1
    like 'x{1023}\\xe4 \[cut: 1024 of 1029 bytes\]' "$(cat shown)"
    hear gb2312
    { printf 'x%.0s' {1..1021}; printf '\xc4\xe3\xba\xc3'; } | put
    heard 1
    like 'x{1021}你\\xba \[cut: 1024 of 1025 bytes\]' "$(cat shown)"
}

# ------------------------------------ charsets -----------------------------------

@test "text: gb2312 on the wire is the bytes that Python sends" {
    sends gb2312 'hello 你好' 'hello \xc4\xe3\xba\xc3'
}

@test "text: other charsets on the wire, beyond 16 bits too, and a name in capitals" {
    sends utf-16le 'A你👋' 'A\x00\x60\x4f\x3d\xd8\x4b\xdc'
    sends iso-8859-1 'caf\é' 'caf\\\xe9'
    sends ISO-8859-1 'é' '\xe9'
    sends gbk '你好,镕' '\xc4\xe3\xba\xc3,\xe9F' # from here on, where iconv can write them
    sends big5 '你好' '\xa7A\xa6n'
    sends shift_jis 'こんにちは' '\x82\xb1\x82\xf1\x82\xc9\x82\xbf\x82\xcd'
}

# needs_states: skips the test if iconv has no states between characters (musl's has none).
needs_states() {
    needs_encoder iso-2022-jp
    listen
    run "$BUILD/sender" -e iso-2022-jp 127.0.0.1 "$port" こん
    [[ $output == 'sent 10 '* ]] || skip "this iconv shifts for each character of iso-2022-jp"
}

@test "text: a charset with states ends each datagram in the first one" {
    needs_states
    # shellcheck disable=SC2016  # $ is part of the charset
    sends iso-2022-jp 'こん' '\x1b$B$3$s\x1b(B'
}

@test "text: a line that the charset cannot express leaves no state behind for the next one" {
    needs_encoder iso-2022-jp
    listen
    printf '%s\n' 'こ👋' 'ん' |
        timeout 60 "$BUILD/threaded-chat" -e iso-2022-jp -b 127.0.0.1 -l 0 127.0.0.1 "$port" 2>err
    await_exit "$pid"
    printf '\x1b\x24B\x24s\x1b(B' >bytes
    cmp bytes wire.out
    like 'threaded-chat: line not sent: cannot encode it in iso-2022-jp: .*' "$(sed -n 2p err)"
}

@test "text: UTF-8 by any spelling passes bytes through unchanged, even those that are not UTF-8" {
    for name in UTF-8 utf-8 UTF8 utf8 Utf-8; do
        listen
        printf 'a\0\xff\xc0\x80\xe4' >bytes
        { cat bytes; echo; } | "$BUILD/sender" -e "$name" 127.0.0.1 "$port"
        await_exit "$pid"
        cmp bytes wire.out
    done
    listen
    "$BUILD/sender" 127.0.0.1 "$port" $'\xff\xe4' # and without -e
    await_exit "$pid"
    equal ff.e4 "$(od -An -tx1 wire.out | tr -d '\n' | sed 's/^ //; s/ /./g')"
}

@test "text: a byte that the charset does not have escapes itself, the text after it is decoded" {
    shows gb2312 <<'END'
\xc4\xe3\xff\xba\xc3        你\xff好
\xff\xffhello               \xff\xffhello
hello\xc4                   hello\xc4
\xc4                        \xc4
a\n\x1b\x00\xba\xc3         a\n\x1b\x00好
END
    shows utf-16le <<'END'
A\x00B                      A\x42
A\x00\x00\xd8              A\x00\xd8
\x2e\x20A\x00               \u202eA
\x85\x00A\x00               \u0085A
\x0a\x00A\x00               \nA
END
    shows iso-8859-1 <<'END'
\x85\xe9\x9b                \u0085é\u009b
END
}

@test "text: a charset that composes characters loses none at the datagram's end" {
    shows cp1258 <<'END'
abc             abc
a               a
a\nb            a\nb
END
}

@test "text: a datagram that ends in the middle of a charset's state leaves none for the next one" {
    needs_states
    shows iso-2022-jp <<'END'
\x1b\x24B\x24\x73        ん
$s                      $s
END
}

@test "text: a byte-order mark is that of its datagram alone" {
    hear utf-16
    printf 'h\0i\0' | put
    printf '\376\377\0h\0i' | put
    printf 'h\0i\0' | put
    heard 3
    equal hi "$(sed -n 2p shown)"
    equal "$(sed -n 1p shown)" "$(sed -n 3p shown)"
}

@test "text: a charset whose decoder wants more room than others holds up nothing" {
    hear EUC-JISX0213
    { printf 'a%.0s' {1..507}; printf '\244\367\244\367\244\367\244\367'; } | put
    heard 1
    like 'a{507}(か゚){4}' "$(cat shown)"
    stop "$pid"
    equal 0 "$status"
}

@test "text: an escape in long decoded text comes at its place, and nothing is lost" {
    hear iso-8859-1
    { printf '\xe9%.0s' {1..500}; printf '\n'; printf '\xe9%.0s' {1..500}; } | put
    heard 1
    like '(é){500}\\n(é){500}' "$(cat shown)"
}

@test "text: what the charset cannot express is an error, and nothing is sent: no ? and no * either" {
    hear utf-8
    for program in sender receiver broadcast; do
        refuses "$program" 'cannot encode the text in ascii: .*' -e ascii 127.0.0.1 "$port" é
    done
    needs_charset iso-8859-1 gb2312
    refuses sender 'cannot encode the text in iso-8859-1: .*' -e iso-8859-1 127.0.0.1 "$port" 'a你b'
    refuses sender 'cannot encode the text in gb2312: .*' -e gb2312 127.0.0.1 "$port" 'hi 👋'
    refuses sender 'cannot encode the text in gb2312: .*' -e gb2312 127.0.0.1 "$port" <<<'é👋'
    heard_nothing
}

@test "text: typed text that is not UTF-8 is an error with -e, and nothing is sent" {
    needs_charset utf-16le
    hear utf-8
    for bad in $'a\xffb' $'\xe4\xbd' $'\xc0\x80' $'\xed\xa0\x80'; do
        refuses sender 'cannot encode the text in utf-16le: .*' -e utf-16le 127.0.0.1 "$port" "$bad"
        refuses sender 'cannot encode the text in utf-16le: .*' -e utf-16le 127.0.0.1 "$port" <<<"$bad"
    done
    heard_nothing
}

@test "text: every program with -e encodes what it sends and decodes what it hears" {
    needs_encoder iso-8859-1
    serve echo "$BUILD/echo" -b 127.0.0.1 0
    "$BUILD/receiver" -e iso-8859-1 -w 5 127.0.0.1 "$port" é >receiver.out
    start broadcast "$BUILD/broadcast" -e iso-8859-1 127.0.0.1 "$port" é
    mkfifo keyboard
    exec 8<>keyboard
    input=keyboard start chat "$BUILD/threaded-chat" -e iso-8859-1 -b 127.0.0.1 -l 0 127.0.0.1 "$port"
    echo é >&8
    await_lines broadcast.out 1
    await_lines chat.out 1
    await_lines echo.out 3
    equal "received 1 bytes from 127.0.0.1:$port: é" "$(tail -n 1 receiver.out)"
    equal "Received from 127.0.0.1:$port: é" "$(cat broadcast.out)"
    equal ">>127.0.0.1:$port:é" "$(cat chat.out)"
    equal 3 "$(grep -c 'returned 1 bytes to [^ ]*: \\xe9$' echo.out)"
    serve bind "$BUILD/bind" -e iso-8859-1 -b 127.0.0.1 0
    printf '\xe9' | put
    await_exit "$pid"
    like 'received 1 bytes from .*: é' "$(cat bind.out)"
    # sender and chatroom: all the tests above.
}

# ------------------------------------ typed text ----------------------------------

# types BYTES: sender, with standard input as its text, puts exactly these BYTES (as printf takes them)
# on the wire.
types() {
    # shellcheck disable=SC2059  # it is a format
    printf "$1" >bytes
    listen
    "$BUILD/sender" 127.0.0.1 "$port" >out
    await_exit "$pid"
    cmp bytes wire.out
    equal "sent $(wc -c <bytes) bytes to 127.0.0.1:$port" "$(cat out)"
}

@test "text: a typed line is sent without its newline, and nothing of what follows" {
    types hello < <(printf hello)
    types hello < <(printf 'hello\nagain\n')
    types 'hello\r' < <(printf 'hello\r\n')
    types ' \\n\t ' < <(printf ' \\n\t \n')
    types 'a\0b\0' < <(printf 'a\0b\0\nrest')
    types '\0' < <(printf '\0\n')
}

@test "text: a typed line may come in pieces" {
    types hello < <(for letter in h e l l o $'\n'; do printf %s "$letter"; sleep 0.01; done)
}

@test "text: an empty line sends an empty datagram, an empty TEXT too" {
    types '' < <(echo)
    types '' < <(printf '\n\nmore\n')
    listen
    "$BUILD/sender" 127.0.0.1 "$port" '' <<<more
    await_exit "$pid"
    equal 0 "$(wc -c <wire.out)"
}

@test "text: end of input with nothing typed is an error, exit 1, and nothing is sent" {
    hear utf-8
    for program in sender receiver; do
        refuses "$program" 'nothing was typed: the input has ended' 127.0.0.1 "$port" </dev/null
        refuses "$program" 'nothing was typed: the input has ended' 127.0.0.1 "$port" <&-
    done
    heard_nothing
}

@test "text: a standard input that cannot be read is an error, exit 1" {
    refuses sender 'cannot read standard input: .*' 127.0.0.1 8080 <. # a directory
}

@test "text: 65507 typed bytes are sent; one more, or very many, are an error, and nothing is sent" {
    head -c 65507 /dev/zero | tr '\0' x >long
    types "$(<long)" < <(cat long; echo)
    hear utf-8
    refuses sender 'cannot send 65508 bytes to .*: .*65507.*' 127.0.0.1 "$port" < <(cat long; echo x)
    refuses sender 'cannot encode the text in UTF-8: Message too (long|large) .*65507.*' \
        127.0.0.1 "$port" < <(head -c 300000 /dev/zero | tr '\0' x)
    needs_charset utf-16le
    refuses sender 'cannot encode the text in utf-16le: Message too (long|large) .*65507.*' \
        -e utf-16le 127.0.0.1 "$port" <long
    heard_nothing
}

@test "text: the charset's bytes count, not those of UTF-8: 65507 é in iso-8859-1" {
    needs_encoder iso-8859-1
    listen
    head -c 65507 /dev/zero | tr '\0' '\351' >bytes
    iconv -f iso-8859-1 -t utf-8 bytes | "$BUILD/sender" -e iso-8859-1 127.0.0.1 "$port"
    await_exit "$pid"
    cmp bytes wire.out
}

# on_terminal COMMAND...: types `hello` on a terminal, on which the command runs; what the terminal
# shows comes into `screen`.
on_terminal() {
    command -v script >/dev/null || skip "no script(1) from util-linux"
    rm -f keyboard
    mkfifo keyboard
    exec 8<>keyboard # which has no end: script(1) would wait a second there
    echo hello >&8
    timeout 60 script -qec "$*" /dev/null <keyboard >screen 3>&- 8>&-
}

@test "text: on a terminal there is a prompt for the text, elsewhere none" {
    serve echo "$BUILD/echo" -b 127.0.0.1 0
    for command in "'$BUILD/sender'" "'$BUILD/receiver' -w 5"; do
        on_terminal "$command 127.0.0.1 $port"
        [[ $(<screen) == *'Text to send: '*"sent 5 bytes to 127.0.0.1:$port"* ]]
    done
    # Of input and errors, one is a terminal; then neither.
    on_terminal "'$BUILD/sender' 127.0.0.1 $port 2>errors"
    on_terminal "echo hello | '$BUILD/sender' 127.0.0.1 $port"
    [[ $(<screen) == *'sent 5 bytes'* && $(<screen) != *'Text to send'* ]]
    "$BUILD/sender" 127.0.0.1 "$port" <<<hello 2>>errors
    equal '' "$(cat errors)"
}

# ---------------------------------- unknown charsets ------------------------------

@test "text: a charset may be named as iconv -l writes it" {
    [[ $BUILD != */musl ]] || skip "musl's iconv knows no such names"
    iconv -l 2>/dev/null | grep -q '^ISO-8859-1//$' || skip "this iconv writes its names in another way"
    serve listener "$BUILD/probe" listen 127.0.0.1
    "$BUILD/sender" -e ISO-8859-1// 127.0.0.1 "$port" é
    await_exit "$pid"
    equal e9 "$(od -An -tx1 listener.out | tr -d ' ')"
    "$BUILD/sender" -e ISO-10646/UCS2/ 127.0.0.1 "$port" é
}

@test "text: a name that is no charset is a usage error, iconv's special names too" {
    for name in no-such '' ' ' / // 'gb2312,' gb2312//IGNORE gb2312//TRANSLIT UTF-8//IGNORE $'\n' $'utf-8\n'; do
        run timeout 60 "$BUILD/sender" -e "$name" 127.0.0.1 8080 x
        equal 2 "$status"
        equal "sender: unknown charset \"${name//$'\n'/?}\" (\`iconv -l\` lists them)" "${lines[0]}"
        equal 'usage: sender [-e CHARSET] HOST [PORT [TEXT]]' "${lines[1]}"
    done
}
