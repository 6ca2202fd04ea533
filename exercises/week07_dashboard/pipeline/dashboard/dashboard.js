/**
 * Puts the page together. Given to students complete.
 *
 * Jobs come from the stream (`live.js`) or, while it is down, from polling (`polling.js`). Both end in
 * `Jobs`, which keeps the newer version of each, and tells the cards, the announcer and the numbers.
 */

import { perform, search, upload } from "./actions.js";
import { Announcer } from "./announce.js";
import { listJobs } from "./api.js";
import { Cards } from "./cards.js";
import { Jobs } from "./jobs.js";
import { Live, switching } from "./live.js";
import { Polling } from "./polling.js";
import { showHits, summary } from "./results.js";
import { StatsBar } from "./stats.js";

const $ = (id) => document.getElementById(id);
const MODES = {
  connecting: "Connecting",
  live: "Live",
  polling: "Polling",
  offline: "Offline, trying again",
};
const FIRST_POLL_SECONDS = 1;
const EXPECT_SECONDS = 10;

const jobs = new Jobs();
const stats = new StatsBar($("stats"));
const announcer = new Announcer($("announcer"));
const cards = new Cards($("jobs"), $("job-card"), {
  cancel: (job) => act(async () => jobs.take(await perform("cancel", job))),
  replay: (job) => act(() => perform("replay", job)),
});

/** Until when a job that was just accepted may be missing from the list, because its index lags. */
let expectUntil = 0;

const mode = () => $("connection").dataset.mode;

/** Show whether the page is up to date. */
function showMode(now) {
  if (mode() === now) return;
  $("connection").dataset.mode = now;
  $("connection").textContent = MODES[now];
}

/** Show a problem in words, or none. */
function showProblem(text) {
  $("problem").textContent = text;
  $("problem").hidden = !text;
}

/** Do what a user has asked for, and show why it did not work. */
async function act(work) {
  showProblem("");
  try {
    await work();
  } catch (problem) {
    showProblem(problem.message);
  }
  expectUntil = performance.now() + EXPECT_SECONDS * 1000;
  await polling.now();
  stats.refreshSoon();
}

const polling = new Polling(
  async () => {
    jobs.takeAll((await listJobs()).jobs);
    $("empty").hidden = $("jobs").childElementCount > 0;
  },
  () => jobs.active || performance.now() < expectUntil,
  (error) => showMode(error ? "offline" : "polling"),
);

/** A broken stream alone does not end being offline: only an answer does. */
const modes = () =>
  switching(polling, (now) => {
    if (now !== "polling" || mode() !== "offline") showMode(now);
  });
const live = new Live({
  snapshot: (page) => {
    jobs.takeAll(page.jobs);
    $("empty").hidden = $("jobs").childElementCount > 0;
  },
  job: (job) => jobs.take(job),
  progress: (progress) => jobs.progress(progress),
  up: () => {
    modes().up();
    stats.refreshSoon();
  },
  down: () => modes().down(),
});

jobs.onChange((job, before) => {
  if (!job) return cards.remove(before);
  cards.show(job);
  $("empty").hidden = true;
  announcer.tell(job, before);
  if (before?.status !== job.status) stats.refreshSoon();
});

async function send(files) {
  await act(() => upload(files, $("uploads"), () => polling.now()));
}

$("file").addEventListener("change", async () => {
  const files = [...$("file").files];
  $("file").value = "";
  await send(files);
});

for (const kind of ["dragenter", "dragover"]) {
  $("drop").addEventListener(kind, (event) => {
    event.preventDefault();
    $("drop").classList.add("over");
  });
}
for (const kind of ["dragleave", "drop"]) {
  $("drop").addEventListener(kind, () => $("drop").classList.remove("over"));
}
$("drop").addEventListener("drop", async (event) => {
  event.preventDefault();
  await send([...event.dataTransfer.files]);
});
$("drop").addEventListener("submit", (event) => event.preventDefault());
for (const kind of ["dragover", "drop"]) {
  document.addEventListener(kind, (event) => event.preventDefault()); // a miss must not leave the page
}

$("search").addEventListener("submit", async (event) => {
  event.preventDefault();
  $("search-status").textContent = "Searching";
  try {
    const hits = await search($("question").value);
    showHits($("results"), $("search-hit"), hits);
    $("search-status").textContent = summary(hits);
  } catch (problem) {
    $("search-status").textContent = problem.message;
  }
});

/** A hidden tab needs no stream. A browser keeps six connections to a server, for all tabs together. */
document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    live.close();
    polling.stop();
  } else {
    live.open();
  }
});
window.addEventListener("pagehide", () => live.close());

/** An exercise that is not done yet, or a mistake: say so on the page, and let the rest work. */
window.addEventListener("error", (event) => showProblem(event.message));
window.addEventListener("unhandledrejection", (event) => showProblem(String(event.reason)));

stats.refreshSoon();
setTimeout(() => {
  if (mode() === "connecting") polling.start();
}, FIRST_POLL_SECONDS * 1000);
live.open();
