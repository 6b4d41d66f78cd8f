# Makes report.md and report.svg of what tests/bench/run has measured. A figure that was not measured
# is a dash. Input: lines of `round contender window size trips seconds lost median p99`.

function median(list, n,   i, j, t) {
    if (n == 0) return "-"
    for (i = 2; i <= n; i++)
        for (j = i; j > 1 && list[j - 1] > list[j]; j--) { t = list[j]; list[j] = list[j - 1]; list[j - 1] = t }
    return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
}

# Over the rounds: median; also sets least and most.
function over(values, key,   n, r, list) {
    n = 0
    for (r = 1; r <= rounds; r++) if ((r, key) in values) list[++n] = values[r, key]
    t = median(list, n)
    least = n ? list[1] : "-"; most = n ? list[n] : "-"
    return t
}

function number(x, digits) { return x == "-" ? x : sprintf("%." digits "f", x) }

function thousands(x,   s, out) {
    if (x == "-") return x
    s = sprintf("%d", x)
    while (length(s) > 3) { out = "," substr(s, length(s) - 2) out; s = substr(s, 1, length(s) - 3) }
    return s out
}

function label(each) {
    return each == "floor" ? "floor" : each == "echo" ? "`echo`" : each == "quiet" ? "`echo`, quiet" : \
        each == "python" ? "the document's echo (Python)" : "socat"
}

{
    key = $2 SUBSEP $3 SUBSEP $4
    rate[$1, key] = $5 / $6
    lost[$1, key] = $5 + $7 ? 100 * $7 / ($5 + $7) : 0
    half[$1, key] = $8
    late[$1, key] = $9
    if ($2 == "floor") base[$1, $3, $4] = $5 / $6
    else if (base[$1, $3, $4] > 0) ratio[$1, key] = $5 / $6 / base[$1, $3, $4]
}

END {
    while ((getline line < memory) > 0) { split(line, f); peak[f[1]] = f[2] }
    while ((getline line < calls) > 0) { split(line, f); per[f[1]] = f[2] }
    while ((getline line < intake) > 0) { split(line, f); taken[++round[f[1]], f[1]] = f[2] }
    while ((getline line < question) > 0) asked[++questions] = line
    report = out "/report.md"
    contenders = split("floor echo quiet python socat", names, " ")
    sizes = split("64 1024 8192 65507", size, " ")

    print "# How fast is it?\n" > report
    print "Measured on " date " (" machine "), over loopback: " rounds " rounds of " seconds " s each, contenders in turn. The ratio is that of the round trips a second to those of the floor in the same round: median (least to most). A dash was not measured.\n" > report
    for (w = 1; w <= 32; w += 31) for (s = 1; s <= sizes; s++) {
        print "## " w " in flight, " thousands(size[s]) " bytes\n" > report
        print "| contender | round trips/s | ratio to the floor | Mbyte/s | median, µs | 99th percentile, µs | lost |" > report
        print "| --- | ---: | ---: | ---: | ---: | ---: | ---: |" > report
        for (c = 1; c <= contenders; c++) {
            key = names[c] SUBSEP w SUBSEP size[s]
            r = over(rate, key)
            q = names[c] == "floor" && r != "-" ? 1 : over(ratio, key)
            if (w == 32 && size[s] == 64) bar[names[c]] = q
            spread = q == "-" ? "-" : names[c] == "floor" ? "1" : sprintf("%.2f (%.2f to %.2f)", q, least, most)
            l = over(lost, key)
            printf "| %s | %s | %s | %s | %s | %s | %s |\n", label(names[c]), thousands(r), spread, \
                number(r == "-" ? r : r * size[s] / 1e6, 1), number(over(half, key), 1), number(over(late, key), 1), \
                l == "-" ? l : sprintf("%.1f %%", l) > report
        }
        print "" > report
    }
    print "## Memory and system calls\n" > report
    print "| contender | peak memory, kB | system calls a datagram, 32 in flight |" > report
    print "| --- | ---: | ---: |" > report
    for (c = 1; c <= contenders; c++)
        printf "| %s | %s | %s |\n", label(names[c]), names[c] in peak ? thousands(peak[names[c]]) : "-", names[c] in per ? per[names[c]] : "-" > report

    for (r = 1; r <= rounds; r++) if (taken[r, "sink"] > 0) share[r, "chatroom"] = taken[r, "chatroom"] / taken[r, "sink"]
    print "\n## Taking in\n\nThe highest rate of datagrams of 64 bytes that is taken in without losing one.\n" > report
    print "| contender | datagrams/s | ratio to the floor |\n| --- | ---: | ---: |" > report
    printf "| floor: a bare `recvfrom` loop | %s | 1 |\n", thousands(over(taken, "sink")) > report
    q = over(share, "chatroom")
    spread = q == "-" ? "-" : sprintf("%.2f (%.2f to %.2f)", q, least, most)
    printf "| `chatroom`, printing to a file | %s | %s |\n", thousands(over(taken, "chatroom")), spread > report
    printf "\n## One question\n\n`receiver` against `echo`, from process start to exit: %s µs (median of %d).\n", thousands(median(asked, questions)), questions > report
    close(report)

    svg = out "/report.svg"
    widest = 1
    for (c = 1; c <= contenders; c++) {
        x = bar[names[c]]
        if (x != "-" && x + 0 > widest) widest = x
        text[c] = label(names[c]) ": " (x == "-" ? "not measured" : sprintf("%.2f", x))
        gsub(/`/, "", text[c])
        all = all (c > 1 ? ", " : "") text[c]
    }
    print "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 640 " contenders * 72 + 50 "\" role=\"img\" aria-labelledby=\"title desc\">" > svg
    print "<title id=\"title\">Round trips a second with 32 datagrams of 64 bytes in flight, as ratios to the floor</title>" > svg
    print "<desc id=\"desc\">One bar each. " all ".</desc>" > svg
    print "<style>\ntext { font: 22px system-ui, \"Segoe UI\", \"DejaVu Sans\", sans-serif; fill: #1b2733 }\nrect { fill: #0b6285 }\nline { stroke: #4a5a68; stroke-width: 2; stroke-dasharray: 5 4 }" > svg
    print "@media (prefers-color-scheme: dark) { text { fill: #dde4ea } rect { fill: #79c3e6 } line { stroke: #a9b5c0 } }\n</style>" > svg
    for (c = 1; c <= contenders; c++) {
        y = 72 * (c - 1)
        printf "<text x=\"20\" y=\"%d\">%s</text>\n", y + 30, text[c] > svg
        if (bar[names[c]] != "-") printf "<rect x=\"20\" y=\"%d\" width=\"%.0f\" height=\"24\"/>\n", y + 40, 600 * bar[names[c]] / widest > svg
        printf "<line x1=\"%.0f\" y1=\"%d\" x2=\"%.0f\" y2=\"%d\"/>\n", 20 + 600 / widest, y + 36, 20 + 600 / widest, y + 68 > svg
    }
    printf "<text x=\"%.0f\" y=\"%d\" text-anchor=\"end\">the floor: 1</text>\n</svg>\n", 20 + 600 / widest, contenders * 72 + 30 > svg
    close(svg)
}
