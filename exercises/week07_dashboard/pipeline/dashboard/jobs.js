/**
 * The jobs that the page knows. It does not matter how it hears of them, or in which order.
 * Given to students complete.
 */

export const ACTIVE = new Set(["pending", "processing"]);
const MOST = 200;

export class Jobs {
  #known = new Map();
  #listeners = [];

  /** Call `listener(job, before)` whenever a job is new or has changed; `before` may be undefined. */
  onChange(listener) {
    this.#listeners.push(listener);
  }

  /** Take in a job as the API describes it. An older version than the known one changes nothing. */
  take(job) {
    const before = this.#known.get(job.job_id);
    if (before && job.revision <= before.revision) return;
    this.#keep(job, before);
  }

  /** Take in many, the newest first, as the API lists them. */
  takeAll(jobs) {
    for (const job of [...jobs].reverse()) this.take(job);
  }

  /** Take in how far a step is. It is on no row, so it has no revision. It never goes back. */
  progress({ job_id: id, step, percent }) {
    const before = this.#known.get(id);
    const same = before?.status === "processing" && before.progress.step === step;
    if (!same || percent <= before.progress.percent) return;
    this.#keep({ ...before, progress: { step, percent } }, before);
  }

  /** Whether a job may still change by itself. */
  get active() {
    return [...this.#known.values()].some((job) => ACTIVE.has(job.status));
  }

  #keep(job, before) {
    this.#known.set(job.job_id, job);
    for (const listener of this.#listeners) listener(job, before);
    if (!before && this.#known.size > MOST) this.#forgetOldest();
  }

  #forgetOldest() {
    const [oldest] = [...this.#known.values()].sort((a, b) => (a.created_at < b.created_at ? -1 : 1));
    this.#known.delete(oldest.job_id);
    for (const listener of this.#listeners) listener(null, oldest);
  }
}
