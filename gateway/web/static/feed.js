/** What just changed, in words, latest first. */

import { find, lookOf, make, makeIcon, setText } from "./dom.js";
import { healthOf, tellAge, tellTime } from "./words.js";

/** @typedef {import("./fold.js").Application} Application */

const LIMIT = 60;

export class Feed {
  #box = find("feed");
  /** @type {{ at: number, age: HTMLElement, item: HTMLElement }[]} */
  #entries = [];
  /** @type {{ at: number, item: () => { item: HTMLElement, age: HTMLElement } }[]} */
  #waiting = [];

  /**
   * @param {object} entry
   * @param {number} entry.at  in the gateway's milliseconds
   * @param {Application} entry.app  as it is now, or was last
   * @param {string} entry.told
   * @param {string} [entry.icon]
   * @param {boolean} [entry.away]  it happened while the page was disconnected
   */
  add({ at, app, told, icon, away = false }) {
    this.#waiting.push({ at, item: () => makeItem({ at, app, told, away, icon: icon ?? lookOf(healthOf(app)) }) });
    if (this.#waiting.length > LIMIT) this.#waiting.shift();
  }

  /** Show what was added. @param {number} now */
  show(now) {
    for (const { at, item: create } of this.#waiting) {
      const { item, age } = create();
      this.#entries.unshift({ at, item, age });
      this.#box.prepend(item);
      setText(age, tellRecency(at, now));
    }
    this.#waiting = [];
    for (const { item } of this.#entries.splice(LIMIT)) item.remove();
    find("feed-empty").hidden = this.#entries.length > 0;
  }

  /** @param {number} now */
  showAges(now) {
    for (const { at, age } of this.#entries) setText(age, tellRecency(at, now));
  }
}

/** @param {{ at: number, app: Application, told: string, away: boolean, icon: string }} entry */
function makeItem({ at, app, told, away, icon }) {
  const age = make("time", "age");
  age.setAttribute("datetime", new Date(at).toISOString());
  age.title = tellTime(at, Date.now());
  const item = make("li", "", makeIcon(icon), make("span", "name", app.name ?? app.key), age, make("span", "told", away ? `${told} (while disconnected)` : told));
  item.dataset.look = icon;
  item.dataset.key = app.key;
  return { item, age };
}

/** @param {number} at @param {number} now */
function tellRecency(at, now) {
  return now - at < 10_000 ? "now" : tellAge(at, now);
}
