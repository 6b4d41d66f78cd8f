# The checks of exercise 7, translator: each proves sentences of the contract in its README.md.
#
# shellcheck disable=SC2030,SC2031,SC2034,SC2154  # checks.bash uses $see, and sets $port and $word; checks share nothing

load ../checks

# translates LEFT RIGHT [HOST [OWN-ADDRESS]]: starts the program with these charsets, and the two peers
# `left` and `right`; $own is its port.
translates() {
    needs_encoder "$1" "$2"
    local host=${3:-127.0.0.1}
    peer left "$host"
    peer right "$host"
    sent="translator $1 $2 $host: left speaks $1, right $2"
    serve_program -b "${4:-$host}" "$1" "$2" "$host" "$right" 0
    own=$port
    declare -gA heard=() # how many of a peer's datagrams were looked at
}

# Characters in five charsets: UTF-8, gb2312, big5, shift_jis, utf-16le. None has a byte 5c in any of
# them, a backslash, which would look like an escape in what the peers print.
characters=(
    '世 e4b896 cac0 a540 90a2 164e'
    '界 e7958c bde7 acc9 8a45 4c75'
    '中 e4b8ad d6d0 a4a4 9286 2d4e'
    '文 e69687 cec4 a4e5 95b6 8765'
    '天 e5a4a9 ccec a4d1 9356 2959'
    '地 e59cb0 b5d8 a661 926e 3057'
    '人 e4baba c8cb a448 906c ba4e'
    '水 e6b0b4 cbae a4f4 9085 346c'
    '大 e5a4a7 b4f3 a46a 91e5 2759'
    '一 e4b880 d2bb a440 88ea 004e'
    '二 e4ba8c b6fe a447 93f1 8c4e'
    '三 e4b889 c8fd a454 8e4f 094e'
    '上 e4b88a c9cf a457 8fe3 0a4e'
    '下 e4b88b cfc2 a455 89ba 0b4e'
    '木 e69ca8 c4be a4ec 96d8 2867'
    '火 e781ab bbf0 a4f5 89ce 6b70'
    '土 e59c9f cdc1 a467 9379 1f57'
    '金 e98791 bdf0 aaf7 8be0 d191'
)

# new_text: a text of Chinese characters and Latin letters, in $text; its bytes, in hexadecimal, in
# $utf8, $gb2312, $big5, $shift_jis and $utf16le; $chinese is the number of Chinese characters.
new_text() {
    local i fields letter
    text='' utf8='' gb2312='' big5='' shift_jis='' utf16le=''
    chinese=$((RANDOM % 4 + 3))
    for ((i = 0; i < chinese; i++)); do
        read -ra fields <<<"${characters[RANDOM % ${#characters[@]}]}"
        text+=${fields[0]} utf8+=${fields[1]} gb2312+=${fields[2]}
        big5+=${fields[3]} shift_jis+=${fields[4]} utf16le+=${fields[5]}
        letter=$((RANDOM % 6 + 61)) # a to f
        printf -v fields '%b' "\\x$letter"
        text+=${fields[0]} utf8+=$letter gb2312+=$letter big5+=$letter shift_jis+=$letter utf16le+=${letter}00
    done
}

# gives NAME HEX [WORDS]: NAME sends these bytes to the program.
gives() {
    sent+=$'\n'"$1: the bytes ${2:-(none)}${3:+: $3}"
    echo "$own $2" >"$1.in"
}

