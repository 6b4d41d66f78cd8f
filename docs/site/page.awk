# Doxygen's input filter for Markdown: keeps the pages plain for GitHub.
# A line in gives a line out (but a callout one more), so that the warnings of
# Doxygen name the right line.
#  - "# Title" gets the page's name from the path, "## X" an anchor from it;
#  - links to files of the repository become links to pages of the site;
#  - <details>, "> [!NOTE]" and console transcripts become HTML.

function html(s) { return "\\htmlonly[block]" s "\\endhtmlonly" }

function escape(s) { gsub(/&/, "\\&amp;", s); gsub(/</, "\\&lt;", s); gsub(/>/, "\\&gt;", s); return s }

# The site's name of a page of the repository, or "" for another file.
function page(path,  n, part) {
	n = split(path, part, "/")
	if (match(path, /[0-9][0-9]-[^\/]*\/(README\.md)?$/))
		return (path ~ /exercises\/[^\/]*\/[^\/]*$/ ? "exercise-" : path ~ /lessons\/[^\/]*\/[^\/]*$/ ? "lesson-" : kind) part[n - 1]
	if (part[n] == "start.md" || part[n] == "README.md") return "index"
	return sub(/\.md$/, "", part[n]) ? part[n] : ""
}

function slug(s) {
	gsub(/[^A-Za-z0-9_ -]/, "", s)
	gsub(/ /, "-", s)
	return tolower(s)
}

# One link's target: file#anchor.
function target(t,  file, anchor, n, part) {
	if (t ~ /^[a-z]+:/) return t
	file = anchor = t
	sub(/#.*/, "", file)
	if (!sub(/^[^#]*#/, "", anchor)) anchor = ""
	n = split(file, part, "/")
	if (part[n] ~ /\.svg$/) return part[n]
	if (part[n] ~ /\.[ch]$/) {
		gsub(/_/, "__", part[n])
		gsub(/\./, "_8", part[n])
		return part[n] (part[n] ~ /8h$/ ? "" : "_source") ".html"
	}
	if (n > 1 && part[n] == "README.md" && part[n - 1] == "..") anchor = "" # the front page of the repository
	file = file == "" ? self : page(file)
	return file == "" ? t : file ".html" (anchor == "" ? "" : "#" file "-" anchor)
}

# Code in a line of text: Doxygen would look for commands, tags and links in it.
function spans(s,  out, code) {
	while (match(s, /`+/)) {
		out = out substr(s, 1, RSTART - 1)
		ticks = substr(s, RSTART, RLENGTH)
		s = substr(s, RSTART + RLENGTH)
		if (!(end = index(s, ticks))) return out ticks s
		code = substr(s, 1, end - 1)
		s = substr(s, end + length(ticks))
		if (length(ticks) > 1) { sub(/^ /, "", code); sub(/ $/, "", code) }
		gsub(/\\\|/, "|", code)
		out = out (code ~ /^[A-Za-z0-9_ .,=()\/+-]*$/ ? "`" code "`" : "\\htmlonly<code>" entities(code) "</code>\\endhtmlonly")
	}
	return out s
}

function entities(s) {
	s = escape(s)
	gsub(/\\/, "\\&#92;", s); gsub(/\*/, "\\&#42;", s); gsub(/`/, "\\&#96;", s); gsub(/\|/, "\\&#124;", s); gsub(/@/, "\\&#64;", s)
	return s
}

function links(s,  out, m) {
	while (match(s, /\]\([^() ]+\)/)) {
		m = substr(s, RSTART + 2, RLENGTH - 3)
		out = out substr(s, 1, RSTART + 1)
		s = substr(s, RSTART + RLENGTH)
		out = out target(m) ")"
	}
	return out s
}

FNR == 1 {
	kind = FILENAME ~ /exercises\/[^\/]*\/[^\/]*$/ ? "exercise-" : "lesson-"
	self = page(FILENAME)
}

# Code: a transcript's lines are "1$ typed" and "1| printed".
/^ *(```|~~~)/ {
	fence = !fence
	indent = substr($0, 1, match($0, /[`~]/) - 1)
	if (fence && /console/) { console = 1; print indent "\\htmlonly[block]<pre class=\"console\">"; next }
	if (!fence && console) { console = 0; print "</pre>\\endhtmlonly"; next }
}
console {
	$0 = entities($0)
	sub("^" indent, "")
	if (match($0, /^h?[0-9]([$^]|&gt;|&#124;)/)) {
		prompt = substr($0, 1, RLENGTH)
		terminal = substr(prompt, 1 + (prompt ~ /^h/), 1)
		typed = prompt ~ /#124/ ? "" : prompt ~ /\^/ ? " typed key" : " typed"
		$0 = "<span class=\"t" terminal typed "\"><b>" prompt "</b>" substr($0, RLENGTH + 1) "</span>"
	}
}
fence { print; next }

# Callouts: "> [!NOTE]" and the quoted lines after it.
match($0, /^> \[![A-Z]+\]/) {
	note = substr($0, 5, RLENGTH - 5)
	note = substr(note, 1, 1) tolower(substr(note, 2))
	print html("<div class=\"callout " tolower(note) "\"><p class=\"label\">" note "</p>")
	next
}
note && /^$/ { note = ""; print ""; print html("</div>"); next }
note && /^>/ { sub(/^> ?/, "") }

/^<details>/ || /^<\/details>/ { print html(links($0)); next }
/^<summary>.*<\/summary>$/ { print html($0); next }

/^#+ / {
	name = $0
	sub(/^#+ +/, "", name)
	name = self "-" slug(name)
	if (seen[name]++) name = name "-" (seen[name] - 1)
	if (/^# /) name = self == "index" ? "mainpage" : self
	$0 = $0 " {#" name "}"
}
match($0, /^!\[[^]]*\]\([^)]*\)$/) {
	split($0, img, /\]\(|\)/)
	print html("<figure><img src=\"" target(img[2]) "\" alt=\"" escape(substr(img[1], 3)) "\"></figure>")
	next
}
{ print spans(links($0)) }
END { if (note) { print ""; print html("</div>") } }
