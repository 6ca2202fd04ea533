/** The list of jobs: a card for each, the newest first. */

import { ACTIVE } from "./jobs.js";

const STEPS = ["parse", "chunk", "embed", "index"];

export class Cards {
  #cards = new Map();

  /**
   * @param list the element that holds the cards
   * @param template the template of a card
   * @param actions `{cancel(job), replay(job)}`, called when somebody presses a button
   */
  constructor(list, template, actions) {
    this.list = list;
    this.template = template;
    this.actions = actions;
  }

  /** Show a job as it is now: on its card, or on a new one. */
  show(job) {
    let card = this.#cards.get(job.job_id);
    if (!card) {
      card = this.#newCard(job);
      this.#cards.set(job.job_id, card);
      place(this.list, card, job);
    }
    card.job = job;
    fill(card, job);
    setButtons(card, job);
  }

  /** Remove a job's card. */
  remove(job) {
    this.#cards.get(job.job_id)?.item.remove();
    this.#cards.delete(job.job_id);
  }

  #newCard(job) {
    const item = this.template.content.firstElementChild.cloneNode(true);
    const find = (selector) => item.querySelector(selector);
    const card = { item, find, job };
    find(".name").id = `job-${job.job_id}`;
    find("article").setAttribute("aria-labelledby", `job-${job.job_id}`);
    find(".cancel").addEventListener("click", () => this.actions.cancel(card.job));
    find(".replay").addEventListener("click", () => this.actions.replay(card.job));
    return card;
  }
}

/** Put a new card where it belongs: the newest job is first. Other cards stay where they are. */
export function place(list, card, job) {
  card.item.dataset.createdAt = job.created_at;
  // TODO 7.1:
  //   a) Insert `card.item` before the first item that is older (`dataset.createdAt`), or at the
  //      end. Compare the times as text: they are in UTC, and a `Date` has no microseconds. Move no
  //      other item: one that is moved loses the keyboard's focus.
  throw new Error("7.1 is not done yet");
}

/**
 * Write what is known of a job on its card.
 *
 * @param job as the API describes it: `{job_id, status, document: {filename}, progress: {step, percent},
 * error, created_at, …}`. `error` is `{message, …}` or `null`.
 */
export function fill(card, job) {
  const working = ACTIVE.has(job.status);
  card.find(".work").hidden = !working;
  card.find("progress").hidden = !working;
  card.find(".facts").textContent = facts(job);
  card.find("progress").setAttribute("aria-label", `Progress of ${job.document.filename}`);
  card.find("time").textContent = clock(job.created_at);
  card.find("time").dateTime = job.created_at;
  // TODO 7.1:
  //   b) Write the name of the document (`.name`), its step in words (`.step`: `stepText`), and the
  //      percent as text (`.percent`, such as `61 %`) and as the value of the `progress`.
  //   c) Write the error's message (`.error`), or nothing if there is no error.
  //   d) Set `textContent`, never markup: a name and a message are text from strangers.
  throw new Error("7.1 is not done yet");
  attempt(() => showState(card, job.status));
}

/** Show in which state a job is. */
export function showState(card, status) {
  card.find("article").dataset.status = status;
  // TODO 7.5:
  //   c) Show the state as a word (`.word`) and as a symbol (set the attribute `href` of `use`,
  //      such as `/dashboard/icons.svg#pending`). The colour comes from `data-status`, and is not
  //      enough.
  throw new Error("7.5 is not done yet");
}

/** Show the buttons that make sense now. */
function setButtons(card, job) {
  for (const of of card.item.querySelectorAll(".of")) of.textContent = ` ${job.document.filename}`;
  attempt(() => setButton(card, ".cancel", ACTIVE.has(job.status)));
  attempt(() => setButton(card, ".replay", job.status === "failed"));
}

/** Do a part of the card that a later item asks for. While it is not done, the page says so, and the rest
 * of the card works.
 */
function attempt(part) {
  try {
    part();
  } catch (error) {
    reportError(error);
  }
}

/** Show or hide a button, without losing the place of somebody who uses the keyboard. */
export function setButton(card, selector, shown) {
  const button = card.find(selector);
  // TODO 7.5:
  //   d) Hide the button if it makes no sense (`hidden`). A hidden element loses the focus, and the
  //      next Tab starts at the top of the page: if it has the focus (`document.activeElement`),
  //      move the focus to the card's `article`.
  throw new Error("7.5 is not done yet");
}

/** What a job is doing, such as `Step 3 of 4: embed`. */
export function stepText(job) {
  const number = STEPS.indexOf(job.progress.step) + 1;
  if (job.status === "pending" || !number) return "Waiting for a worker";
  return `Step ${number} of ${STEPS.length}: ${job.progress.step}`;
}

/** What is known of a finished document. */
function facts(job) {
  if (job.status !== "completed" || !job.result) return "";
  const { pages, chunks } = job.result;
  return `${count(pages, "page")}, ${count(chunks, "passage")}`;
}

const count = (number, what) => `${number} ${what}${number === 1 ? "" : "s"}`;

/** A time as people write it; with the date, if it is not today's. */
function clock(text) {
  const then = new Date(text);
  const today = then.toDateString() === new Date().toDateString();
  const style = today ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" };
  return new Intl.DateTimeFormat(undefined, style).format(then);
}
