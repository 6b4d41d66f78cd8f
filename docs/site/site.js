// The site's only script: the current page in the contents, the pages before and after it, the list
// of its sections, the search, and tables on small screens. All pages read well without it.
"use strict";

const main = document.getElementById("content");
const nav = document.getElementById("nav");
const menu = document.querySelector(".menu");
const query = document.getElementById("query");
const results = document.getElementById("results");

function add(parent, name, text, attributes) {
  const e = document.createElement(name);
  e.textContent = text;
  Object.assign(e, attributes);
  parent.append(e);
  return e;
}

// ---- Around the text: what is before, after and on this page ----

function addPager(current) {
  const pager = add(main, "nav", "", { className: "pager", ariaLabel: "Previous and next page" });
  document.querySelector("footer").before(pager);
  const step = (rel, label, link) => {
    if (!link) return;
    const a = add(pager, "a", "", { className: rel, rel, href: link.href });
    add(a, "small", label);
    a.append(link.textContent);
  };
  if (current.className === "src") return step("prev", "Back to", current.closest("li").querySelector("a"));
  const pages = [...nav.querySelectorAll("a:not(.src)")];
  step("prev", "Previous", pages[pages.indexOf(current) - 1]);
  step("next", "Next", pages[pages.indexOf(current) + 1]);
}

// Our headings have an anchor themselves; to a function's name Doxygen puts one in front.
function addSections() {
  const place = (h) => h.id || h.previousElementSibling?.id;
  const headings = [...main.querySelectorAll("h2:not(.groupheader)")].filter(place);
  if (headings.length < 3) return;
  const toc = add(main, "nav", "", { className: "toc", ariaLabel: "On this page" });
  add(toc, "h2", "On this page");
  const list = add(toc, "ul", "");
  for (const h of headings) add(add(list, "li", ""), "a", h.innerText, { href: "#" + place(h) });
}

const title = main.querySelector("h1");
title.textContent = title.textContent.replace(/ (File Reference|Source File)$/, "");
addSections();
const here = location.pathname.split("/").pop() || "index.html";
const current = nav.querySelector(`a[href="${CSS.escape(here)}"]`);
if (current) {
  current.setAttribute("aria-current", "page");
  if (innerWidth > 960) nav.scrollTop = current.offsetTop - innerHeight / 2;
  addPager(current);
}

function toggleMenu(open) {
  menu.setAttribute("aria-expanded", document.body.classList.toggle("menu-open", open));
}
toggleMenu(false);
menu.addEventListener("click", (event) => { event.preventDefault(); toggleMenu(); });

// ---- Search, in the `entries` of search-index.js: [url, page, section, text] ----

// How well an entry fits; 0 unless each word occurs in it.
function score([, page, section, text], words) {
  let sum = 0;
  for (const word of words) {
    const times = (s) => s.toLowerCase().split(word).length - 1;
    const found = 20 * times(section) + 10 * times(page) + Math.min(times(text), 5);
    if (!found) return 0;
    sum += found;
  }
  return sum;
}

// Adds an element in which the word is marked.
function addMarked(parent, name, text, word) {
  const e = add(parent, name, "");
  const at = text.toLowerCase().indexOf(word);
  if (at < 0) return e.append(text);
  e.append(text.slice(0, at));
  add(e, "mark", text.slice(at, at + word.length));
  e.append(text.slice(at + word.length));
}

function show([url, page, section, text], word, list) {
  const at = Math.max(0, text.toLowerCase().indexOf(word));
  let cut = text.slice(Math.max(0, at - 40), at + 100);
  if (url.endsWith("_source.html")) { // the line that has the word
    const line = text.slice(0, at).split("\n").length;
    url += "#l" + String(line).padStart(5, "0");
    page += ", line " + line;
    cut = text.split("\n")[line - 1];
  } else if (cut !== text) {
    cut = "… " + cut + " …";
  }
  const link = add(add(list, "li", ""), "a", "", { href: url });
  addMarked(link, "strong", section || page, word);
  if (section) add(link, "small", page);
  addMarked(link, "span", cut, word);
}

function search() {
  const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
  results.hidden = !words.length;
  if (results.hidden) return;
  const found = entries.map((e) => [score(e, words), e]).filter(([s]) => s).sort((a, b) => b[0] - a[0]);
  results.textContent = "";
  add(results, "p", found.length ? found.length + " found" : "Nothing found", { role: "status" });
  const list = add(results, "ul", "");
  for (const [, entry] of found.slice(0, 20)) show(entry, words[0], list);
}

for (const type of ["focus", "input"]) query.addEventListener(type, search);
query.form.addEventListener("submit", (event) => {
  event.preventDefault();
  results.querySelector("a")?.click();
});
for (const type of ["click", "focusin"])
  document.addEventListener(type, (event) => { if (!query.form.contains(event.target)) results.hidden = true; });
results.addEventListener("click", () => { results.hidden = true; });

// / goes to the search, Escape leaves it (or the contents), arrow keys move through what it found.
document.addEventListener("keydown", (event) => {
  const inside = query.form.contains(event.target);
  if (event.key === "Escape") {
    if (inside) query.focus();
    results.hidden = true;
    toggleMenu(false);
  } else if (event.key === "/" && !inside && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    query.focus();
  } else if (inside && (event.key === "ArrowDown" || event.key === "ArrowUp") && !results.hidden) {
    event.preventDefault();
    const stops = [query, ...results.querySelectorAll("a")];
    const at = stops.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
    (stops[at] || query).focus();
  }
});

// ---- Small screens ----

// A table too wide for the screen shows each row as a list, with the column's name at each value.
const tables = [...document.querySelectorAll(".markdownTable")];
for (const table of tables)
  for (const cell of table.querySelectorAll("td"))
    cell.dataset.name = table.rows[0].cells[cell.cellIndex]?.textContent.trim();
function fitTables() {
  for (const table of tables) {
    table.classList.remove("stacked");
    table.classList.toggle("stacked", table.scrollWidth > table.parentElement.clientWidth);
  }
}
addEventListener("resize", fitTables);
document.addEventListener("toggle", fitTables, true); // a <details> opens
fitTables();
