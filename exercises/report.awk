# Makes of bats' TAP what a learner reads: a line a check, and under one that failed a line of what was wanted
# and what came; then the first failure in full, without what bats says about its own lines; with all=1, each.

function flush() {
    if (name) {
        print "  " red "not ok" plain "  " name
        if (failures++ > 0) print "          " (mistake ? mistake : wanted ? wanted came : other)
        if (failures == 1 || all) shown = shown "\n" name "\n" text
    }
    name = text = mistake = wanted = came = other = ""
    noise = 0
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
    line = length <= 70 ? $0 : substr($0, 1, 67) "..."
    sub(/: +/, ": ", line)
    if (/^mistake: /) mistake = $0
    if (/^wanted: /) wanted = line
    if (/^came: /) came = "; " line
    if (!other) other = line
}
/ failed( with status [0-9]+)?$/ { noise = 0 }
END {
    flush()
    printf "%s", shown
}
