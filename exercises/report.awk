# Makes of bats' TAP what a learner reads: a line a check, then the first failure in full, without what
# bats says about its own lines.

/^ok / {
    inside = 0
    sub(/^ok [0-9]+ /, "")
    if (sub(/ # skip */, ": "))
        print "  skipped " $0
    else
        print "  " green "ok" plain "      " $0
    next
}
/^not ok / {
    sub(/^not ok [0-9]+ /, "")
    print "  " red "not ok" plain "  " $0
    inside = ++failures == 1
    noise = 0
    if (inside) first = "\n" $0 "\n"
    next
}
!inside || !/^#/ { next }
/line [0-9]+: +[0-9]+ [A-Z][A-Za-z ]+(\(core dumped\) )?"\$@"/ { next } # bash, of a crash
/^# \((in test|from function|in file) / { noise = 1 }
!noise { sub(/^# ?/, "  "); first = first $0 "\n" }
/ failed( with status [0-9]+)?$/ { noise = 0 }
END { printf "%s", first }
