/** What changed lately: what the gateway's log tells, and what came since, each once. Shared by all pages. */

import { merge, parsePosition, pastOf } from "./history.js";

const SINCE = "1h";
const KEPT = 600;
const AGAIN = 15_000;
const PAST = 12;

export class ChangeLog {
  /** Newest first. @type {import("./history.js").Item[]} */
  items = [];
  /** "loading" | "ready" | "failed"; a failed one has what came live. */
  state = "loading";
  /** @type {Map<string, import("./history.js").Item[]>} */
  #byKey = new Map();
  #url;
  /** @type {Set<() => void>} */
  #listeners = new Set();
  #asked = false;
  /** @type {{ epoch: string, offset: number }} */
  #told = { epoch: "", offset: -1 };

  /** @param {URL} url */
  constructor(url) {
    this.#url = new URL(url);
    this.#url.search = new URLSearchParams({ since: SINCE, limit: "500" }).toString();
  }

  /** Hear when the log was read. What comes live needs no telling: a page's `update` follows. @param {() => void} listener @returns {() => void}  which ends it */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The changes of one application, newest first. @param {string} key @returns {import("./history.js").Item[]} */
  of(key) {
    return this.#byKey.get(key) ?? [];
  }

  /**
   * Take what came live.
   * @param {import("../shell/pages.js").Change[]} changes
   * @param {{ at: number, cursor: string, away: boolean }} when
   */
  note(changes, { at, cursor, away }) {
    const { epoch, offset } = parsePosition(cursor);
    // The log told of these already, with their true times.
    if (epoch === this.#told.epoch && offset <= this.#told.offset) return;
    const items = changes.map((each) => ({ ...each, at, epoch, offset, away, live: !away }));
    this.#keep([...items.reverse(), ...this.items]);
  }

  /** Ask the log once there is a state, and again after we were away. @param {any} state @param {boolean} away */
  follow(state, away) {
    if (!state.known || (this.#asked && !away)) return;
    this.#asked = true;
    this.#load(state.applications);
  }

  /** @param {ReadonlyMap<string, any>} applications */
  async #load(applications) {
    try {
      const response = await fetch(this.#url, { headers: { Accept: "application/json" } });
      if (!response.ok) throw new Error(`status ${response.status}`);
      const answer = await response.json();
      this.#told = parsePosition(answer.position);
      this.state = "ready";
      const items = merge(this.items.filter(({ past }) => !past), answer);
      const from = Date.parse(answer.from ?? "") || items.at(-1)?.at || Infinity;
      this.#set(answer.complete ? items : [...items, ...pastOf(applications.values(), from, PAST)]);
    } catch {
      if (this.state === "loading") this.state = "failed";
      this.#set(this.items.length ? this.items : pastOf(applications.values(), Infinity, PAST));
      // Only what came live is known until then. Asked once more, for a gateway that is just starting.
      setTimeout(() => this.state === "failed" && this.#asked && (this.#asked = false), AGAIN);
    }
  }

  /** @param {import("./history.js").Item[]} items */
  #set(items) {
    this.#keep(items);
    for (const listener of this.#listeners) listener();
  }

  /** @param {import("./history.js").Item[]} items */
  #keep(items) {
    this.items = items.slice(0, KEPT);
    this.#byKey = new Map();
    for (const item of this.items) {
      const others = this.#byKey.get(item.key);
      if (others) others.push(item);
      else this.#byKey.set(item.key, [item]);
    }
  }
}
