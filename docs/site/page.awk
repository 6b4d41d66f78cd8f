# Makes of a Markdown page what Doxygen reads, so that ours can stay plain: what GitHub shows well and
# Doxygen does not becomes HTML here. A line in is a line out (but a callout one more), so that the
# numbers of lines in Doxygen's warnings are right.

function html(s) { return "\\htmlonly[block]" s "\\endhtmlonly" }

# Text in which neither Doxygen nor Markdown finds anything to do.
function plain(s) {
	s = escape(s)
	gsub(/\\/, "\\&#92;", s); gsub(/\*/, "\\&#42;", s); gsub(/`/, "\\&#96;", s); gsub(/\|/, "\\&#124;", s); gsub(/@/, "\\&#64;", s)
	return s
}

# Where a link leads on the site; "" if the file is not part of it.
function target(link,  file, name) {
	if (link ~ /^[a-z]+:/) return link
	file = name = link
	sub(/#.*/, "", file)
	sub(/^[^#]*/, "", name)
	if (file ~ /^(\.\.\/)+README\.md$/) name = "" # the front page of the repository
	if (file ~ /\.svg$/) { sub(/.*\//, "", file); return file }
	if (file == "") return page(FILENAME) name
	file = page(directory file)
	return file == "" ? "" : file name
}

# Code within a line. In a heading (inside HTML already) the text around it is made safe, too.
function spans(s, heading,  out, ticks, end, code) {
	while (match(s, /`+/)) {
		out = out (heading ? plain(substr(s, 1, RSTART - 1)) : substr(s, 1, RSTART - 1))
		ticks = substr(s, RSTART, RLENGTH)
		s = substr(s, RSTART + RLENGTH)
		if (!(end = index(s, ticks))) return out ticks s
		code = substr(s, 1, end - 1)
		s = substr(s, end + length(ticks))
		if (length(ticks) > 1) { sub(/^ /, "", code); sub(/ $/, "", code) }
		gsub(/\\\|/, "|", code)
		if (heading) out = out "<code>" plain(code) "</code>"
		else if (code ~ "^[A-Za-z0-9_ .,=()/+-]*$") out = out "`" code "`"
		else out = out "\\htmlonly<code>" plain(code) "</code>\\endhtmlonly"
	}
	return out (heading ? plain(s) : s)
}

FNR == 1 { directory = FILENAME; sub(/[^\/]*$/, "", directory) }

# Code. The lines of a transcript are "1$ typed" and "1| printed".
/^ *(```|~~~)/ {
	fence = !fence
	indent = substr($0, 1, match($0, /[`~]/) - 1)
	if (fence && /console/) { console = 1; print indent "\\htmlonly[block]<pre class=\"console\">"; next }
	if (!fence && console) { console = 0; print "</pre>\\endhtmlonly"; next }
}
console {
	$0 = plain($0)
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

/^<details>/ || /^<\/details>/ || /^<summary>.*<\/summary>$/ { print html($0); next }

# The title is the page's; the other headings are ours, for Doxygen changes its own again and again.
/^# / {
	sub(/^# +/, "")
	anchor($0)
	name = page(FILENAME)
	sub(/\.html$/, "", name)
	print "# " $0 " {#" (name == "index" ? "start" : name) "}"
	next
}
match($0, /^##+ /) {
	level = RLENGTH - 1
	sub(/^#+ +/, "")
	print html("<h" level " id=\"" anchor($0) "\">" spans($0, 1) "</h" level ">")
	next
}
match($0, /^!\[[^]]*\]\([^)]*\)$/) {
	split($0, img, /\]\(|\)/)
	print html("<figure><img src=\"" target(img[2]) "\" alt=\"" escape(substr(img[1], 3)) "\"></figure>")
	next
}
{ print spans(links($0)) }
END { if (note) { print ""; print html("</div>") } }
