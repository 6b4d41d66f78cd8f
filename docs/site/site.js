// The site's only script: the search, the contents and tables on small screens,
// and code blocks that can be scrolled by keyboard.  All pages read well without it.
"use strict";

const query = document.getElementById("query");
const results = document.getElementById("results");
const menu = document.querySelector(".menu");
let entries = null; // of search-index.js: [url, page, section, text]

// Called by search-index.js, a script because file:// allows no fetch().
function searchIndex(list) {
  entries = list;
  search();
}

function loadIndex() {
  if (loadIndex.done) return;
  loadIndex.done = true;
  const script = document.createElement("script");
  script.src = "search-index.js";
  document.head.append(script);
}

// How well an entry fits; 0 unless each word occurs in it.
function score([, page, section, text], words) {
  let sum = 0;
  for (const word of words) {
    const at = (s) => s.toLowerCase().split(word).length - 1;
    const found = 20 * at(section) + 10 * at(page) + Math.min(at(text), 5);
    if (!found) return 0;
    sum += found;
  }
  return sum;
}

function element(name, text, parent, mark) {
  const e = document.createElement(name);
  const at = mark ? text.toLowerCase().indexOf(mark) : -1;
  if (at < 0) {
    e.textContent = text;
  } else {
    const hit = document.createElement("mark");
    hit.textContent = text.slice(at, at + mark.length);
    e.append(text.slice(0, at), hit, text.slice(at + mark.length));
  }
  parent.append(e);
  return e;
}

function show(entry, word, list) {
  let [url, page, section, text] = entry;
  const at = Math.max(0, text.toLowerCase().indexOf(word));
  let start = Math.max(0, at - 40), end = at + 100;
  if (url.endsWith("_source.html")) { // the line that has the word
    const line = text.slice(0, at).split("\n").length;
    url += "#l" + String(line).padStart(5, "0");
    page += ", line " + line;
    start = text.lastIndexOf("\n", at) + 1;
    end = (text + "\n").indexOf("\n", at);
  }
  const link = element("a", "", element("li", "", list));
  link.href = url;
  element("strong", section || page, link, word);
  if (section) element("small", page, link);
  const cut = (start && text[start - 1] !== "\n" ? "… " : "") + text.slice(start, end) + (end < text.length && text[end] !== "\n" ? " …" : "");
  if (text) element("span", cut, link, word);
}

function search() {
  const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
  results.hidden = !words.length || !entries;
  if (results.hidden) return;
  const found = entries.map((e) => [score(e, words), e]).filter(([s]) => s);
  found.sort((a, b) => b[0] - a[0]);
  results.textContent = "";
  const status = element("p", found.length ? found.length + " found" : "Nothing found", results);
  status.setAttribute("role", "status");
  const list = element("ul", "", results);
  for (const [, entry] of found.slice(0, 20)) show(entry, words[0], list);
}

function closeSearch() {
  results.hidden = true;
}

query.addEventListener("focus", () => { loadIndex(); search(); });
query.addEventListener("input", () => { loadIndex(); search(); });
query.form.addEventListener("submit", (event) => {
  event.preventDefault();
  const first = results.querySelector("a");
  if (first) first.click();
});
query.form.addEventListener("focusout", (event) => {
  if (event.relatedTarget && !query.form.contains(event.relatedTarget)) closeSearch();
});
document.addEventListener("click", (event) => {
  if (!query.form.contains(event.target) || event.target.closest("#results a")) closeSearch();
});

// Arrow keys move through the results; / goes to the search, Escape leaves it.
document.addEventListener("keydown", (event) => {
  const inside = query.form.contains(event.target);
  if (event.key === "Escape" && inside) {
    query.focus();
    closeSearch();
  } else if (event.key === "Escape") {
    toggleMenu(false);
  } else if (event.key === "/" && !inside && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    query.focus();
  } else if (inside && (event.key === "ArrowDown" || event.key === "ArrowUp") && !results.hidden) {
    event.preventDefault();
    const stops = [query, ...results.querySelectorAll("a")];
    const next = stops.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
    (stops[next] || query).focus();
  }
});

function toggleMenu(open) {
  document.body.classList.toggle("menu-open", open);
  menu.setAttribute("aria-expanded", String(open));
}
menu.setAttribute("role", "button");
toggleMenu(false);
menu.addEventListener("click", (event) => {
  event.preventDefault();
  toggleMenu(!document.body.classList.contains("menu-open"));
});
menu.addEventListener("keydown", (event) => {
  if (event.key === " ") { event.preventDefault(); menu.click(); }
});

const current = document.querySelector("#nav [aria-current]");
if (current && innerWidth > 960) document.getElementById("nav").scrollTop = current.offsetTop - innerHeight / 2;

// A table too wide for the screen shows each row as a list, with the column's name at each value.
const tables = [...document.querySelectorAll(".markdownTable")];
for (const table of tables) {
  const names = [...table.rows[0].cells].map((cell) => cell.textContent.trim());
  for (const row of [...table.rows].slice(1)) [...row.cells].forEach((cell, i) => { cell.dataset.name = names[i]; });
}
function fitTables() {
  for (const table of tables) {
    table.classList.remove("stacked");
    table.classList.toggle("stacked", table.scrollWidth > table.parentElement.clientWidth);
  }
}
addEventListener("resize", fitTables);
document.addEventListener("toggle", fitTables, true);
fitTables();

// Blocks too wide for the screen can be scrolled with the arrow keys.
for (const block of document.querySelectorAll(".fragment, .console, .scroll, .memproto")) {
  if (block.scrollWidth <= block.clientWidth) continue;
  block.tabIndex = 0;
  block.setAttribute("role", "group");
  block.setAttribute("aria-label", "Can be scrolled sideways");
}
