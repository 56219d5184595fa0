/** What screen readers are told, politely: seldom, and only the latest where there is much. */

import { setText } from "./dom.js";

const EVERY = 8_000;
const SOON = 700;

export class Announcer {
  #element;
  #more;
  /** @type {string[]} */
  #waiting = [];
  #saidAt = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {HTMLElement} element  a live region @param {(count: number) => string} more  "and 3 more" */
  constructor(element, more) {
    this.#element = element;
    this.#more = more;
  }

  /** @param {string} text */
  say(text) {
    if (!text) return;
    this.#waiting.push(text);
    this.#timer ??= setTimeout(() => this.#speak(), Math.max(SOON, this.#saidAt + EVERY - Date.now()));
  }

  #speak() {
    this.#timer = undefined;
    this.#saidAt = Date.now();
    const [last, before] = this.#waiting.reverse();
    const more = this.#waiting.length - 2;
    setText(this.#element, [before, last, more > 0 ? this.#more(more) : ""].filter(Boolean).join("; "));
    this.#waiting = [];
  }
}
