# The programs with each other, over IPv4, over IPv6 and on a LAN, and with the document's own Python
# programs.
#
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154  # bash -c gets its script quoted; $port and $pid are set by serve

load helpers

setup_file() {
    # The document's programs, in the same order of calls; for Python 3, with the address and the
    # port as arguments, and only so much more that a test can wait for them and stop them.
    cd "$BATS_FILE_TMPDIR" || return
    cat >common.py <<'PYTHON'
import sys
from socket import *
from time import ctime

sys.stdout.reconfigure(line_buffering=True)
charset = sys.argv[1]
udpSocket = socket(AF_INET, SOCK_DGRAM)
udpSocket.settimeout(60)

def bound(address=("127.0.0.1", 0)):
    udpSocket.bind(address)
    print("bound to %s:%d" % udpSocket.getsockname(), file=sys.stderr, flush=True)

def destination():
    return (sys.argv[2], int(sys.argv[3]))
PYTHON
    cat >send.py <<'PYTHON'
from common import *
sendData = input("请输入要发送的数据:")
udpSocket.sendto(sendData.encode(charset), destination())
udpSocket.close()
PYTHON
    cat >receive.py <<'PYTHON'
from common import *
sendData = input("请输入要发送的数据:")
udpSocket.sendto(sendData.encode(charset), destination())
recvData = udpSocket.recvfrom(1024)
print(recvData[0].decode(charset), recvData[1])
udpSocket.close()
PYTHON
    cat >bind.py <<'PYTHON'
from common import *
bound()
recvData = udpSocket.recvfrom(1024)
print(recvData[0], recvData[0].decode(charset))
udpSocket.close()
PYTHON
    cat >echo.py <<'PYTHON'
from common import *
bound((sys.argv[2], 0))
num = 1
while True:
    recvData = udpSocket.recvfrom(1024)
    udpSocket.sendto(recvData[0], recvData[1])
    print('已经将接收到的第%d个数据返回给对方,内容为:%s' % (num, recvData[0]))
    num += 1
PYTHON
    cat >chatroom.py <<'PYTHON'
from common import *
bound()
while True:
    recvData = udpSocket.recvfrom(1024)
    print('【%s】%s:%s' % (ctime(), recvData[1][0], recvData[0].decode(charset)))
PYTHON
    cat >chat.py <<'PYTHON'
from common import *
from threading import Thread

def recvData():
    while True:
        recvInfo = udpSocket.recvfrom(1024)
        print(">>%s:%s" % (str(recvInfo[1]), recvInfo[0].decode(charset)))

def sendData():
    while True:
        sendInfo = input("<<")
        udpSocket.sendto(sendInfo.encode(charset), (destIp, destPort))

destIp = input("对方的ip:")
destPort = int(input("对方的ip:"))
bound()
tr = Thread(target=recvData)
ts = Thread(target=sendData)
tr.start()
ts.start()
tr.join()
ts.join()
PYTHON
    cat >broadcast.py <<'PYTHON'
from common import *
udpSocket.setsockopt(SOL_SOCKET, SO_BROADCAST, 1)
udpSocket.sendto("Hi".encode(charset), destination())
while True:
    (buf, address) = udpSocket.recvfrom(2048)
    print("Received from %s: %s" % (address, buf.decode(charset)))
PYTHON
    # Asked once: a version manager's python3 is a slow wrapper.
    PYTHON=$(python3 -c 'import sys; print(sys.executable)' 2>/dev/null) || PYTHON=
    export PYTHON PYTHONIOENCODING=utf-8
}

needs_python() {
    [ -n "$PYTHON" ] || skip "no python3"
}

python() {
    "$PYTHON" "$BATS_FILE_TMPDIR/$1.py" "${@:2}"
}

# serve_python NAME ARGUMENT...: as serve, for one of the document's programs.
serve_python() {
    serve "$1" "$PYTHON" "$BATS_FILE_TMPDIR/$1.py" "${@:2}"
}

# ------------------------------- with each other -------------------------------

@test "interoperation: sender, receiver and broadcast with bind, over IPv4 and IPv6" {
    for address in 127.0.0.1 ::1; do
        [[ $address != ::1 ]] || needs_ipv6 'only in part: '
        for client in "sender $address PORT hello" "receiver -w 0.01 $address PORT hello" \
            "broadcast -w 0.01 $address PORT hello"; do
            serve bind "$BUILD/bind" -b "$address" 0
            # shellcheck disable=SC2086  # words
            "$BUILD"/${client/PORT/"$port"} || [[ $client == receiver* ]] # bind never answers
            await_exit "$pid"
            like 'received 5 bytes from .*:[0-9]+: hello' "$(cat bind.out)"
        done
    done
}

