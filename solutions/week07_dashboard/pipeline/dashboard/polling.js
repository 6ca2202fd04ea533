/** Asks for the jobs again and again, while there is something to see. */

export const EVERY_SECONDS = 3;
export const LONGEST_SECONDS = 30;

export class Polling {
  #timer = null;
  #running = false;
  #asking = false;
  #failures = 0;

  /**
   * @param ask returns a promise; it rejects if the server does not answer
   * @param isActive whether a job may still change by itself
   * @param onOutcome called with `null` after each success, and with the error after each failure
   */
  constructor(ask, isActive, onOutcome) {
    this.ask = ask;
    this.isActive = isActive;
    this.onOutcome = (error) => {
      if (this.#running) onOutcome(error); // an answer that comes after `stop` is no news
    };
  }

  /** Ask now, and go on as long as it is needed. Calling it twice changes nothing. */
  start() {
    if (this.#running) return;
    this.#running = true;
    this.now();
  }

  /** Ask no more. */
  stop() {
    this.#running = false;
    clearTimeout(this.#timer);
  }

  /** Ask now instead of later, if polling is on: something has been started. */
  now() {
    clearTimeout(this.#timer);
    if (this.#running && !this.#asking) return this.#round();
    return Promise.resolve();
  }

  async #round() {
    this.#asking = true;
    const error = await this.attempt();
    this.#asking = false;
    if (!this.#running) return;
    this.#failures = error ? this.#failures + 1 : 0;
    const seconds = waitSeconds(this.#failures, this.isActive());
    if (seconds !== null) this.#timer = setTimeout(() => this.now(), seconds * 1000);
  }

  /**
   * Ask once, and say what came of it. Resolves with the error, or with `null` after a success.
   * The next request is planned only after that, so two never run at the same time.
   */
  async attempt() {
    // BEGIN SOLUTION 7.1
    // ? e) Wait for `this.ask()`, however long it takes. Then call `this.onOutcome(null)`, and return `null`.
    // ? f) If it rejects, call `this.onOutcome(error)`, and return the error. Throw nothing, or polling ends.
    try {
      await this.ask();
    } catch (error) {
      this.onOutcome(error);
      return error;
    }
    this.onOutcome(null);
    return null;
    // END SOLUTION
  }
}

/**
 * How long to wait before the next request, in seconds; null: there is no next one.
 *
 * @param failures how many requests have failed, one after the other; 0: the last one succeeded
 * @param active whether a job may still change by itself
 */
export function waitSeconds(failures, active) {
  // BEGIN SOLUTION 7.1
  // ? g) After a success wait `EVERY_SECONDS` while a job is active, and stop if none is.
  // ? h) After a failure go on in any case: the page does not know what happened meanwhile. Wait
  // ? `EVERY_SECONDS` after the first failure, and twice as long with each further one in a row, up to
  // ? `LONGEST_SECONDS`.
  if (failures) return Math.min(LONGEST_SECONDS, EVERY_SECONDS * 2 ** (failures - 1));
  return active ? EVERY_SECONDS : null;
  // END SOLUTION
}
