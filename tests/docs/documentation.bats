# What the documentation says, held against what it speaks of. (Its transcripts: transcripts.bats.)
# The conventions for whoever writes:
#
# - A ```c block in README.md, CONTRIBUTING.md, docs/ or a lesson shows source as it is: whole
#   lines in their order, all moved left by the same amount; empty lines do not count. A line `...` or
#   `/* ... */` replaces lines left out. In a lesson the source is its own program, common/ or
#   tests/, elsewhere any. `<!-- not an excerpt -->` in the line before a block leaves it out.
# - docs/errors.md: each message is a level-3 heading of one code span, without the program's name,
#   with a placeholder in capitals for what varies: ### `cannot bind to ENDPOINT`. A message that
#   has backticks itself is between double ones. There are no other level-3 headings. A piece of
#   advice is a code span with its parentheses: `(a firewall forbids it)`.
# - A lesson's README explains each option of its program in a code span: `-w SECONDS` or `-w`.
# - A link is relative, or to a site that tests/docs/links allows.
#
# shellcheck disable=SC2016,SC2034  # backticks are Markdown's; helpers.bash uses what is set here

load ../helpers

setup() {
    cd "$ROOT" || return
    shopt -s nullglob globstar
    pids=()
}

# Writes the names of the project's Markdown files into $pages.
find_pages() {
    local page
    pages=()
    while IFS= read -r page; do
        [[ ! -e $page ]] || pages+=("$page")
    done < <({ [[ -e .git ]] && git ls-files -co --exclude-standard '*.md' 2>/dev/null; } ||
        find . -name '*.md' -not -path './build/*' | sed 's|^\./||' | sort)
    ((${#pages[@]} > 0))
}

# none FINDINGS: fails, and shows them, if there are any.
none() {
    [[ ! $1 ]] && return
    printf '%s\n' "$1"
    return 1
}

# find_false_excerpts PAGE SOURCE...: prints the ```c blocks of the page that are in no source.
find_false_excerpts() {
    awk -v page="$1" '
        function indent(line) { match(line, /^ */); return RLENGTH }

        # Where, from line `from` on, the piece (lines of `block` from `first` to `last`) stands in a
        # source: the number of the line after it, or 0.
        function find(source, from, first, last,   at, i, by) {
            for (at = from; at + last - first <= lines[source]; at++) {
                by = indent(text[source, at]) - indent(block[first])
                for (i = first; i <= last && by >= 0; i++)
                    if (text[source, at + i - first] != sprintf("%" by "s", "") block[i]) break
                if (by >= 0 && i > last) return at + last - first + 1
            }
            return 0
        }

        function stands_in(source,   first, i, from) {
            from = first = 1
            for (i = 1; i <= size + 1; i++)
                if (i > size || block[i] ~ /^ *(\.\.\.|\/\* *\.\.\. *\*\/|\/\/ *\.\.\.)$/) {
                    if (i > first && !(from = find(source, from, first, i - 1))) return 0
                    first = i + 1
                }
            return 1
        }

        { sub(/[ \t\r]+$/, "") }
        FILENAME != page { if ($0 != "") text[FILENAME, ++lines[FILENAME]] = $0; next }
        !inside && match($0, /^ *```+/) {
            inside = 1; size = 0; start = FNR; shift = indent($0)
            excerpt = $0 ~ /^ *```+c$/ && before !~ /^ *<!-- not an excerpt -->$/
            next
        }
        inside && /^ *```+$/ {
            inside = 0
            before = ""
            found = !excerpt
            for (source in lines) if (!found && stands_in(source)) found = 1
            if (!found) print page ":" start ": not in the source as shown: " block[1]
            next
        }
        inside { if ($0 != "") block[++size] = indent($0) < shift ? $0 : substr($0, shift + 1); next }
        $0 != "" { before = $0 }' "${@:2}" "$1"
}

@test "documentation: every C excerpt is in its source as shown" {
    findings=$(
        for page in README.md CONTRIBUTING.md docs/*.md; do
            [[ ! -e $page ]] || find_false_excerpts "$page" lessons/*/*.c common/*.[ch] tests/*.c
        done
        for page in lessons/*/*.md; do
            find_false_excerpts "$page" "${page%/*}"/*.c common/*.[ch] tests/*.c
        done
    )
    none "$findings"
}

# ------------------------------- messages --------------------------------

# Prints the format of each message in the sources, as C reads it: literals joined, \" a quote.
print_formats() {
    cat lessons/*/*.c common/*.c | tr '\n' ' ' |
        grep -oE '\b(fail|warn|say|usage_error)\( *("([^"\\]|\\.)*" *)+' |
        sed -E 's/^[a-z_]+\( *"//; s/" *$//; s/([^\\])" *"/\1/g; s/\\(.)/\1/g' | sort -u
}

# Prints each piece of advice in the sources: ` (...)` at the end of a row of its table.
print_advice() {
    sed -nE 's/^.*" (\([^"]*\))" \},.*/\1/p' common/program.c
}

# Makes an extended regular expression of a format: a conversion becomes a placeholder in capitals,
# one right behind a letter (`datagram%s`) an ending that may be there.
as_pattern() {
    sed -E 's/[][\.|$(){}?+*^]/\\&/g
        s/([a-z])%s/\1s?/g
        s/%[-0-9.\\]*(z|l|ll|h|j)?[a-z]/[A-Z][A-Z0-9]*/g
        s/%%/%/g' <<<"$1"
}

@test "documentation: every message of the programs is in docs/errors.md, and no other" {
    mapfile -t formats < <(print_formats)
    ((${#formats[@]} > 10))
    mapfile -t headings < <(sed -nE 's/^### +//p' docs/errors.md)
    findings=$(
        patterns=()
        for format in "${formats[@]}"; do
            pattern=$(as_pattern "$format")
            patterns+=("$pattern")
            printf '%s\n' "${headings[@]}" | grep -qE "^(\`|\`\` ?)$pattern( ?\`\`|\`)$" ||
                echo "docs/errors.md: no heading for the message: $format"
        done
        for heading in "${headings[@]}"; do
            printf '%s\n' "$heading" | grep -qEf <(printf '^(`|`` ?)%s( ?``|`)$\n' "${patterns[@]}") ||
                echo "docs/errors.md: a heading that is no program's message: $heading"
        done
    )
    none "$findings"
}

@test "documentation: every piece of advice is in docs/errors.md, and no other" {
    mapfile -t advice < <(print_advice)
    ((${#advice[@]} > 5))
    findings=$(
        for text in "${advice[@]}"; do
            grep -qF -- "\`$text\`" docs/errors.md || echo "docs/errors.md: lacks the advice \`$text\`"
        done
        grep -oE '`\([^`]* [^`]*\)`' docs/errors.md | tr -d '`' |
            grep -vxFf <(printf '%s\n' "${advice[@]}") |
            sed 's/^/docs\/errors.md: an advice that no program gives: /'
    ) || true
    none "$findings"
}

# --------------------------------- links ---------------------------------

@test "documentation: every link and anchor in the Markdown files resolves" {
    find_pages
    tests/docs/links "${pages[@]}"
}

# build_site [LESSON]: builds the site in a copy of the project (the one in build/ may be older, or just
# being built), with another lesson, and goes there.
build_site() {
    command -v doxygen >/dev/null || skip "Doxygen is missing"
    cp -r Makefile compile_flags.txt common docs exercises lessons tests "$BATS_TEST_TMPDIR"
    cd "$BATS_TEST_TMPDIR" || return
    if [ -n "${1-}" ]; then
        cp -r lessons/01-sender "lessons/$1"
        mv "lessons/$1/sender.c" "lessons/$1/${1#*-}.c"
    fi
    make docs
    cd build/docs/html || return
}

@test "documentation: every link and anchor in the built site resolves" {
    build_site
    "$BATS_TEST_DIRNAME/links" ./*.html
}

@test "documentation: the site's contents list every page, that of a new lesson too" {
    build_site 99-new
    [[ -e lesson-99-new.html && -e new_8c_source.html ]]
    contents=$(sed -n '/<nav id="nav"/,/<\/nav>/p' index.html)
    none "$(for page in *.html; do
        grep -qF "href=\"$page\"" <<<"$contents" || echo "not in the contents: $page"
    done)"
}

# ----------------------------- lessons' pages ----------------------------

@test "documentation: every option in a usage line is explained, in -h and in the lesson" {
    findings=$(
        for lesson in lessons/*/*.c; do
            program=$(basename "$lesson" .c)
            page=${lesson%/*}/README.md
            help=$("$BUILD/$program" -h)
            options=$(head -n 1 <<<"$help" | grep -oE '\[-[0-9a-zA-Z]' | tr -d '[' | sort -u)
            explained=$(sed -nE '2,$s/^ +(-[0-9a-zA-Z])( .*)/\1/p' <<<"$help" | grep -vx -e -h | sort)
            [[ $options == "$explained" ]] ||
                echo "$program -h: its usage line has ${options//$'\n'/ }, but it explains ${explained//$'\n'/ }"
            for word in $(head -n 1 <<<"$help" | grep -oE '\b[A-Z]+\b'); do
                tail -n +2 <<<"$help" | grep -qw "$word" || echo "$program -h: does not explain $word"
            done
            for option in $options; do
                grep -qsE -- "\`${option}[ \`]" "$page" || echo "$page: does not explain \`$option\`"
            done
        done
    )
    none "$findings"
}

@test "documentation: every lesson has the same ten sections in the same order" {
    sections='Goal|The idea|Predict|Run it|Read the program|Look inside|What can go wrong'
    sections+='|Better than the document|Check yourself|Next'
    for lesson in lessons/*/; do
        echo "${lesson}README.md:"
        equal "$sections" "$(awk '
            /^ *(```|~~~)/ { code = !code }
            !code && sub(/^## +/, "") { printf "%s%s", separator, $0; separator = "|" }' "${lesson}README.md")"
    done
}

@test "documentation: each question of Predict is answered first in Check yourself; each step shows C first" {
    for page in lessons/*/README.md; do
        echo "$page:"
        equal "$(sed -n '/^## Predict/,/^## Run it/p' "$page" | grep -cE '^[0-9]+\. ')" \
            "$(sed -n '/^## Check yourself/,/^<\/details>/p' "$page" | grep -cE '^[0-9]+\. ')"
        equal '' "$(awk '/^```python/ && before != "In the document:"; NF { before = $0 }' "$page")"
    done
}

# has FILE TEXT: prints a finding unless FILE has the text.
has() {
    grep -qsF -- "$2" "$1" || echo "$1: lacks \"$2\""
}

@test "documentation: each lesson and exercise has its title, its tests, and its rows in the tables" {
    none "$(for directory in lessons/*/ exercises/*/; do
        page=${directory}README.md
        name=${directory%/}
        number=${name#*/}
        name=${number#*-}
        number=${number%%-*}
        number=${number#0}
        if [[ $directory == lessons/* ]]; then
            has "$page" "# Lesson $number: "
            has README.md "| $number | [$name]($page) |"
            has docs/teachers.md "| $number | [$name](../$page) |"
            [[ -e tests/$name.bats ]] || echo "tests/$name.bats is missing"
        else
            has "$page" "# Exercise $number: "
            has docs/exercises.md "| [$number $name](../$page) |"
            has docs/teachers.md "[$name](../$page)"
        fi
    done)"
}

@test "documentation: a struct sockaddr_in has the bytes of lesson 1's picture" {
    page=lessons/01-sender/README.md
    [[ $(printf '\1\0' | od -An -td2) -eq 1 ]] || skip 'not the byte order of the picture'
    {
        printf '#include <arpa/inet.h>\n#include <stdio.h>\nint main(void)\n{\n'
        sed -n '/^<!-- not an excerpt/,/^```$/p' "$page" | grep '^[si]'
        printf 'return fwrite(&receiver, sizeof receiver, 1, stdout) != 1;\n}\n'
    } >"$BATS_TEST_TMPDIR/picture.c"
    cc -o "$BATS_TEST_TMPDIR/picture" "$BATS_TEST_TMPDIR/picture.c"
    bytes=$("$BATS_TEST_TMPDIR/picture" | od -An -v -tx1 | tr -d ' \n')
    shown=$(sed -n 's/ \.\.\. / 00 00 00 00 00 00 /; s/^    | \(02 .*\) |$/\1/p' "$page" | tr -d ' |')
    equal "$shown" "$bytes"
}

@test "documentation: the dev container installs what README.md says" {
    packages=$(sed -nE 's/^On Debian and Ubuntu: `sudo apt-get install (.*)`\.$/\1/p' README.md)
    [[ $packages ]]
    none "$(has .devcontainer/devcontainer.json "apt-get install -y $packages ")"
}

@test "documentation: what README.md calls known to work is a step of .ci/run" {
    [[ -e .ci/run ]] || skip "a handout has no .ci/run"
    mapfile -t steps < <(sed -n '/^| known to work/,/^$/p' README.md | tail -n +3 | sed 's/.*| \(.*\) |$/\1/' | grep -o '`[^`]*`' | tr -d '`')
    ((${#steps[@]} > 3))
    none "$(for step in "${steps[@]}"; do
        has .ci/run "step '$step'"
    done)"
}

@test "documentation: every block of code names its language" {
    find_pages
    none "$(awk '
        FNR == 1 { inside = "" }
        match($0, /^ *(```+|~~~+)/) {
            mark = substr($0, 1, RLENGTH)
            gsub(/ /, "", mark)
            if (inside == "") {
                if (substr($0, RLENGTH + 1) !~ /^[a-z]/) print FILENAME ":" FNR ": a block of code without a language"
                inside = mark
            } else if (index(mark, inside) == 1)
                inside = ""
        }' "${pages[@]}")"
}
