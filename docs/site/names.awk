# What page.awk and contents.awk share: the names of pages and anchors, links, and text made safe.

# The page of the site that shows a file of the repository; "" if none does.
function page(path,  n, part, file) {
	while (sub(/[^\/.][^\/]*\/\.\.\//, "", path)) ; # a/../b is b
	n = split(path, part, "/")
	file = part[n]
	if (file ~ /\.[ch]$/ && (part[n - 1] == "common" || part[n - 2] == "lessons")) {
		gsub(/_/, "__", file) # Doxygen's way
		gsub(/\./, "_8", file)
		return file (file ~ /8h$/ ? "" : "_source") ".html"
	}
	if ((file == "README.md" || file == "") && part[n - 1] ~ /^[0-9]/)
		return substr(part[n - 2], 1, length(part[n - 2]) - 1) "-" part[n - 1] ".html"
	if (file == "README.md" || path ~ /docs\/start\.md$/) return "index.html"
	return part[n - 1] == "docs" && sub(/\.md$/, ".html", file) ? file : ""
}

# A heading's anchor, as GitHub makes it: the second one of a name gets a number.
function anchor(heading,  n) {
	gsub("[!-,./:-@[-^`{-~]", "", heading)
	gsub(/ /, "-", heading)
	heading = tolower(heading)
	n = seen[FILENAME, heading]++
	return heading (n ? "-" n : "")
}

# The text with each link led to target(link), or without the links for which that is "".
function links(s,  out, label, to) {
	while (match(s, /\[[^][]*\]\([^() ]+\)/)) {
		label = to = substr(s, RSTART, RLENGTH)
		sub(/\]\(.*/, "]", label)
		to = target(substr(to, length(label) + 2, length(to) - length(label) - 2))
		out = out substr(s, 1, RSTART - 1) (to == "" ? substr(label, 2, length(label) - 2) : label "(" to ")")
		s = substr(s, RSTART + RLENGTH)
	}
	return out s
}

function escape(s) { gsub(/&/, "\\&amp;", s); gsub(/</, "\\&lt;", s); gsub(/>/, "\\&gt;", s); gsub(/"/, "\\&quot;", s); return s }
