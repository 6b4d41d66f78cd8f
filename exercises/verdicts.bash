# For checks.bash: what was wanted and what came; and what several exercises want.
#
# shellcheck shell=bash disable=SC2154  # of what checks.bash sets

# complain WANTED CAME: what was sent (the end of it), what should have come, what came (from where they differ),
# how the program has ended. Fails.
complain() {
    local status how lines same
    mapfile -t lines <<<"$sent"
    [ -z "$sent" ] || indent 'sent:    ' "$sent" $((${#lines[@]} - 12))
    same=$(awk 'NR == FNR { line[FNR] = $0; next } line[FNR] == $0 { same++; next } { exit } END { print same + 0 }' \
        <(echo "$1") <(echo "$2"))
    indent 'wanted:  ' "$1" $((same < 12 ? 0 : same - 1))
    indent 'came:    ' "$2" $((same < 12 ? 0 : same - 1))
    [ "$("$PROBE" show <<<"$1")" != "$("$PROBE" show <<<"$2")" ] ||
        echo '         (raw: the bytes themselves, and not these escapes)'
    [ ! -s program.err ] || indent 'it said: ' "$(head -c 600 program.err)"
    if [ -n "$program" ] && ! running; then
        { wait "$program" && status=0 || status=$?; } 2>/dev/null
        how_it_ended "$status"
        indent 'ended:   ' "$how"
    fi
    return 1
}

# indent WORD TEXT [SKIP]: the text beside the word, without its first SKIP lines, made harmless; of a long one the
# beginning.
indent() {
    local skip=$((${3-0} < 0 ? 0 : ${3-0}))
    {
        ((skip == 0)) || echo "($skip more before)"
        tail -n +$((skip + 1)) <<<"${2:-(nothing)}"
    } | head -c 2000 | "$PROBE" show | awk -v word="$1" -v most=$((skip > 0 ? 13 : 12)) '
        NR <= most { print (NR == 1 ? word : "         ") $0 }
        END { if (NR > most) print "         (and " NR - most " more)" }'
}

# wanted WANTED CAME: complains unless they are the same.
wanted() {
    [[ $1 == "$2" ]] || complain "$1" "$2"
}

# wanted_like PATTERN CAME EXAMPLE: complains unless CAME, whole, fits the extended regular
# expression.
wanted_like() {
    [[ $2 =~ ^$1$ ]] || complain "${3:-$1}" "$2"
}

# wanted_out WANTED, wanted_err WANTED, wanted_status WANTED: of what run_program has run.
wanted_out() {
    wanted "on standard output: ${1:-(nothing)}" "on standard output: ${out:-(nothing)}"
}
wanted_err() {
    wanted "on standard error: ${1:-(nothing)}" "on standard error: ${err:-(nothing)}"
}
wanted_status() {
    wanted "exit status $1" "exit status $status"
}

# nothing_in FILE: program.out or program.err is empty: not even a newline is in it.
nothing_in() {
    local stream='standard output' came
    [ "$1" = program.out ] || stream='standard error'
    came=$(cat "$1")
    [ ! -s "$1" ] || complain "on $stream: (nothing)" "on $stream: ${came:-(an empty line)}"
}

# helps: -h prints the usage and the options, and exits 0.
helps() {
    sent='the option -h'
    run_program -h
    [[ $out == usage:\ * ]] || complain 'on standard output: usage: ...' "on standard output: ${out:-(nothing)}"
    wanted_err ''
    wanted_status 0
}

# refuses ARGUMENT...: this is a usage error: one line, then the usage, exit status 2, nothing else.
refuses() {
    local line="[^"$'\n'"]+"
    sent="$(printf ' "%s"' "$@")"
    sent="the arguments${sent:- (none)}"
    run_program "$@"
    wanted_out ''
    [[ $err =~ ^$line:\ $line"
"usage:\ $line$ ]] ||
        complain 'on standard error: what is wrong, in a line, then a line "usage: ..."' "on standard error: ${err:-(nothing)}"
    wanted_status 2
}

# refuses_a_taken_port NAME [ARGUMENT...]: with these arguments, the last one the port, somebody has it already.
refuses_a_taken_port() {
    local name=$1
    shift
    sent="a port that is somebody else's: ${*: -1}"
    run_program "$@"
    [[ $err == "$name: cannot bind to "*":${*: -1}: "* && $err != *$'\n'* ]] ||
        complain "on standard error: $name: cannot bind to ADDRESS:${*: -1}: and why" "on standard error: ${err:-(nothing)}"
    wanted_out ''
    wanted_status 1
}

# binds_by_default NAME PORT [ARGUMENT...]: with these arguments and port 0 it binds to any free port of 0.0.0.0,
# and says which; with these alone to PORT.
binds_by_default() {
    local name=$1 default=$2
    shift 2
    sent="$name${*:+ $*} 0"
    serve_program "$@" 0
    wanted_like "$name: bound to 0\.0\.0\.0:[1-9][0-9]*" "$(cat program.err)" \
        "on standard error: $name: bound to 0.0.0.0:PORT, and PORT is the one that the system has picked"
    sent="$name${*:+ $*}, without its own port"
    start_program "$@"
    program_writes program.err 1 "on standard error: $name: bound to 0.0.0.0:$default"
    # It may be somebody's.
    wanted_like "$name: (bound to 0\.0\.0\.0:$default|cannot bind to 0\.0\.0\.0:$default: .*)" "${lines[0]}" \
        "on standard error: $name: bound to 0.0.0.0:$default"
}

# is_called_as_echo_is NAME: [-b ADDRESS] [PORT], which is 7788 if it is left out; -h helps; anything else is
# refused, and so is a port that is taken.
is_called_as_echo_is() {
    local bad
    helps
    refuses -x
    refuses 0 0
    for bad in '' -1 65536 7788x; do refuses "$bad"; done
    peer other
    refuses_a_taken_port "$1" -b 127.0.0.1 "$other"
    binds_by_default "$1" 7788
}

# has_one WHAT: it has one socket or one thread.
has_one() {
    local all
    case $1 in
    thread) all=("/proc/$program/task/"*) ;;
    socket) mapfile -t all < <(find "/proc/$program/fd" -lname 'socket:*' 2>/dev/null) ;;
    esac
    wanted "number of ${1}s: 1" "number of ${1}s: ${#all[@]}"
}

# switches: how often the program has gone to sleep so far.
switches() {
    sed -n 's/^voluntary_ctxt_switches:[[:space:]]*//p' "/proc/$program/status"
}

# spent: how much time of a processor the program has had so far, in hundredths of a second.
spent() {
    awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$program/stat" 2>/dev/null || echo 0
}

# is_not_woken: while nothing comes, the program sleeps and is not woken, not even to look.
is_not_woken() {
    local try before after i
    before=$(spent)
    asleep
    running || complain 'it sleeps while nothing comes' 'it has ended'
    after=$(spent)
    ((after - before < 30)) || complain 'it sleeps while nothing comes' "for $(((after - before) * 10)) milliseconds it went round and round"
    for try in 1 2 3; do # it may have been about to sleep
        before=$(switches)
        for i in {1..30}; do nap; done
        after=$(switches)
        [ "$before" != "$after" ] || return 0
    done
    complain 'it sleeps while nothing comes' "it was woken $((after - before)) times in 0.1 seconds"
}

# sleeps_without_a_timer: and what it sleeps in has no limit.
sleeps_without_a_timer() {
    local call
    is_not_woken
    # Linux tells which call it sleeps in, and its arguments; the numbers are those of x86-64 and of arm64.
    read -ra call 2>/dev/null <"/proc/$program/syscall" || call=(running)
    case $(uname -m):${call[0]} in
    x86_64:7) [[ ${call[3]} = 0xffffffff* ]] ;;                             # poll: -1
    x86_64:23 | x86_64:270 | aarch64:72) [[ ${call[5]} = 0x0 ]] ;;          # select: NULL
    x86_64:271 | aarch64:73) [[ ${call[3]} = 0x0 ]] ;;                      # ppoll: NULL
    x86_64:232 | x86_64:281 | aarch64:22) [[ ${call[4]} = 0xffffffff* ]] ;; # epoll_wait: -1
    x86_64:35 | x86_64:230 | aarch64:101 | aarch64:115) false ;;            # nanosleep
    *) true ;;
    esac || complain 'it sleeps for as long as nothing comes' 'a timer will wake it'
}
