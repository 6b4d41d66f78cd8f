# The transcripts in the documentation: each is run and compared. How one is written is in
# tests/docs/transcript.

load ../helpers

# Writes the names of the project's pages with transcripts into $pages.
find_pages() {
    cd "$ROOT" || return
    shopt -s nullglob globstar
    pages=(README.md CONTRIBUTING.md docs/**/*.md lessons/*/*.md exercises/**/*.md)
    for i in "${!pages[@]}"; do
        [[ -e ${pages[i]} ]] || unset "pages[$i]"
    done
}

@test "transcripts: every line of every console block has the form of a transcript" {
    find_pages
    "$BATS_TEST_DIRNAME/transcript" --check "${pages[@]}" >"$BATS_TEST_TMPDIR/checked" || {
        grep -v '^ok ' "$BATS_TEST_TMPDIR/checked"
        return 1
    }
}

@test "transcripts: every command runs and prints as shown" {
    needs_lan
    [[ $BUILD != */sanitize-* ]] || skip "sanitizers change what strace and ss show"
    needs_encoder gb2312 # and musl, which has none, words its messages otherwise than the pages
    find_pages
    apart BUILD="$BUILD" "$BATS_TEST_DIRNAME/transcript" "${pages[@]}" >"$BATS_FILE_TMPDIR/result" || {
        awk '/^(ok|not ok)/ { show = /^not ok/ } show' "$BATS_FILE_TMPDIR/result"
        return 1
    }
}

@test "transcripts: all could be run, having the tools that they use" {
    [[ -e $BATS_FILE_TMPDIR/result ]] || skip "no transcript was run"
    missing=$(sed -n 's/^ok .* # skip \(.*\)/\1/p' "$BATS_FILE_TMPDIR/result" | sort | uniq -c | tr -s ' \n' ' ')
    [[ ! $missing ]] || skip "left out:$missing"
}
