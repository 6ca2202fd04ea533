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
    this.onOutcome = onOutcome;
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

  /** Ask once now, if polling is on: something has been started. Never two at the same time. */
  async now() {
    clearTimeout(this.#timer);
    if (!this.#running || this.#asking) return;
    this.#asking = true;
    try {
      await this.ask();
      this.#failures = 0;
    } catch (error) {
      this.#failures += 1;
      this.#said(error);
      return;
    } finally {
      this.#asking = false;
    }
    this.#said(null);
  }

  #said(error) {
    if (!this.#running) return;
    this.onOutcome(error);
    const seconds = waitSeconds(this.#failures, this.isActive());
    if (seconds !== null) this.#timer = setTimeout(() => this.now(), seconds * 1000);
  }
}

/**
 * How long to wait before the next request, in seconds; null: there is no next one.
 *
 * @param failures how many requests have failed, one after the other; 0: the last one succeeded
 * @param active whether a job may still change by itself
 */
export function waitSeconds(failures, active) {
  // TODO 7.1:
  //   e) After a success wait `EVERY_SECONDS` while a job is active, and stop if none is.
  //   f) After a failure go on in any case: the page does not know what happened meanwhile. Wait
  //      twice as long with each failure in a row, up to `LONGEST_SECONDS`.
  throw new Error("7.1 is not done yet");
}
