#!/bin/sh
# Completes the pages that Doxygen has made.  Usage: finish.sh build/docs/html
set -eu
cp docs/diagrams/*.svg "$1"
rm -f "$1"/dir_*.html "$1"/pages.html "$1"/files.html "$1"/globals*.html \
	"$1"/doxygen.* "$1"/tabs.css "$1"/jquery.js "$1"/dynsections.js "$1"/*.png
{
	echo 'searchIndex(['
	LC_ALL=C awk -f docs/site/finish.awk "$1"/*.html
	echo '])'
} >"$1/search-index.js"
