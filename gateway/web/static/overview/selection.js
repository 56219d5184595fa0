/** Where the reader is among the applications: the one that has the focus, or had it last. */

import { setAttribute } from "../shell/dom.js";

export class Selection {
  #window;
  #columns;
  #current = "";

  /** @param {import("./window.js").Window} window @param {HTMLElement} box  of the window @param {HTMLElement} columns  the table's heading */
  constructor(window, box, columns) {
    this.#window = window;
    this.#columns = columns;
    box.addEventListener("focusin", (event) => this.#note(event));
  }

  /** Say where a view stands among all, and whether Tab stops there. @param {import("./window.js").View} view @param {number} index */
  place({ element, link }, index) {
    const { slots } = this.#window;
    if (this.#columns.hidden) {
      setAttribute(element, "aria-setsize", String(slots.length));
      setAttribute(element, "aria-posinset", String(index + 1));
    } else setAttribute(element, "aria-rowindex", String(index + 2));
    // One stop for all applications; from there the arrows lead on. Heads of groups are stops of their own.
    if (!slots[index].entry) return;
    const stop = slots[index].id === this.#current || (!this.#current && index === this.#firstEntry);
    setAttribute(link, "tabindex", stop ? "0" : "-1");
  }

  /** Go on by so many applications; from nowhere, to the first on the screen. @param {number} by  infinite: to the end */
  move(by) {
    const { slots } = this.#window;
    const here = slots.findIndex(({ id }) => id === this.#current);
    const cover = this.#cover;
    let index = here < 0 && Number.isFinite(by) ? this.#firstSeen(cover) : Math.min(Math.max(here + by, 0), slots.length - 1);
    const step = by < 0 && index > 0 ? -1 : 1;
    while (slots[index] && !slots[index].entry) index += step;
    if (slots[index]) this.#window.focus(index, cover);
  }

  /** How much of the screen the header and the heading cover, in pixels. */
  get #cover() {
    const header = document.querySelector("header")?.getBoundingClientRect().bottom ?? 0;
    return header + (this.#columns.hidden ? 8 : this.#columns.offsetHeight);
  }

  get #firstEntry() {
    const { slots } = this.#window;
    return slots[0]?.entry ? 0 : slots.findIndex(({ entry }) => entry);
  }

  /** @param {number} cover */
  #firstSeen(cover) {
    const { slots, views } = this.#window;
    return Math.max(0, slots.findIndex(({ id, entry }) => entry && (views.get(id)?.element.getBoundingClientRect().top ?? -1) >= cover - 1));
  }

  /** Remember where the reader is. @param {FocusEvent} event */
  #note(event) {
    const key = event.target instanceof Element ? event.target.closest(".item")?.getAttribute("data-key") : null;
    if (!key || key === this.#current) return;
    this.#window.views.get(this.#current)?.link.setAttribute("tabindex", "-1");
    this.#current = key;
    this.#window.views.get(key)?.link.setAttribute("tabindex", "0");
  }
}

/**
 * The keys of the overview.
 * @param {object} acts
 * @param {() => void} acts.focusSearch
 * @param {() => void} acts.switchView
 * @param {(by: number) => void} acts.move
 * @param {() => number} acts.columns
 * @param {HTMLElement} acts.where  not in here: it scrolls by itself
 * @returns {import("../shell/keys.js").Binding[]}
 */
export function moves({ focusSearch, switchView, move, columns, where }) {
  const when = (/** @type {KeyboardEvent} */ event) => !(event.target instanceof Node && where.contains(event.target));
  const sideways = (/** @type {KeyboardEvent} */ event) => when(event) && columns() > 1;
  return [
    { keys: ["/"], label: "help.search", run: focusSearch },
    { keys: ["j", "ArrowDown"], label: "help.next", run: (event) => move(event.key === "j" ? 1 : columns()), when },
    { keys: ["k", "ArrowUp"], label: "help.previous", run: (event) => move(event.key === "k" ? -1 : -columns()), when },
    { keys: ["ArrowRight"], label: "", run: () => move(1), when: sideways },
    { keys: ["ArrowLeft"], label: "", run: () => move(-1), when: sideways },
    { keys: ["Home"], label: "help.first", run: () => move(-Infinity), when },
    { keys: ["End"], label: "help.last", run: () => move(Infinity), when },
    // The selection is a link with the focus: the browser opens it. Only for the help.
    { keys: ["Enter"], label: "help.open", run: () => {}, when: () => false },
    { keys: ["v"], label: "help.view", run: switchView },
    { keys: ["Escape"], label: "help.escape", run: () => document.activeElement instanceof HTMLElement && document.activeElement.blur(), when: () => document.activeElement !== document.body },
  ];
}
