/** The head of a group: its name, the worst in it, how many of each, and a button that folds it away. */

import { HEALTH, lookOf, severityOf } from "../shell/documents.js";
import { make, makeButton, makeIcon, setAttribute, setData, setIcon, setText } from "../shell/dom.js";

export class HeadView {
  #context;
  #worst = makeIcon("healthy");
  #name = make("bdi", "group-name");
  #count = make("span", "muted");
  #counts = make("span", "group-counts");
  #button;

  /** @param {any} context @param {string} name @param {boolean} asRow @param {() => void} onToggle */
  constructor(context, name, asRow, onToggle) {
    this.#context = context;
    const chevron = makeIcon("chevron");
    chevron.classList.add("chevron");
    this.#button = makeButton("group-button", onToggle, chevron, this.#worst, this.#name, this.#count, this.#counts);
    setText(this.#name, name || context.t("group.none"));
    const cell = make("div", "group-cell", this.#button);
    if (asRow) cell.setAttribute("role", "cell");
    if (asRow) setAttribute(cell, "aria-colspan", "5");
    this.element = make("div", "group", cell);
    this.element.setAttribute("role", asRow ? "row" : "listitem");
    this.link = this.#button;
  }

  /** @param {import("./layout.js").Slot} slot */
  show({ group, closed }) {
    if (!group) return;
    const { t, format } = this.#context;
    const words = [...group.health.keys()].sort((one, other) => severityOf(one) - severityOf(other));
    const look = lookOf(words[0] ?? "Unknown");
    setData(this.element, "look", look);
    setData(this.#button, "look", look);
    setIcon(this.#worst, look);
    setText(this.#count, t("group.count", format.count(group.entries.length), group.entries.length));
    setAttribute(this.#button, "aria-expanded", String(!closed));
    this.#showCounts(group.health);
  }

  tick() {}

  /** @param {Map<string, number>} health */
  #showCounts(health) {
    const words = [...HEALTH, ...[...health.keys()].filter((each) => !HEALTH.includes(each))].filter((each) => health.has(each));
    const key = words.map((each) => `${each} ${health.get(each)}`).join(", ");
    if (this.#counts.dataset.key === key) return;
    this.#counts.dataset.key = key;
    this.#counts.replaceChildren(
      ...words.map((word) => {
        const part = make("span", "status", makeIcon(lookOf(word)), make("span", "unseen", word), make("b", "", this.#context.format.count(health.get(word) ?? 0)));
        part.dataset.look = lookOf(word);
        part.title = word;
        return part;
      }),
    );
  }
}
