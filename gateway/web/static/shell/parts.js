/** Small parts that every page shows alike: a status with its icon, an age, an empty place. */

import { lookOf } from "./documents.js";
import { make, makeIcon, setAttribute, setData, setIcon, setText } from "./dom.js";
import { parseInstant } from "./format.js";

/** One of Argo CD's words with its icon and colour. `element` is a span; `show` changes it where it differs. */
export class Status {
  #icon = makeIcon("unknown");
  #word = make("span");
  element = make("span", "status", this.#icon, this.#word);

  /** @param {string} [word] */
  constructor(word) {
    if (word) this.show(word);
  }

  /** @param {string} word */
  show(word) {
    const look = lookOf(word);
    setData(this.element, "look", look);
    setIcon(this.#icon, look);
    setText(this.#word, word);
  }
}

/** How long ago something was, with the whole time as its title. Call `show` again as time passes. */
export class Age {
  element = /** @type {HTMLTimeElement} */ (make("time", "age"));

  /**
   * @param {import("./format.js").Instant} at
   * @param {number} now
   * @param {import("./format.js").Format} format
   * @param {"age" | "ago"} [style]
   */
  show(at, now, format, style = "age") {
    const instant = parseInstant(at);
    setText(this.element, format[style](instant, now));
    const iso = Number.isNaN(instant) ? null : new Date(instant).toISOString();
    if (this.element.getAttribute("datetime") === iso) return;
    setAttribute(this.element, "datetime", iso);
    setAttribute(this.element, "title", iso && format.moment(instant));
  }
}

/**
 * A place that has nothing to show, and says why.
 * @param {string} title
 * @param {string} [text]
 * @param {...Node} actions
 */
export function makeEmpty(title, text = "", ...actions) {
  const panel = make("div", "empty", make("p", "empty-title", title));
  if (text) panel.append(make("p", "", text));
  if (actions.length) panel.append(make("p", "empty-actions", ...actions));
  return panel;
}

/** Draw the eye to an element, shortly. @param {HTMLElement} element */
export function flash(element) {
  setData(element, "flash", element.dataset.flash === "a" ? "b" : "a");
}
