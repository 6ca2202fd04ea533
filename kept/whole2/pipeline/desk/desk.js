/** Runs the page: what is shown follows the address, which has the question and the topic. Given to students complete. */

import { request } from "/dashboard/api.js";
import { cardOf } from "/desk/cards.js";
import { showTrends } from "/desk/trends.js";

const PAGE = 20;
const HITS = 20;
const LOOK_SECONDS = 60;
const NOTHING_YET = "No articles yet. The desk collects its feeds every few minutes.";
const NOTHING_FOUND = "Nothing was found. Try other words, or show all articles.";

const at = (id) => document.getElementById(id);
const parts = Object.fromEntries(
  ["problem", "search", "question", "news", "news-title", "news-status", "all", "fresh", "more", "empty",
    "article", "trends", "trends-window", "terms"].map((id) => [id, at(id)]),
);
const number = new Intl.NumberFormat("en");

let nextCursor = null;
let turn = 0;

/** What the address asks for. An empty text asks for nothing. */
function wanted() {
  const asked = new URL(location.href).searchParams;
  return { q: (asked.get("q") ?? "").trim(), topic: (asked.get("topic") ?? "").trim() };
}

function query(values) {
  return new URLSearchParams(Object.entries(values).filter(([, value]) => value));
}

/** Change the address, and show what it asks for. */
function go(values) {
  history.pushState(null, "", `/desk${query(values).size ? `?${query(values)}` : ""}`);
  show({ focus: true });
}

function titleOf({ q, topic }) {
  if (q && topic) return `Results for “${q}” in ${topic}`;
  if (q) return `Results for “${q}”`;
  return topic ? `Articles about ${topic}` : "All articles";
}

function counted(count, more) {
  const word = count === 1 && !more ? "article" : "articles";
  return `${number.format(count)}${more ? "+" : ""} ${word}`;
}

function report(problem) {
  parts.problem.textContent = problem?.message ?? "";
  parts.problem.hidden = !problem;
}

function cards(items) {
  return items.map((item) => cardOf(parts.article, item, (topic) => go({ topic })));
}

/** Load what the address asks for, in place of what is shown. */
async function show({ focus = false } = {}) {
  const mine = ++turn;
  const asked = wanted();
  parts.question.value = asked.q;
  parts["news-title"].textContent = titleOf(asked);
  document.title = asked.q || asked.topic ? `${titleOf(asked)} · News` : "News";
  parts.all.hidden = !(asked.q || asked.topic);
  parts.news.setAttribute("aria-busy", "true");
  parts["news-status"].textContent = "Loading";
  if (focus) parts["news-title"].focus();
  try {
    const found = await load(asked, null);
    if (mine !== turn) return; // a later question is on its way
    parts.news.replaceChildren(...cards(found.items));
    end(found, asked);
    report(null);
  } catch (problem) {
    if (mine !== turn) return;
    parts["news-status"].textContent = "";
    report(problem);
  } finally {
    if (mine === turn) parts.news.removeAttribute("aria-busy");
  }
}

async function load({ q, topic }, cursor) {
  if (q) {
    const found = await request("GET", `/news/search?${query({ q, topic, limit: HITS })}`);
    return { items: found.results, cursor: null };
  }
  const found = await request("GET", `/news?${query({ topic, cursor, limit: PAGE })}`);
  return { items: found.news, cursor: found.next_cursor };
}

/** Show what belongs below the list, and say how long it is. */
function end({ cursor }, asked) {
  nextCursor = cursor;
  const count = parts.news.children.length;
  parts.more.hidden = !cursor;
  parts.fresh.hidden = true;
  parts.empty.hidden = count > 0;
  parts.empty.textContent = asked.q || asked.topic ? NOTHING_FOUND : NOTHING_YET;
  parts["news-status"].textContent = count ? counted(count, cursor) : "";
}

async function showOlder() {
  const mine = turn;
  parts.more.disabled = true;
  try {
    const found = await load(wanted(), nextCursor);
    if (mine !== turn) return;
    const older = cards(found.items);
    parts.news.append(...older);
    end(found, wanted());
    older[0]?.querySelector("a, button")?.focus(); // the button that had the focus may be hidden now
    report(null);
  } catch (problem) {
    report(problem);
  } finally {
    parts.more.disabled = false;
  }
}

/** Ask whether there is something newer than what is shown. It is shown only when somebody asks for it. */
async function look() {
  if (document.hidden || wanted().q || parts.news.hasAttribute("aria-busy")) return;
  const mine = turn;
  try {
    const { items } = await load(wanted(), null);
    const shown = new Set(Array.from(parts.news.querySelectorAll("article"), (card) => card.dataset.id));
    if (mine === turn) parts.fresh.hidden = items.every((item) => shown.has(item.article_id));
  } catch {
    // what is shown stays; the next look may succeed
  }
}

async function loadTrends() {
  try {
    showTrends(parts, await request("GET", "/news/trends"), (q) => go({ q }));
  } catch {
    parts.trends.hidden = true; // the articles matter more, and their own request says what is wrong
  }
}

parts.search.addEventListener("submit", (event) => {
  event.preventDefault();
  const q = parts.question.value.trim();
  if (q) go({ q, topic: wanted().topic });
});
parts.all.addEventListener("click", () => go({}));
parts.fresh.addEventListener("click", () => show({ focus: true }));
parts.more.addEventListener("click", showOlder);
addEventListener("popstate", () => show());
setInterval(() => { look(); loadTrends(); }, LOOK_SECONDS * 1000);
show();
loadTrends();