@test "interoperation: receiver, broadcast and threaded-chat with echo, over IPv4 and IPv6" {
    for address in 127.0.0.1 ::1; do
        [[ $address != ::1 ]] || needs_ipv6 'only in part: '
        [[ $address == ::1 ]] && shown='\[::1\]' || shown='127\.0\.0\.1'
        serve echo "$BUILD/echo" -b "$address" 0
        echo_port=$port
        run "$BUILD/receiver" -w 5 "$address" "$echo_port" '你好'
        like "received 6 bytes from $shown:$echo_port: 你好" "${lines[1]}"
        start broadcast "$BUILD/broadcast" "$address" "$echo_port" hey
        await broadcast.out hey
        like "Received from $shown:$echo_port: hey" "$(cat broadcast.out)"
        stop "$pid"
        rm -f keyboard
        mkfifo keyboard
        input=keyboard start chat "$BUILD/threaded-chat" -b "$address" -l 0 "$address" "$echo_port"
        exec 9>keyboard
        echo 'talking to myself' >&9
        await chat.out myself
        like ">>$shown:$echo_port:talking to myself" "$(cat chat.out)"
        exec 9>&-
        await_exit "$pid"
        equal 0 "$status"
        await echo.out '#3'
    done
}

@test "interoperation: all four clients with chatroom" {
    serve room "$BUILD/chatroom" -b 127.0.0.1 0
    "$BUILD/sender" 127.0.0.1 "$port" 'a sender'
    "$BUILD/receiver" -w 0.01 127.0.0.1 "$port" 'a receiver' || true
    "$BUILD/broadcast" -w 0.01 127.0.0.1 "$port" 'a broadcaster'
    timeout 60 "$BUILD/threaded-chat" -b 127.0.0.1 -l 0 127.0.0.1 "$port" <<<'a chatter'
    await_lines room.out 4
    equal '127.0.0.1:a sender
127.0.0.1:a receiver
127.0.0.1:a broadcaster
127.0.0.1:a chatter' "$(sed 's/^【.*】//' room.out)"
}

@test "interoperation: on the LAN, a broadcast reaches every host, and every reply comes back" {
    in_lan '
        for host in 2 3; do start "echo$host" "$host" echo; done
        for address in 255.255.255.255 10.77.0.255; do
            : >"$address"
            broadcast "$address" >"$address" 2>errors & pid=$!
            until (($(wc -l <"$address") >= 2)); do sleep 0.01; done
            kill -INT "$pid"
            wait "$pid"
            tail -n 1 errors
        done'
    equal 'broadcast: stopped after 2 datagrams
broadcast: stopped after 2 datagrams' "$output"
    for address in 255.255.255.255 10.77.0.255; do
        equal 'Received from 10.77.0.2:7788: Hi
Received from 10.77.0.3:7788: Hi' "$(sort "$address")"
    done
    like '#1 returned 2 bytes to 10\.77\.0\.1:[0-9]+: Hi
#2 returned 2 bytes to 10\.77\.0\.1:[0-9]+: Hi' "$(cat echo3)"
}

# ------------------------ with the document's own programs ------------------------

# python_sends CHARSET: the document's sender and receiver with our servers.
python_sends() {
    serve bind "$BUILD/bind" -e "$1" -b 127.0.0.1 0
    python send "$1" 127.0.0.1 "$port" <<<'你好'
    await_exit "$pid"
    like 'received [46] bytes from 127\.0\.0\.1:[0-9]+: 你好' "$(cat bind.out)"
    serve room "$BUILD/chatroom" -e "$1" -b 127.0.0.1 0
    python send "$1" 127.0.0.1 "$port" <<<'你好'
    await_lines room.out 1
    like '【.{24}】127\.0\.0\.1:你好' "$(cat room.out)"
    stop "$pid"
    serve echo "$BUILD/echo" -b 127.0.0.1 0
    run python receive "$1" 127.0.0.1 "$port" <<<'你好'
    like ".*你好 \('127\.0\.0\.1', $port\)" "$output"
    stop "$pid"
}

@test "interoperation: the document's sender and receiver with our servers, UTF-8" {
    needs_python
    python_sends utf-8
}

@test "interoperation: the document's sender and receiver with our servers, gb2312" {
    needs_python
    needs_charset gb2312
    python_sends gb2312
}