# next_at NAME WANTED: waits for the next datagram at NAME; its bytes, in hexadecimal, are in $came.
next_at() {
    local lines=() number=${heard[$1]:-0}
    comes "$1.out" $((number + 1)) || complain "at $1: $2" "at $1: nothing"
    mapfile -t lines <"$1.out"
    heard[$1]=$((number + 1))
    came=${lines[number]#* * }
    wanted "at $1: a datagram from port $own, that of the program" "at $1: a datagram from port ${lines[number]%% *}, that of the program"
    # The peer prints what is UTF-8 as text, and all else as escapes that printf knows.
    [ -z "$came" ] || came=$(printf '%b' "$came" | od -An -v -tx1)
    came=${came//[^0-9a-f]/}
}

# gets NAME HEX: the next datagram at NAME must be these bytes.
gets() {
    next_at "$1" "the bytes ${2:-(none)}"
    wanted "at $1: the bytes ${2:-(none)}" "at $1: the bytes ${came:-(none)}"
}

# refused: waits until the program has said, for the first time, that something is not passed on.
refused() {
    await program.err 'not passed on' >/dev/null || complain '... not passed on ... on standard error' "$content"
}

# proves: 4 6 9
@test "what the left one says comes to the right one, in the right charset" {
    see='lesson 5, "The idea", what: gb2312 takes two bytes for a Chinese character, UTF-8 three'
    translates gb2312 utf-8
    for round in 1 2; do
        new_text
        gives left "$gb2312" "$text"
        gets right "$utf8"
    done
}

# proves: 4 5 7
@test "what the right one says goes to whoever was the last to write from the left" {
    see='lesson 4, "The idea": a client is its address and its port'
    translates big5 utf-8 127.0.0.1 0.0.0.0
    peer second 127.0.9.9 "$right"
    sent+=$'\n'"second is at 127.0.9.9:$right, right at 127.0.0.1:$right: the same port"
    for name in left second left; do
        new_text
        gives "$name" "$big5" "$text"
        gets right "$utf8"
        new_text
        gives right "$utf8" "$text"
        gets "$name" "$big5"
        new_text
        gives right "$utf8" "$text"
        gets "$name" "$big5"
    done
}

# proves: 1 18
@test "any two charsets will do: shift_jis and utf-16le, gbk and big5, windows-1255" {
    see='lesson 5, "The idea", what; iconv(3)'
    translates shift_jis utf-16le
    new_text
    gives left "$shift_jis" "$text"
    gets right "$utf16le"
    new_text
    gives right "$utf16le" "$text"
    gets left "$shift_jis"
    stop_program
    rm -f left.* right.* program.*
    translates gbk big5
    new_text
    gives left "$gb2312" "$text"
    gets right "$big5"
    new_text
    gives right "$big5" "$text"
    gets left "$gb2312"
    stop_program
    rm -f left.* right.* program.*
    see='hint 2: iconv keeps a letter back if an accent may follow it, until you ask for it'
    translates windows-1255 utf-8
    new_word
    hex_of "$word"
    gives left "${hex}f9ece5" "${word}שלו"
    gets right "${hex}d7a9d79cd795"
    gives left f9d9 'ש, then a bad byte'
    next_at right 'ש?, or ?ש'
    [[ $came == 3fd7a9 || $came == d7a93f ]] || complain 'at right: the bytes d7a93f, or 3fd7a9' "at right: the bytes ${came:-(none)}"
    gives right "${hex}d7a9d79cd795" "${word}שלו"
    gets left "${hex}f9ece5"
}

# proves: 13
@test "a character that the other charset lacks becomes one question mark" {
    see='hint 3: a character may have several bytes, and becomes one question mark all the same'
    translates utf-8 iso-8859-1
    new_text
    letters=${utf8//e?????/3f}
    gives left "61c3a9f09f9880ceb1${utf8}c3bc" "aé😀α${text}ü"
    gets right "61e93f3f${letters}fc"
    gives right 'e8e9' 'èé'
    gets left 'c3a8c3a9'
}

# proves: 14 15
@test "each byte that is no character becomes one question mark" {
    see='lesson 5, "The idea", what; hint 3: EILSEQ and EINVAL'
    translates utf-8 gb2312
    new_text
    gives left "61ff${utf8}80c328" "a, a bad byte, $text, two bad bytes, ("
    gets right "613f${gb2312}3f3f28"
    gives left "${utf8}e4bd" "$text, and two of three bytes of a character"
    gets right "${gb2312}3f3f"
    gives right "${gb2312}ff62c4" "$text, a bad byte, b, one of two bytes of a character"
    gets left "${utf8}3f623f"
    stop_program
    rm -f left.* right.* program.*
    translates gb18030 utf-8
    gives left 6130ff308130 'a, 0, a bad byte, 0, and two of four bytes of a character, of which 30 alone would be 0'
    gets right 61303f303f3f
}

# proves: 16
@test "a question mark is written in the other charset" {
    see='hint 3: in utf-16le it has two bytes'
    translates gb2312 utf-16le
    new_text
    gives left "ff$gb2312" "a bad byte, $text"
    gets right "3f00$utf16le"
    gives right "${utf16le}61" "$text, and one of two bytes of a character"
    gets left "${gb2312}3f"
}

# reads NAME CHARSET TEXT [HEX LETTER]: the next datagram at NAME must be TEXT in CHARSET, also with these
# bytes behind it, which are the LETTER.
reads() {
    local came i bytes='' text
    next_at "$1" "$3, in $2"
    came+=${4-}
    for ((i = 0; i < ${#came}; i += 2)); do bytes+="\\x${came:i:2}"; done
    # shellcheck disable=SC2059
    text=$(printf "$bytes" | iconv -f "$2" -t utf-8 2>&1) || true
    wanted "at $1${4:+, with ${5} behind it}, read as $2: $3${5-}" "at $1${4:+, with ${5} behind it}, read as $2: $text"
}

# proves: 10 14 16 17
@test "in a charset that shifts (iso-2022-jp), neither a question mark nor the end is left shifted" {
    see='hint 3: only the encoder knows what must come before; hint 2: what it writes at the end'
    translates utf-8 iso-2022-jp
    new_text
    gives left "${utf8}e4b896ffe7958c" "${text}世, a bad byte, 界"
    reads right iso-2022-jp "${text}世?界" 61 a
    gives left e4b896f09f9880e7958c 世😀界
    reads right iso-2022-jp 世?界 61 a
    gives right "1b24424024" "世, not shifted back"
    gets left e4b896
    gives right "61" "a"
    gets left 61
    gives right 1b24422422ff24221b2842 'あ, a bad byte, あ: no shift between them'
    gets left e381823fe38182
    gives left e280be61 '‾a: there is no shift between them, but one before them'
    reads right iso-2022-jp '‾a' 7e '~'
    stop_program
    rm -f left.* right.* program.*
    translates utf-8 utf-16
    gives left "${utf8}ff61" "${text}, a bad byte, a"
    reads right utf-16 "$text?a"
    see='hint 2: in glibc a decoder of UTF-16 keeps its byte order'
    gives right feff0041 'A, its first byte is the higher one, as the first two bytes say'
    gets left 41
    gives right fffe4200 'B, its first byte is the lower one'
    gets left 42
}

# proves: 10
@test "each datagram is translated alone: half a character does not wait for its rest" {
    see='lesson 4, "The idea": a datagram is whole; only a stream is cut anywhere'
    translates gb2312 utf-8
    new_text
    gives left "${gb2312}ca" "$text, and the first of the two bytes of 世"
    gets right "${utf8}3f"
    gives left "c061" 'the second byte of it (no character by itself), and a'
    gets right '3f61'
}

# proves: 11 12
@test "a text is any bytes: zero bytes, newlines, none at all" {
    see='lesson 4, "Check yourself": strlen stops at a zero byte; an empty datagram is a datagram'
    translates gb2312 utf-8
    new_text
    gives left "00${gb2312}000a$gb2312" "a zero byte, $text, a zero byte, a newline, $text"
    gets right "00${utf8}000a$utf8"
    gives left 610a 'a, and a newline'
    gets right 610a
    gives left ''
    gets right ''
    gives right ''
    gets left ''
    gives left "$gb2312" "$text"
    gets right "$utf8"
    stop_program
    rm -f left.* right.* program.*
    translates utf-8 iso-2022-kr # whose texts begin with an escape sequence
    gives left ''
    gets right ''
}

# proves: 21 22
@test "a result that fits is passed on whole; one that does not is not passed on, and it goes on" {
    see='How UDP works: why 65,507; hint 4: the result may be longer than what came'
    translates cp1252 utf-8
    head -c 21836 /dev/zero | tr '\0' '\200' >long # each € has three bytes in utf-8
    { head -c 21835 long && printf aa; } | "$PROBE" send 127.0.0.1 "$own"
    sent+=$'\nsomebody on the left: 21835 times €, 2 times a: 65507 bytes in utf-8'
    comes right.out 1 || complain 'at right: 65507 bytes' 'at right: nothing'
    wanted 'at right: 65507 bytes' "at right: $(cut -d ' ' -f 2 right.out) bytes"
    heard[right]=1
    printf -v hex '%*s' 21836 ''
    echo "$own ${hex// /80}" >left.in
    sent+=$'\nleft: 21836 times €: 65508 bytes in utf-8'
    refused
    gives right e282ac €
    gets left 80
    gives left 61 a
    gets right 61
}

# proves: 22
@test "what sendto refuses is not passed on, and it goes on" {
    see='lesson 7, "Read the program", step 2: sendto fails for a broadcast address; lesson 4: a server goes on'
    peer left
    needs_encoder utf-16le
    serve_program -b 127.0.0.1 utf-8 utf-16le 127.255.255.255 "$left" 0
    own=$port
    sent='translator utf-8 utf-16le, and right is at 127.255.255.255, a broadcast address'
    gives left ff61
    gives left 62
    program_writes program.err 3 '... not passed on ... on standard error, twice'
    wanted_like '(.*not passed on.*){2}' "${lines[*]}" '... not passed on ... on standard error, twice'
    stop_program
    wanted 'on standard error: translator: stopped after 0 datagrams, 0 replaced' "on standard error: $(tail -n 1 program.err)"
    nothing_in program.out

    # On the other way: the left one is at a port to which nothing can be sent.
    see='lesson 4, "The idea": anybody can send anything, from a source port of 0, too'
    allow_port_0 || skip "only in part: nothing can be sent from port 0 here: $reason"
    rm -f left.* right.*
    translates utf-8 utf-16le
    sent+=$'\nsomebody on the left, at port 0, to which nothing can be sent: a'
    tell_from_port_0 "$own" a
    gets right 6100
    gives right 6200 b
    program_writes program.err 2 '... not passed on ... on standard error'
    [[ ${lines[1]} == *'not passed on'* ]] || complain '... not passed on ... on standard error' "${lines[1]}"
    gives left 63 c
    gets right 6300
    stop_program
    wanted 'on standard error: translator: stopped after 2 datagrams, 0 replaced' "on standard error: $(tail -n 1 program.err)"
}

# proves: 19 20
@test "of each datagram it says from whom to whom, how many bytes in and out, how many replaced" {
    see='this exercise, "The contract"'
    translates utf-8 iso-8859-1
    log=
    for ((i = 0; i < 3; i++)); do
        new_text
        letters=${utf8//e?????/3f}
        gives left "$utf8" "$text"
        gets right "$letters"
        log+="127.0.0.1:$left to 127.0.0.1:$right: $((${#utf8} / 2)) bytes in, $((${#letters} / 2)) bytes out, $chinese replaced"$'\n'
    done
    gives right e9 é
    gets left c3a9
    log+="127.0.0.1:$right to 127.0.0.1:$left: 1 bytes in, 2 bytes out, 0 replaced"
    comes program.out 4 || true
    slurp program.out
    wanted "$log" "${content%$'\n'}"
}

# proves: 8 22
@test "before anybody has written from the left, what the right one says is not passed on" {
    see='this exercise, "The contract"; lesson 4: a server never dies of what a stranger sent'
    translates gb2312 utf-8
    new_text
    gives right "$utf8" "$text"
    refused
    gives left "$gb2312" "$text"
    gets right "$utf8"
    gives right "$utf8" "$text"
    gets left "$gb2312"
}

# proves: 6 9 20 23 24
@test "while nothing comes it sleeps; Ctrl-C or SIGTERM ends it, with the sums and exit 0" {
    see='lesson 4, "Read the program"'
    local i burst
    translates utf-8 utf-32le
    has_one thread
    has_one socket
    gives right 62 'one of four bytes of a character, and nobody is on the left'
    refused
    new_number 16400 17000
    printf -v hex '%*s' "$number" ''
    echo "$own ff${hex// /61}" >left.in
    sent+=$'\n'"left: a bad byte, and $number times a: $((4 * number + 4)) bytes in utf-32le"
    gives left efbfbd 'U+FFFD, a character like any other'
    gets right fdff0000
    gives left ffff3f 'two bad bytes, and a question mark'
    gets right 3f0000003f0000003f000000
    gives right 6200000062 'b, and one of four bytes of a character'
    gets left 623f
    is_not_woken
    sent+=$'\nleft: 256 times two bad bytes'
    for burst in 1 2; do
        for ((i = 0; i < 128; i++)); do echo "$own ffff"; done >left.in
        comes right.out $((2 + burst * 128)) || complain "at right: $((2 + burst * 128)) datagrams" "at right: $(wc -l <right.out)"
    done
    stop_program
    wanted 'on standard error: translator: stopped after 259 datagrams, 515 replaced' "on standard error: $(tail -n 1 program.err)"
    rm -f left.* right.*
    translates utf-8 utf-32le
    stop_program TERM
    wanted 'on standard error: translator: stopped after 0 datagrams, 0 replaced' "on standard error: $(tail -n 1 program.err)"
}

# proves: 1 2 25 26 27
@test "-h helps; where it is bound, and what cannot be right, is told" {
    see='lesson 5, "What can go wrong": the charset does not exist; lesson 3, "Read the program", step 2'
    needs_charset utf-32le # which a program may go by, as the solution does
    local charsets bad
    for charsets in 'klingon utf-8' 'utf-8 klingon'; do
        # shellcheck disable=SC2086
        refuses $charsets 127.0.0.1 9 0
        wanted_like '.*klingon.*' "$err" 'a message that names "klingon"'
    done
    helps
    refuses
    refuses utf-8 utf-8 127.0.0.1
    refuses utf-8 utf-8 127.0.0.1 9 0 0
    refuses -x utf-8 utf-8 127.0.0.1 9 0
    for bad in '' 0 65536 9x; do refuses utf-8 utf-8 127.0.0.1 "$bad" 0; done
    for bad in '' -1 65536 9x; do refuses utf-8 utf-8 127.0.0.1 9 "$bad"; done
    peer other
    refuses_a_taken_port translator -b 127.0.0.1 utf-8 utf-8 127.0.0.1 9 "$other"
    binds_by_default translator 4567 utf-8 utf-8 127.0.0.1 9
    sent='translator -b 127.0.0.1 utf-8 utf-8 127.0.0.1 9 0'
    serve_program -b 127.0.0.1 utf-8 utf-8 127.0.0.1 9 0
    wanted "on standard error: translator: bound to 127.0.0.1:$port" "on standard error: $(cat program.err)"
}

# proves: 3 4
@test "HOST may be a name or an IPv6 address, and the right one is known by address and port there, too" {
    see='lesson 2, "Read the program": the family of the socket is that of the address'
    needs_encoder utf-16le
    peer right
    ! has_ipv6 || peer right6 ::1 "$right" # a name may have both addresses
    sent='translator utf-8 utf-16le localhost'
    serve_program utf-8 utf-16le localhost "$right" 0
    [[ $(cat program.err) == *'[::]'* ]] && host=::1 || host=127.0.0.1
    printf a | "$PROBE" send "$host" "$port"
    naps=0
    until [ -s right.out ] || { has_ipv6 && [ -s right6.out ]; }; do
        { running && keep_waiting; } || complain 'a datagram at localhost' 'none'
    done
    rm -f right* left*
    needs_ipv6 'only in part: '
    translates utf-8 utf-16le ::1 ::
    new_text
    gives left "$utf8" "$text"
    gets right "$utf16le"
    new_text
    gives right "$utf16le" "$text"
    gets left "$utf8"
    comes program.out 2 || true
    wanted_like "\[::1]:$left to \[::1]:$right: .*"$'\n'"\[::1]:$right to \[::1]:$left: .*" "$(cat program.out)" \
        "on standard output: [::1]:$left to [::1]:$right: ..."$'\n'"[::1]:$right to [::1]:$left: ..."
    peer mapped 127.0.0.1 "$right"
    sent+=$'\n'"mapped is at 127.0.0.1:$right: the same port, another address"
    new_text
    gives mapped "$utf8" "$text"
    gets right "$utf16le"
    new_text
    gives right "$utf16le" "$text"
    gets mapped "$utf8"
}
