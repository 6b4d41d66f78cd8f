// Opens every page of the built site in a headless Chromium: no error in the
// console, nothing but local files loaded, no sideways scrolling at 360 and
// 1280 pixels (light and dark), no broken link, text with enough contrast,
// and a search that finds recvfrom.
//
// Usage: node tests/docs/site-check.mjs build/docs/html [directory for pictures]
// Needs playwright-core, found by NODE_PATH or in build/npm.
import { createRequire } from "node:module";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { resolve, join } from "node:path";
import { pathToFileURL } from "node:url";

const site = resolve(process.argv[2] ?? "build/docs/html");
const pictures = process.argv[3];
const tools = process.env.SITE_CHECK_MODULES ?? "build/npm/";
const { chromium } = createRequire(resolve(tools) + "/")("playwright-core");
const root = pathToFileURL(site).href + "/";
const pages = readdirSync(site).filter((name) => name.endsWith(".html")).sort();
let failed = 0;

function check(ok, what) {
  if (ok) return;
  failed++;
  console.log("FAIL " + what);
}

// Links and pictures, without a browser: each must lead to a file and an id.
const text = new Map(pages.map((name) => [name, readFileSync(join(site, name), "utf8")]));
const ids = new Map(pages.map((name) => [name, new Set([...text.get(name).matchAll(/ (?:id|name)="([^"]*)"/g)].map((m) => m[1]))]));
const files = new Set(readdirSync(site));
for (const [name, html] of text) {
  for (const [, url] of html.matchAll(/ (?:href|src)="([^"]*)"/g)) {
    if (/^(https?|mailto|data):/.test(url)) continue;
    const [file, id] = url.split("#");
    check(file === "" || files.has(file), `${name}: no file for the link ${url}`);
    check(!id || ids.get(file || name)?.has(id), `${name}: no place for the link ${url}`);
  }
}

// Run in the page: each text's contrast with what is behind it (WCAG AA).
function contrasts() {
  const rgb = (s) => s.match(/[\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = rgb(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c;
    }
    return [255, 255, 255];
  };
  const poor = new Set();
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || !e.checkVisibility()) continue;
    const [a, b] = [light(rgb(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) poor.add(`${e.localName}.${e.className} "${e.textContent.slice(0, 30)}"`);
  }
  return [...poor];
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});
const page = await browser.newPage();
let now = "";
page.on("console", (m) => { if (m.type() === "error" || m.type() === "warning") check(false, `${now}: console: ${m.text()}`); });
page.on("pageerror", (e) => check(false, `${now}: ${e.message}`));
page.on("request", (r) => check(/^(file|data):/.test(r.url()), `${now}: asks for ${r.url()}`));
if (pictures) mkdirSync(pictures, { recursive: true });

for (const name of pages) {
  now = name;
  await page.goto(root + name);
  check(await page.locator("h1").count() === 1, `${name}: not exactly one h1`);
  check(await page.locator("#nav [aria-current]").count() === 1, `${name}: not marked in the contents`);
  check(await page.locator(".pager a").count() > 0, `${name}: no way to the page before or after`);
  check(await page.evaluate(() => [...document.images].every((i) => i.complete && i.naturalWidth)), `${name}: a picture is missing`);
  await page.evaluate(() => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
  for (const width of [360, 1280]) {
    await page.setViewportSize({ width, height: 800 });
    // The page fits its tables when it hears of its new size: ahead of the next frame.
    await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      check(wide <= width, `${name}: ${wide} pixels wide in a window of ${width}`);
      const tables = await page.evaluate(() => [...document.querySelectorAll("table")].filter((e) => e.scrollWidth > e.clientWidth).length);
      check(!tables, `${name}: ${tables} tables wider than a window of ${width}`);
      for (const poor of await page.evaluate(contrasts)) check(false, `${name}: poor contrast (${colorScheme}): ${poor}`);
      if (pictures) await page.screenshot({ path: join(pictures, `${name.slice(0, -5)}-${width}-${colorScheme}.png`), fullPage: process.env.FULL === "1" });
    }
  }
}

// The search, with the keyboard; the contents on a small screen.
now = "search";
await page.setViewportSize({ width: 360, height: 800 });
await page.goto(root + "index.html");
await page.keyboard.press("/");
await page.keyboard.type("recvfrom");
const hits = page.locator("#results a");
await hits.first().waitFor({ timeout: 5000 }).catch(() => {});
const urls = await hits.evaluateAll((list) => list.map((a) => a.getAttribute("href")));
check(urls.some((u) => u.startsWith("lesson-")), "the search finds recvfrom in no lesson");
check(urls.some((u) => /_source\.html#l\d{5}$/.test(u)), "the search finds recvfrom in no program");
if (pictures) for (const width of [360, 1280]) {
  await page.setViewportSize({ width, height: 800 });
  await page.screenshot({ path: join(pictures, `search-${width}.png`) });
}
await page.setViewportSize({ width: 360, height: 800 });
await page.keyboard.press("ArrowDown");
await page.keyboard.press("Enter");
await page.waitForURL((u) => !u.pathname.endsWith("/index.html"), { timeout: 5000 }).catch(() => check(false, "Enter opens no result"));
await page.locator(".menu").click();
check(await page.locator("#nav").isVisible(), "the contents do not open");
if (pictures) await page.screenshot({ path: join(pictures, "menu-360.png") });
await page.keyboard.press("Escape");
check(!await page.locator("#nav").isVisible(), "the contents do not close");

await browser.close();
console.log(`${pages.length} pages checked, ${failed} failures`);
process.exit(failed ? 1 : 0);
