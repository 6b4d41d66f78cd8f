#!/bin/sh
# Builds the site: docs/site/build.sh DIRECTORY, which must be empty; the pages are in DIRECTORY/html.
# shellcheck disable=SC2046,SC2086 # a list of files is one word each
set -eu
out=$1
LC_ALL=C
export LC_ALL

# All pages are found by looking, in the order of reading; three of docs/ have a place of their own.
pages=$({
	printf '%s\n' docs/start.md
	printf '%s\n' lessons/*/README.md lessons/*/*.[ch] | sort
	printf '%s\n' docs/exercises.md exercises/*/README.md docs/udp.md docs/*.md
	printf '%s\n' common/*.[ch] | sort -t. -k1,1 -k2r # a header before its source
} | awk '!seen[$0]++')

mkdir -p "$out/html" "$out/pages"
awk -v out="$out" -f docs/site/names.awk -f docs/site/contents.awk $pages
sed "/<!-- contents -->/r $out/contents.html" docs/site/header.html >"$out/header.html"
grep '\.md$' "$out/contents.txt" | while read -r page source; do
	awk -f docs/site/names.awk -f docs/site/page.awk "$source" >"$out/pages/${page%.html}.md"
done

# Each Doxygen gets the options that it knows.
{
	doxygen -g - | awk 'FNR == NR { known[$1]; next } !/^[A-Z]/ || $1 in known' - docs/Doxyfile
	echo "INPUT = $out/pages" $(printf '%s\n' $pages | grep '\.[ch]$')
	echo "OUTPUT_DIRECTORY = $out"
	echo "HTML_HEADER = $out/header.html"
} >"$out/Doxyfile"
doxygen "$out/Doxyfile"

# What the contents list is the site; whatever else Doxygen has written is not: its own index.html, a page
# for a directory and the links to it, an anchor named after a path.
mv "$out/doxygen/start.html" "$out/doxygen/index.html"
cp docs/site/site.css docs/site/site.js docs/diagrams/*.svg "$out/html"
sed 's/ .*//' "$out/contents.txt" | while read -r page; do
	sed '/<div id="nav-path"/,/<\/div>/d; s/<a class="anchor" id="md_[^"]*"><\/a>//' "$out/doxygen/$page" >"$out/html/$page"
done
