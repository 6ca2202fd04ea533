/** Shows the trends. Given to students complete. */

const SHOWN = 10;
const moment = new Intl.DateTimeFormat("en-GB", {
  day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZone: "UTC",
});

/**
 * Show the terms of a window, each with a bar. Without a term the whole section is hidden.
 *
 * @param parts the elements of the page, by their ids
 * @param trends the answer of `GET /news/trends`
 * @param choose gets the term that somebody clicks
 */
export function showTrends(parts, trends, choose) {
  const terms = trends.terms.slice(0, SHOWN);
  parts.trends.hidden = !terms.length;
  if (!terms.length) return;
  const [start, end] = [trends.window_start, trends.window_end].map((one) => moment.format(new Date(one)));
  parts["trends-window"].textContent = `${start} to ${end} UTC, compared with earlier windows`;
  const best = Math.max(...terms.map((term) => term.score));
  parts.terms.replaceChildren(...terms.map((term) => entryOf(term, best, choose)));
}

function entryOf(term, best, choose) {
  const entry = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "term";
  button.style.setProperty("--share", `${Math.round((100 * term.score) / best)}%`);
  const word = document.createElement("span");
  word.textContent = term.term;
  const count = document.createElement("span");
  count.className = "count";
  count.textContent = term.articles === 1 ? "1 article" : `${term.articles} articles`;
  button.append(word, " ", count);
  button.addEventListener("click", () => choose(term.term));
  entry.append(button);
  return entry;
}
