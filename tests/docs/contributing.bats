# CONTRIBUTING.md: its checklist, followed in a copy of the project, adds a lesson: echo, as mirror.
#
# shellcheck disable=SC2154  # $status and $output are set by run

load ../helpers

@test "contributing: make test names what a copied lesson misses; the checklist makes it green" {
    (cd "$ROOT" && tar -cf - --exclude=./build --exclude=./.git .) | tar -xf - -C .
    number=$(printf '%s\n' lessons/[0-9]*/ | wc -l)
    number=$((number + 1))
    lesson=lessons/$(printf %02d "$number")-mirror

    # 1. Copied.
    cp -R lessons/04-echo "$lesson"
    mv "$lesson/echo.c" "$lesson/mirror.c"
    run apart "$(make -s print-bats)" --filter 'each lesson and exercise' tests/docs/documentation.bats
    [ "$status" -ne 0 ]
    for missing in "$lesson/README.md: lacks \"# Lesson $number: \"" "README.md: lacks \"| $number | [mirror]" \
        "docs/teachers.md: lacks \"| $number | [mirror]" 'tests/mirror.bats is missing'; do
        [[ $output == *"$missing"* ]] || { echo "not named: $missing"; return 1; }
    done

    # 2. to 4. The program, its page, its tests.
    sed -i 's/echo/mirror/g' "$lesson/mirror.c"
    sed -i "s/^# Lesson 4: .*/# Lesson $number: the mirror/; s|\(build/\)echo|\1mirror|g; s/echo: /mirror: /; s/echo\\.c/mirror.c/g" "$lesson/README.md"
    sed 's/echo/mirror/g' tests/echo.bats >tests/mirror.bats
    # 5. No new message. 6. The rows.
    sed -i "s#^| 4 | \[echo\]\(.*\)lessons/04-echo/\(.*\)#&\n| $number | [mirror]\1$lesson/\2#" README.md docs/teachers.md
    # 7. No exercise. 8. and 9.
    run make test-documentation test-mirror test-program ONLY=mirror CFLAGS=-O0
    echo "$output"
    equal 0 "$status"
    needs_lan
    apart tests/docs/transcript "$lesson/README.md"
}
