/** What the reader chose to see: a search, words of health and sync, an order; counted, and kept in the address. */

import { find, lookOf, make, makeIcon, setData, setText } from "./dom.js";

const HEALTH = ["Degraded", "Missing", "Unknown", "Progressing", "Suspended", "Healthy"];
const SYNC = ["OutOfSync", "Unknown", "Synced"];

/**
 * @typedef {object} Facts  what there is to choose by
 * @property {string} health
 * @property {string} sync
 * @property {string} words  lower case
 */

/** Buttons for each word of one kind, with how many applications there are of it. */
class Facet {
  /** @type {Set<string>} */
  chosen = new Set();
  /** @type {Map<string, HTMLButtonElement>} */
  #buttons = new Map();

  /** @param {HTMLElement} box @param {string[]} words @param {() => void} onChange */
  constructor(box, words, onChange) {
    this.box = box;
    this.words = words;
    this.onChange = onChange;
    for (const word of words) this.#button(word);
  }

  /** @param {Map<string, number>} counts */
  show(counts) {
    for (const word of new Set([...this.words, ...counts.keys(), ...this.chosen])) {
      const button = this.#button(word);
      const count = counts.get(word) ?? 0;
      setText(/** @type {Element} */ (button.lastElementChild), String(count));
      setData(button, "count", String(count));
      const pressed = String(this.chosen.has(word));
      if (button.getAttribute("aria-pressed") !== pressed) button.setAttribute("aria-pressed", pressed);
    }
  }

  /** @param {string} word */
  #button(word) {
    let button = this.#buttons.get(word);
    if (!button) {
      button = /** @type {HTMLButtonElement} */ (make("button", "choice", makeIcon(lookOf(word)), make("span", "", word), make("b", "", "0")));
      button.type = "button";
      button.dataset.look = lookOf(word);
      button.dataset.word = word;
      button.addEventListener("click", () => {
        if (!this.chosen.delete(word)) this.chosen.add(word);
        this.onChange();
      });
      this.#buttons.set(word, button);
      this.box.append(button);
    }
    return button;
  }
}

export class Filters {
  /** @type {string[]} */
  #terms = [];
  #search = /** @type {HTMLInputElement} */ (find("search"));
  #order = /** @type {HTMLSelectElement} */ (find("order"));
  #onChange;

  /** @param {() => void} onChange */
  constructor(onChange) {
    this.#onChange = onChange;
    const changed = () => this.#change();
    this.health = new Facet(find("health"), HEALTH, changed);
    this.sync = new Facet(find("sync"), SYNC, changed);
    this.#read();
    this.#search.addEventListener("input", changed);
    this.#order.addEventListener("change", changed);
    addEventListener("hashchange", () => {
      this.#read();
      this.#onChange();
    });
  }

  get order() {
    return this.#order.value;
  }

  get active() {
    return this.#terms.length + this.health.chosen.size + this.sync.chosen.size > 0;
  }

  clear() {
    this.#search.value = "";
    this.health.chosen.clear();
    this.sync.chosen.clear();
    this.#change();
    this.#search.focus();
  }

  /**
   * Choose, and count by each word what choosing it would show.
   * @template {Facts} T
   * @param {Iterable<T>} all
   * @returns {Set<T>}
   */
  apply(all) {
    const { health, sync } = this;
    /** @type {Map<string, number>} */
    const healthCounts = new Map();
    /** @type {Map<string, number>} */
    const syncCounts = new Map();
    /** @type {Set<T>} */
    const chosen = new Set();
    for (const each of all) {
      if (!this.#terms.every((term) => each.words.includes(term))) continue;
      const healthFits = !health.chosen.size || health.chosen.has(each.health);
      const syncFits = !sync.chosen.size || sync.chosen.has(each.sync);
      if (syncFits) healthCounts.set(each.health, (healthCounts.get(each.health) ?? 0) + 1);
      if (healthFits) syncCounts.set(each.sync, (syncCounts.get(each.sync) ?? 0) + 1);
      if (healthFits && syncFits) chosen.add(each);
    }
    health.show(healthCounts);
    sync.show(syncCounts);
    return chosen;
  }

  #change() {
    this.#terms = termsOf(this.#search.value);
    const kept = new URLSearchParams();
    if (this.#search.value.trim()) kept.set("q", this.#search.value.trim());
    for (const word of this.health.chosen) kept.append("health", word);
    for (const word of this.sync.chosen) kept.append("sync", word);
    if (this.#order.selectedIndex > 0) kept.set("order", this.#order.value);
    history.replaceState(null, "", `#${kept}`);
    this.#onChange();
  }

  #read() {
    const kept = new URLSearchParams(location.hash.slice(1));
    this.#search.value = kept.get("q") ?? "";
    this.#terms = termsOf(this.#search.value);
    this.health.chosen = new Set(kept.getAll("health"));
    this.sync.chosen = new Set(kept.getAll("sync"));
    this.#order.value = kept.get("order") ?? "";
    if (this.#order.selectedIndex < 0) this.#order.selectedIndex = 0;
  }
}

/** @param {string} text */
function termsOf(text) {
  return text.toLowerCase().split(/\s+/).filter(Boolean);
}
