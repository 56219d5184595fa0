/** All applications as rows: keyed, in order, and only ever touched where something changed. */

import { find, make, setText } from "./dom.js";
import { Row } from "./row.js";

/** @typedef {import("./fold.js").Application} Application */

const byName = new Intl.Collator("en", { numeric: true }).compare;

/** @type {Record<string, (one: Row, other: Row) => number>} */
const ORDERS = {
  trouble: (one, other) => one.rank - other.rank || byName(one.name, other.name),
  recent: (one, other) => other.changedAt - one.changedAt || byName(one.name, other.name),
  name: (one, other) => byName(one.name, other.name),
};

const PROPORTIONS = ["degraded", "missing", "unknown", "progressing", "suspended", "healthy"];

export class List {
  /** @type {Map<string, Row>} */
  #rows = new Map();
  #box = find("list");
  /** @type {Map<string, HTMLElement>} */
  #parts = new Map();

  constructor() {
    for (const look of PROPORTIONS) {
      const part = make("i");
      part.dataset.look = look;
      this.#parts.set(look, part);
      find("proportions").append(part);
    }
  }

  get size() {
    return this.#rows.size;
  }

  /** @param {string} look */
  count(look) {
    return Number(this.#parts.get(look)?.dataset.count ?? 0);
  }

  /** @param {string} key @param {Application | undefined} app  undefined removes it @param {number} now */
  put(key, app, now) {
    let row = this.#rows.get(key);
    if (!app) {
      row?.element.remove();
      this.#rows.delete(key);
      return;
    }
    if (!row) {
      row = new Row(key);
      this.#rows.set(key, row);
    }
    row.show(app, now);
  }

  /** @param {string} key @param {number} now */
  markChanged(key, now) {
    const row = this.#rows.get(key);
    if (!row) return;
    row.changedAt = now;
    row.flash();
  }

  /** @param {number} now */
  showAges(now) {
    for (const row of this.#rows.values()) if (!row.element.hidden) row.showAge(now);
  }

  /** Bring the rows into order, and show those that were chosen. @param {import("./filters.js").Filters} filters */
  arrange(filters) {
    const chosen = filters.apply(this.#rows.values());
    const rows = [...this.#rows.values()].sort(ORDERS[filters.order] ?? ORDERS.trouble);
    for (const row of rows) if (row.element.hidden === chosen.has(row)) row.element.hidden = !chosen.has(row);
    keepFocus(() => order(this.#box, rows.map((row) => row.element)));
    this.#showProportions();
    setText(find("shown"), filters.active ? `${chosen.size} of ${this.#rows.size}` : "");
    return chosen.size;
  }

  #showProportions() {
    /** @type {Record<string, number>} */
    const counts = {};
    for (const row of this.#rows.values()) {
      const look = row.element.dataset.health ?? "unknown";
      counts[look] = (counts[look] ?? 0) + 1;
    }
    for (const [look, part] of this.#parts) {
      const count = String(counts[look] ?? 0);
      if (part.dataset.count === count) continue;
      part.dataset.count = count;
      part.style.flexGrow = count;
    }
  }
}

/**
 * Put elements into an order with few moves: one that only moved is moved alone.
 * @param {HTMLElement} box
 * @param {HTMLElement[]} wanted
 */
function order(box, wanted) {
  let next = box.firstElementChild;
  for (const element of wanted) {
    if (next === element) {
      next = next.nextElementSibling;
    } else if (next && next.nextElementSibling === element) {
      const displaced = next;
      next = element.nextElementSibling;
      displaced.remove(); // It comes back where it belongs.
    } else {
      box.insertBefore(element, next);
    }
  }
}

/** A moved element loses the focus; give it back. @param {() => void} move */
function keepFocus(move) {
  const focused = /** @type {HTMLElement | null} */ (document.activeElement);
  move();
  if (focused && focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
}
