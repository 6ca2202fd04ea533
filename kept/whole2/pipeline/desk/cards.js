/** Makes the card of an article. Given to students complete. */

const WEB = new Set(["http:", "https:"]);
const full = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeStyle: "short", timeZone: "UTC" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const UNITS = [["minute", 60], ["hour", 3600], ["day", 86400]];
const RELATIVE_DAYS = 7;
const EXCERPT_CHARS = 300; // as the server cuts it

/**
 * Make a card. All texts come from strangers, so they are set as text, and never as markup.
 *
 * @param template the template of one card
 * @param item one article of `GET /news`
 * @param choose gets the topic that somebody clicks
 */
export function cardOf(template, item, choose) {
  const entry = template.content.firstElementChild.cloneNode(true);
  const find = (name) => entry.querySelector(name);
  find("article").dataset.id = item.article_id;
  find("article").setAttribute("aria-label", item.title);
  find(".sources").textContent = item.sources.join(", ");
  fillTime(find("time"), new Date(item.published_at));
  find(".title").append(titleOf(item));
  find(".text").textContent = item.summary ?? shortened(item.excerpt);
  if (item.summary === null) {
    const mark = document.createElement("span");
    mark.className = "mark";
    mark.textContent = "Not summarised yet";
    find(".meta").append(mark);
  }
  find(".topics").append(...item.topics.map((topic) => topicOf(topic, choose)));
  find(".topics").hidden = !item.topics.length;
  return entry;
}

/** The title, as a link if the address is one of the web. `javascript:` is none. */
function titleOf(item) {
  const address = URL.canParse(item.url) ? new URL(item.url) : null;
  if (!WEB.has(address?.protocol)) return document.createTextNode(item.title);
  const link = document.createElement("a");
  link.href = address.href;
  link.target = "_blank";
  link.rel = "noopener noreferrer";
  link.textContent = item.title;
  return link;
}

function shortened(excerpt) {
  return [...excerpt].length < EXCERPT_CHARS ? excerpt : `${excerpt.trimEnd()}…`;
}

function topicOf(topic, choose) {
  const entry = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "topic";
  button.textContent = topic;
  button.addEventListener("click", () => choose(topic));
  entry.append(button);
  return entry;
}

function fillTime(element, moment) {
  element.dateTime = moment.toISOString();
  element.title = `${full.format(moment)} UTC`;
  element.textContent = ago(moment);
}

function ago(moment) {
  const seconds = (Date.now() - moment) / 1000;
  if (Math.abs(seconds) < 60) return "just now";
  if (Math.abs(seconds) > RELATIVE_DAYS * 86400) return day.format(moment);
  const [unit, size] = UNITS.findLast(([, size]) => Math.abs(seconds) >= size);
  return relative.format(-Math.round(seconds / size), unit);
}
