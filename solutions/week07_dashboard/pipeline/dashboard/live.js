/** The stream of changes, and what the page does while there is none. */

export const AGAIN_SECONDS = 3;
export const SILENT_SECONDS = 40;

export class Live {
  #source = null;
  #watch = null;
  #again = null;

  /**
   * @param on `{snapshot(page), job(job), progress(progress), up(), down()}`
   * @param connect makes an `EventSource`
   */
  constructor(on, connect = () => new EventSource("/events")) {
    this.on = on;
    this.connect = connect;
  }

  /** Open the stream. An open one is closed first. */
  open() {
    this.close();
    const source = (this.#source = this.connect());
    try {
      this.#follow(source);
    } catch (error) {
      this.close();
      throw error;
    }
    for (const kind of ["snapshot", "job", "progress"]) {
      source.addEventListener(kind, (event) => {
        this.#heard();
        this.on[kind](JSON.parse(event.data));
      });
    }
    source.addEventListener("heartbeat", () => this.#heard());
  }

  #follow(source) {
    follow(source, {
      up: () => {
        this.#heard();
        this.on.up();
      },
      down: () => this.on.down(),
      again: () => this.#openLater(),
    });
  }

  /** Close the stream, and do not open it again. */
  close() {
    clearTimeout(this.#watch);
    clearTimeout(this.#again);
    this.#source?.close();
    this.#source = null;
  }

  #openLater() {
    clearTimeout(this.#again);
    this.#again = setTimeout(() => this.open(), AGAIN_SECONDS * 1000);
  }

  /** The server sends something every 15 seconds. After a long silence the connection is dead. */
  #heard() {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => {
      this.on.down();
      this.open();
    }, SILENT_SECONDS * 1000);
  }
}

/**
 * Watch a stream go up and down.
 *
 * @param source an `EventSource`
 * @param on `{up(), down(), again()}`
 */
export function follow(source, on) {
  // BEGIN SOLUTION 7.3
  // ? a) Call `up` whenever the stream is open: at first, and each time it comes back.
  // ? b) Call `down` whenever it breaks.
  // ? c) After a break the browser connects again by itself, with `Last-Event-ID`: leave it alone. But if
  // ? it has given up (`readyState` is `EventSource.CLOSED`), call `again`.
  source.addEventListener("open", () => on.up());
  source.addEventListener("error", () => {
    on.down();
    if (source.readyState === EventSource.CLOSED) on.again();
  });
  // END SOLUTION
}

/**
 * Join the two ways in which the page hears of changes: the stream, and polling while it is down.
 * The page calls this function again for each event, so no variable in it keeps its value.
 *
 * @param polling `start()` and `stop()`; calling one of them twice changes nothing
 * @param showMode shows `live` or `polling` to the user
 */
export function switching(polling, showMode) {
  // BEGIN SOLUTION 7.3
  // ? d) Return `{up, down}`. `up`: the stream is open, so stop polling and show `live`.
  // ? e) `down`: the stream is broken, so show `polling` and start polling at once.
  return {
    up() {
      polling.stop();
      showMode("live");
    },
    down() {
      showMode("polling");
      polling.start();
    },
  };
  // END SOLUTION
}
