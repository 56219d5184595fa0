/**
 * The line to the gateway: opens the stream, resumes it where it ended, and never gives up.
 *
 * An EventSource reconnects by itself after a lost connection, but gives up on any status except 200: then a new one
 * continues from the last id. Silence for too long counts as a loss too, for a dead connection says nothing.
 *
 * @typedef {object} Link  how the line is; times are this machine's, in milliseconds
 * @property {"opening" | "open" | "lost"} phase
 * @property {number} since     when the phase began
 * @property {number} heardAt   when the gateway last said anything; 0 if never
 * @property {string} goodbye   why the gateway ended the stream; empty if it didn't say
 */

/** Milliseconds of silence after which a connection counts as dead: three heartbeats, if nobody changed them. */
const PATIENCE = 45_000;
const MOST_PATIENCE = 600_000;

export class Stream {
  /** @type {Link} */
  link = { phase: "opening", since: Date.now(), heardAt: 0, goodbye: "" };
  #url;
  #onEvent;
  #onLink;
  #lastId = "";
  #failures = 0;
  #openedAt = 0;
  #patience = PATIENCE;
  /** @type {EventSource | undefined} */
  #source;
  /** @type {number | undefined} */
  #timer;

  /**
   * @param {string} url
   * @param {{ onEvent: (name: string, data: any) => void, onLink: (link: Link) => void }} listener
   */
  constructor(url, { onEvent, onLink }) {
    this.#url = url;
    this.#onEvent = onEvent;
    this.#onLink = onLink;
  }

  /** Open the stream, or another one in place of what there is. */
  open() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#source?.close();
    this.#openedAt = Date.now();
    const url = new URL(this.#url);
    if (this.#lastId) url.searchParams.set("lastEventId", this.#lastId);
    const source = new EventSource(url);
    this.#source = source;
    for (const name of ["snapshot", "delta", "heartbeat", "goodbye"]) {
      source.addEventListener(name, (event) => this.#hear(name, event));
    }
    source.onerror = () => this.#lose(source);
  }

  /** Look whether the line has gone silent; to be called every second, and when the machine wakes up. */
  check() {
    const quietSince = Math.max(this.link.heardAt, this.#openedAt);
    if (this.#timer !== undefined || Date.now() - quietSince < this.#patience) return;
    // It may be that the gateway was told to beat more slowly.
    this.#patience = Math.min(2 * this.#patience, MOST_PATIENCE);
    if (this.link.phase === "open") this.#enter("lost", this.link.heardAt);
    this.open();
  }

  /** Don't wait any longer, if we do: the network is back. */
  hurry() {
    if (this.link.phase !== "open") this.open();
  }

  /** @param {string} name @param {MessageEvent} event */
  #hear(name, event) {
    const data = JSON.parse(event.data);
    if (event.lastEventId) this.#lastId = event.lastEventId;
    this.#failures = 0;
    this.link.heardAt = Date.now();
    if (name === "goodbye") this.link.goodbye = String(data.reason);
    else if (this.link.phase !== "open") {
      this.link.goodbye = "";
      this.#enter("open", Date.now());
    }
    this.#onEvent(name, data);
  }

  /** @param {EventSource} source */
  #lose(source) {
    if (source !== this.#source) return;
    if (this.link.phase === "open") this.#enter("lost", Date.now());
    if (source.readyState !== EventSource.CLOSED || this.#timer !== undefined) return;
    this.#failures += 1;
    const wait = (1_000 + 4_000 * Math.random()) * Math.min(this.#failures, 3);
    this.#timer = setTimeout(() => this.open(), wait);
  }

  /** @param {Link["phase"]} phase @param {number} since */
  #enter(phase, since) {
    this.link = { ...this.link, phase, since };
    this.#onLink(this.link);
  }
}
