# Reads the sources of all pages, in the order of reading, and writes three files into `out`:
# contents.html (the list of all pages), contents.txt (lines "page source") and html/search-index.js
# (a line [url, page, section, text] for each section of a page and each C file).

function json(s) { gsub(/\\/, "&&", s); gsub(/"/, "\\\"", s); gsub(/\t/, " ", s); gsub(/\n/, "\\n", s); return "\"" s "\"" }

function target(link) { return "" } # the index has no links

function end_section() {
	if (text != "" || section != "")
		print "[" json(url) "," json(title) "," json(section) "," json(text) "]," > (out "/html/search-index.js")
	section = text = ""
}

# Writes the link to a page: an item of the contents, or beside the item before it (class src).
function list(class, to, name, number) {
	print to, FILENAME > (out "/contents.txt")
	if (class == "") print "<li>" > (out "/contents.html")
	print "<a" class " href=\"" to "\">" (number ? "<b>" number + 0 "</b> " : "") escape(name) "</a>" > (out "/contents.html")
}

function heading(name) {
	if (name != group) print "</ul>\n<h2>" name "</h2>\n<ul>" > (out "/contents.html")
	group = name
}

BEGIN {
	print "const entries = [" > (out "/html/search-index.js")
	print "<ul>" > (out "/contents.html")
}

FNR == 1 {
	end_section()
	url = page(FILENAME)
	n = split(FILENAME, part, "/")
	title = part[n]
	fence = 0
	markdown = FILENAME ~ /\.md$/
	if (part[1] == "lessons") heading("Lessons")
	else if (part[1] == "exercises" || FILENAME == "docs/exercises.md") heading("Exercises")
	else if (part[1] == "common") heading("Headers")
	else if (group != "") heading("Reference")
	if (title ~ /\.h$/) {
		list("", url, title)
		sub(/\.html$/, "_source.html", url)
		list(" class=\"src\"", url, "source")
	} else if (!markdown)
		list(" class=\"src\"", url, title)
}

!markdown { text = text $0 "\n"; next }

/^ *(```|~~~)/ { fence = !fence; next }

# A page's short name: "Lesson 1: the sender" is "The sender".
!fence && /^# / {
	title = name = substr($0, 3)
	anchor(title)
	sub(/^[A-Z][a-z]* [0-9]+: +/, "", name)
	list("", url, toupper(substr(name, 1, 1)) substr(name, 2), part[1] == "docs" ? "" : part[2])
	next
}
!fence && /^##+ / {
	end_section()
	sub(/^#+ +/, "")
	sub(/#.*/, "", url)
	url = url "#" anchor($0)
	gsub(/`/, "")
	section = $0
	next
}

# Words without their Markdown.
!fence { $0 = links($0); gsub(/^<.*>$|^> (\[![A-Z]*\])?|^[-|: ]+$|^!|[`*|]/, "") }
{ gsub(/[ \t]+/, " "); sub(/^ /, "") }
$0 != "" { text = text (text == "" ? "" : " ") $0 }

END {
	end_section()
	print "]" > (out "/html/search-index.js")
	print "</ul>" > (out "/contents.html")
}
