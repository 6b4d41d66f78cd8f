# Makes of bats' TAP what a learner reads: a line a check, and under one that failed a line of what was wanted
# and what came, where they begin to differ; then the first failure in full, without what bats says about its
# own lines; with all=1, each.

function short(line, at) { # of a long line what is around the character `at`
    if (at > 50) line = "..." substr(line, at - 20)
    return length(line) <= 70 ? line : substr(line, 1, 67) "..."
}
function difference(i, at, wanted, got) {
    for (i = 1; i <= wants && i <= cames && want[i] == came[i]; i++)
        continue
    wanted = i > wants ? "(nothing more)" : want[i]
    got = i > cames ? "(nothing more)" : came[i]
    for (at = 1; at <= length(wanted) && substr(wanted, at, 1) == substr(got, at, 1); at++)
        continue
    return (i > 1 ? "line " i ": " : "") "wanted: " short(wanted, at) "; came: " short(got, at)
}
function flush() {
    if (name) {
        print "  " red "not ok" plain "  " name
        if (failures++ > 0) print "          " (mistake ? mistake : wants ? difference() : other)
        if (failures == 1 || all) shown = shown "\n" name "\n" text
    }
    name = text = mistake = other = part = ""
    noise = wants = cames = 0
}
/^ok / {
    flush()
    sub(/^ok [0-9]+ /, "")
    if (sub(/ # skip */, ": "))
        print "  skipped " $0
    else
        print "  " green "ok" plain "      " $0
}
/^not ok / {
    flush()
    sub(/^not ok [0-9]+ /, "")
    name = $0
}
!name || !/^#/ { next }
/line [0-9]+: +[0-9]+ [A-Z][A-Za-z ]+(\(core dumped\) )?"\$@"/ { next } # bash, of a crash
/^# \((in test|from function|in file) / { noise = 1 }
!noise {
    sub(/^# ?/, "")
    text = text "  " $0 "\n"
    if (/^mistake: /) mistake = $0
    if (!/^         /) part = $1
    if (part == "wanted:") want[++wants] = substr($0, 10)
    if (part == "came:") came[++cames] = substr($0, 10)
    if (!other) other = short($0)
}
/ failed( with status [0-9]+)?$/ { noise = 0 }
END {
    flush()
    printf "%s", shown
}
