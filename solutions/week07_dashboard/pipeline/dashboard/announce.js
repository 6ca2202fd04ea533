/** Tells a screen reader what happens, without interrupting anybody. */

const PAUSE_SECONDS = 1;
const MOST_NAMES = 3;
const NEWS = new Set(["completed", "failed", "cancelled"]);

export class Announcer {
  #news = [];
  #timer = null;

  /** @param place the element that is announced politely; may be missing */
  constructor(place) {
    this.place = place;
  }

  /** Tell of a job that has come to an end. Steps and percents are not announced: nobody could listen. */
  tell(job, before) {
    if (!before || before.status === job.status || !NEWS.has(job.status)) return;
    this.#news.push({ name: job.document.filename, status: job.status });
    this.#timer ??= setTimeout(() => this.#say(), PAUSE_SECONDS * 1000);
  }

  #say() {
    this.#timer = null;
    const news = this.#news;
    this.#news = [];
    if (this.place) this.place.textContent = sentence(news);
  }
}

/**
 * What is said about jobs that have ended since the last announcement.
 *
 * @param news `[{name, status}, …]`, at least one
 */
export function sentence(news) {
  // BEGIN SOLUTION 7.5
  // ? e) If there are up to `MOST_NAMES` jobs, name each with its state, such as
  // ? `a.pdf: completed. b.txt: failed.`
  // ? f) If there are more, only count the jobs of each state, such as `5 jobs completed. 1 job failed.`, in
  // ? any order.
  if (news.length <= MOST_NAMES) {
    return news.map((one) => `${one.name}: ${one.status}.`).join(" ");
  }
  const counts = new Map();
  for (const { status } of news) counts.set(status, (counts.get(status) ?? 0) + 1);
  return [...counts].map(([status, n]) => `${n} job${n === 1 ? "" : "s"} ${status}.`).join(" ");
  // END SOLUTION
}
