# Run once over all pages that Doxygen made (see finish.sh); rewrites each in
# place: real headings, the current page marked in the contents, links to the
# previous and next page, a list of the page's sections.  Prints the search
# index: one [url, page, section, text] for each section and each C file.

function plain(s) { gsub(/<[^>]*>/, "", s); gsub(/&[a-z]*sp;|&#160;|&zwj;|&#9670;/, " ", s); gsub(/&quot;/, "\"", s)
	gsub(/&#39;/, "'", s); gsub(/&lt;/, "<", s); gsub(/&gt;/, ">", s); gsub(/&amp;/, "\\&", s)
	gsub(/[ \t]+/, " ", s); sub(/^ /, "", s); sub(/ $/, "", s); return s }

function json(s) { gsub(/\\/, "&&", s); gsub(/"/, "\\\"", s); gsub(/\t/, " ", s); gsub(/\n/, "\\n", s); return "\"" s "\"" }

function record() {
	if (text != "" || section != "")
		print "[" json(url) "," json(title) "," json(section) "," json(text) "],"
	text = ""
}

function pager(side, label, i) {
	return i in href ? "<a class=\"" side "\" rel=\"" side "\" href=\"" href[i] "\"><small>" label "</small> " name[i] "</a>" : ""
}

function finish(  i, here) {
	if (page == "") return
	record()
	close(page)
	for (i = 1; i <= count; i++) if (href[i] == file) here = i
	if (!here && file in owner) here = owner[file]
	for (i = 1; i <= n; i++) {
		if (line[i] ~ /^<nav class="pager"/ && sections > 2)
			print "<nav class=\"toc\" aria-label=\"On this page\"><h2>On this page</h2><ul>" toc "</ul></nav>" > page
		if (line[i] ~ /^<nav class="pager"/ && here)
			sub(/>/, ">" (file in owner ? pager("prev", "Back to", here) : pager("prev", "Previous", here - 1) pager("next", "Next", here + 1)), line[i])
		print line[i] > page
	}
	close(page)
}

FNR == 1 {
	finish()
	page = url = file = FILENAME
	sub(/.*\//, "", file)
	url = file
	n = nav = body = sections = code = count = 0
	text = section = toc = title = id = ""
	split("", href); split("", owner)
}

# Scripts for menus and folding, which need parts of Doxygen's own template.
/<script type="text\/javascript">/ { skip = 1 }
skip { if (/<\/script>/) skip = 0; next }
/^ *<li class="navelem">/ || /id="nav-path"/ { path = 1 }
path { if (/<\/div>/) path = 0; next }

/^<nav id="nav"/ { nav = 1 }
nav && /<a href=/ {
	match($0, /<a href="[^"]*"/)
	href[++count] = substr($0, RSTART + 9, RLENGTH - 10)
	name[count] = $0
	sub(/ *<a class="src".*/, "", name[count])
	name[count] = plain(name[count])
	if (match($0, /class="src" href="[^"]*"/))
		owner[substr($0, RSTART + 18, RLENGTH - 19)] = count
	if (href[count] ~ /_8h\.html$/)
		owner[substr(href[count], 1, length(href[count]) - 5) "_source.html"] = count
	sub("href=\"" file "\"", "& aria-current=\"page\"")
}
/^<\/nav>/ { nav = 0 }
/<div class="title">/ {
	sub(/ File Reference/, "")
	sub(/<div class="title">/, "<h1 class=\"title\">"); sub(/<\/div>/, "</h1>")
	title = plain($0)
	body = 1
}
/<nav class="pager"/ { body = 0 }
match($0, /<a [^>]*id="[^"]*"/) { id = substr($0, RSTART, RLENGTH); sub(/.*id="/, "", id); sub(/"$/, "", id) }

# Headings: Doxygen's h1 is our h2, and so on.
body && /<h[1-5]( class="doxsection")?><a class="anchor"/ {
	while (!/<\/h[1-5]>/ && (getline more) > 0) $0 = $0 " " more
	match($0, /<h[1-5]/)
	level = substr($0, RSTART + 2, 1)
	gsub("<h" level, "<h" (level + 1)); gsub("</h" level, "</h" (level + 1))
	gsub(/&lt;tt&gt;/, "<code>"); gsub(/&lt;\/tt&gt;/, "</code>")
	sub(/<\/a> /, "</a>")
	head($0, level + 1)
}
body && /<h2 class="memtitle">/ { gsub(/h2/, "h3"); head($0, 2) }
function head(s, level) {
	sub(/.*<h[1-6]/, "<h", s)
	record()
	section = plain(s)
	url = file "#" id
	if (level == 2) { sections++; toc = toc "<li><a href=\"#" id "\">" section "</a></li>" }
}
# Wide tables scroll inside a box of their own.
/<table class="(markdownTable|fieldtable)">/ { sub(/<table/, "<div class=\"scroll\">&"); box = 1 }
box && /<\/table>/ { sub(/<\/table>/, "&</div>"); box = 0 }
{ sub(/Data Structure Documentation/, "Structures") }
{ line[++n] = $0 }
body && !/<h[1-6]/ {
	if (/class="lineno"/) { code = 1; sub(/<span class="lineno">[^<]*<\/span>/, "") }
	more = plain($0)
	if (code) text = text more "\n"
	else if (more != "") text = text (text == "" ? "" : " ") more
}
END { finish() }
