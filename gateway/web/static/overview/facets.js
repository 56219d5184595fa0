/** Buttons for each word of health and of sync, with how many applications choosing it would show; and the proportions. */

import { HEALTH, lookOf } from "../shell/documents.js";
import { make, makeButton, makeIcon, setAttribute, setData, setText } from "../shell/dom.js";

export class Facet {
  #format;
  #words;
  #onToggle;
  /** @type {Map<string, HTMLButtonElement>} */
  #buttons = new Map();
  element = make("div", "facet");

  /**
   * @param {string} label
   * @param {string[]} words
   * @param {import("../shell/format.js").Format} format
   * @param {(word: string) => void} onToggle
   */
  constructor(label, words, format, onToggle) {
    this.#format = format;
    this.#words = words;
    this.#onToggle = onToggle;
    this.element.setAttribute("role", "group");
    this.element.setAttribute("aria-label", label);
  }

  /** @param {Map<string, number>} counts @param {ReadonlySet<string>} chosen */
  show(counts, chosen) {
    for (const word of new Set([...this.#words, ...this.#buttons.keys(), ...counts.keys(), ...chosen])) {
      const button = this.#buttons.get(word) ?? this.#add(word);
      const count = counts.get(word) ?? 0;
      setText(/** @type {Element} */ (button.lastElementChild), this.#format.count(count));
      setData(button, "count", String(count));
      setAttribute(button, "aria-pressed", String(chosen.has(word)));
      button.hidden = !count && !chosen.has(word) && !this.#words.includes(word);
    }
  }

  /** @param {string} word */
  #add(word) {
    const button = makeButton("chip", () => this.#onToggle(word), makeIcon(lookOf(word)), make("span", "", word), make("b", "", "0"));
    button.dataset.look = lookOf(word);
    button.dataset.word = word;
    this.#buttons.set(word, button);
    this.element.append(button);
    return button;
  }
}

/** A bar of all applications by health. Says nothing to screen readers, for the facets do. */
export class Proportions {
  element = make("div", "proportions");
  /** @type {Map<string, HTMLElement>} */
  #parts = new Map();

  constructor() {
    this.element.setAttribute("aria-hidden", "true");
    for (const word of HEALTH) {
      const part = make("i");
      part.dataset.look = lookOf(word);
      this.#parts.set(lookOf(word), part);
      this.element.append(part);
    }
  }

  /** @param {Map<string, number>} totals */
  show(totals) {
    /** @type {Map<string, number>} */
    const byLook = new Map();
    for (const [word, count] of totals) byLook.set(lookOf(word), (byLook.get(lookOf(word)) ?? 0) + count);
    for (const [look, part] of this.#parts) {
      const count = String(byLook.get(look) ?? 0);
      if (part.dataset.count === count) continue;
      part.dataset.count = count;
      part.style.flexGrow = count;
    }
  }
}
