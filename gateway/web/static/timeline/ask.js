/**
 * Asks the gateway for JSON, again and again while somebody looks: no oftener than every few seconds, not while the page
 * is hidden, and always for what was asked last.
 *
 * @typedef {{ status: number, detail: string }} Problem  status 0: nobody answered
 */

const LEAST = 3_000;

export class Asker {
  #take;
  #fail;
  #every;
  #path = "";
  #asked = -Infinity;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {AbortController | undefined} */
  #running;

  /**
   * @param {object} how
   * @param {(answer: any) => void} how.take
   * @param {(problem: Problem) => void} how.fail
   * @param {() => number} [how.every]  milliseconds until it asks again; 0 never does
   */
  constructor({ take, fail, every = () => 0 }) {
    this.#take = take;
    this.#fail = fail;
    this.#every = every;
  }

  /** Ask for this from now on. @param {string} path  relative to the page */
  ask(path) {
    if (path === this.#path) return;
    this.stop();
    this.#path = path;
    document.addEventListener("visibilitychange", this.#seen);
    this.#run();
  }

  /** Something has changed: ask again soon. */
  again() {
    if (this.#path) this.#plan(LEAST);
  }

  stop() {
    this.#path = "";
    this.#running?.abort();
    this.#running = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    document.removeEventListener("visibilitychange", this.#seen);
  }

  #seen = () => {
    if (!document.hidden) this.#plan(LEAST);
  };

  /** @param {number} after  milliseconds after the last time */
  #plan(after) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#run(), Math.max(0, this.#asked + after - performance.now()));
  }

  async #run() {
    // What is hidden is asked for when it is seen again.
    if (document.hidden || !this.#path) return;
    this.#running?.abort();
    const running = (this.#running = new AbortController());
    this.#asked = performance.now();
    const answer = await fetchJson(this.#path, { signal: running.signal });
    if (running.signal.aborted) return;
    this.#running = undefined;
    if ("problem" in answer) this.#fail(answer.problem);
    else this.#take(answer.content);
    const every = this.#every();
    if (every && this.#path) this.#plan(every);
  }
}

/**
 * Ask once.
 * @param {string} path  relative to the page
 * @param {RequestInit} [options]
 * @returns {Promise<{ content: any } | { problem: Problem }>}
 */
export async function fetchJson(path, options = {}) {
  try {
    const response = await fetch(new URL(path, document.baseURI), { credentials: "same-origin", ...options });
    const text = await response.text();
    if (response.ok) return { content: text ? JSON.parse(text) : null };
    return { problem: { status: response.status, detail: detailOf(text) } };
  } catch {
    return { problem: { status: 0, detail: "" } };
  }
}

/** @param {string} text  a problem as of RFC 9457, or whatever a proxy sent */
function detailOf(text) {
  try {
    return String(JSON.parse(text).detail ?? "");
  } catch {
    return "";
  }
}