# python_serves CHARSET: our sender and receiver with the document's servers.
python_serves() {
    local repr
    [[ $1 == gb2312 ]] && repr='\xc4\xe3\xba\xc3' || repr='\xe4\xbd\xa0\xe5\xa5\xbd'
    serve_python bind "$1"
    "$BUILD/sender" -e "$1" 127.0.0.1 "$port" '你好'
    await_exit "$pid"
    equal "b'$repr' 你好" "$(cat bind.out)"
    serve_python chatroom "$1"
    "$BUILD/sender" -e "$1" 127.0.0.1 "$port" '你好'
    await_lines chatroom.out 1
    like '【.{24}】127\.0\.0\.1:你好' "$(cat chatroom.out)"
    serve_python echo "$1" 127.0.0.1
    run "$BUILD/receiver" -e "$1" -w 5 127.0.0.1 "$port" '你好'
    like "received [46] bytes from 127\.0\.0\.1:$port: 你好" "${lines[1]}"
    await echo.out "第1个数据返回给对方,内容为:b'$repr'"
}

@test "interoperation: our sender and receiver with the document's servers, UTF-8" {
    needs_python
    python_serves utf-8
}

@test "interoperation: our sender and receiver with the document's servers, gb2312" {
    needs_python
    needs_encoder gb2312
    python_serves gb2312
}

# chats_with_python CHARSET: the document's chat says something, and ours says something to it.
chats_with_python() {
    # Each must know the other one's port beforehand; so chatroom is who hears theirs.
    mkfifo theirs
    input=theirs start chat "$PYTHON" "$BATS_FILE_TMPDIR/chat.py" "$1"
    exec 8>theirs
    serve room "$BUILD/chatroom" -e "$1" -b 127.0.0.1 0
    printf '127.0.0.1\n%s\n你好\n' "$port" >&8
    await room.out '127.0.0.1:你好' # theirs to ours
    await chat.err 'bound to'
    port=$(sed -n 's/.*bound to .*:\([0-9]*\)$/\1/p' chat.err)
    timeout 60 "$BUILD/threaded-chat" -e "$1" -b 127.0.0.1 -l 0 127.0.0.1 "$port" <<<'你也好' # ours to theirs
    await chat.out ':你也好'
}

@test "interoperation: the document's chat with ours, UTF-8" {
    needs_python
    chats_with_python utf-8
}

@test "interoperation: the document's chat with ours, gb2312" {
    needs_python
    needs_encoder gb2312
    chats_with_python gb2312
}

@test "interoperation: the document's chat and ours talk to each other on the LAN" {
    needs_python
    needs_lan
    [[ $(lan "$PYTHON" -c 'print("yes")') == yes ]] || skip "no python3 inside the LAN"
    sed 's/^bound()$/bound(("", 4567))/' "$BATS_FILE_TMPDIR/chat.py" >chat.py
    export PYTHONPATH=$BATS_FILE_TMPDIR
    run lan bash -c '
        mkfifo ours theirs
        "$1/threaded-chat" 10.77.0.2 <ours >ours.out 2>ours.err & pid=$!
        on 2 "$2" chat.py utf-8 <theirs >theirs.out 2>theirs.err &
        exec 8>ours 9>theirs
        printf "10.77.0.1\n4567\n" >&9
        until grep -qs "bound to" ours.err && grep -qs "bound to" theirs.err; do sleep 0.01; done
        echo "你好" >&8
        until grep -q "你好" theirs.out; do sleep 0.01; done
        echo "再见" >&9
        until grep -q "再见" ours.out; do sleep 0.01; done
        kill -INT "$pid"; wait "$pid"' bash "$BUILD" "$PYTHON"
    equal 0 "$status"
    equal '>>10.77.0.2:4567:再见' "$(cat ours.out)"
    [[ $(cat theirs.out) == *">>('10.77.0.1', 4567):你好"* ]]
}

@test "interoperation: the document's broadcast with our echo, ours with the document's" {
    needs_python
    serve echo "$BUILD/echo" -b 127.255.255.255 0
    start broadcast "$PYTHON" "$BATS_FILE_TMPDIR/broadcast.py" utf-8 127.255.255.255 "$port"
    await broadcast.out Received
    equal "Received from ('127.0.0.1', $port): Hi" "$(cat broadcast.out)"
    serve_python echo utf-8 127.255.255.255
    start broadcast "$BUILD/broadcast" 127.255.255.255 "$port"
    await broadcast.out Received
    equal "Received from 127.0.0.1:$port: Hi" "$(cat broadcast.out)"
}
