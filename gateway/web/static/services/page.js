/** Services × environments: versions, health and age side by side, and what one environment has that the next lacks. */

import { h, morphChildren, showAges } from "../application/markup.js";
import { makeEmpty } from "../shell/parts.js";
import { computeMatrix } from "./matrix.js";
import { makeUnplaced, Table } from "./table.js";

export { words } from "./words.js";

const GROUPS = ["team", "project"];
const FIELDS = ["name", "service", "environment", "team", "project", "images", "sync", "health", "operation"];

/** @param {any} context */
export function createPage(context) {
  return new ServicesPage(context);
}

class ServicesPage {
  #context;
  #table;
  /** @type {import("./matrix.js").Matrix} */
  #matrix = { environments: [], rows: [], unplaced: [] };
  #known = false;
  #announced = "";
  #search;
  #group;
  #count = h("p", { class: "muted tally" });
  #empty = h("div");
  #unplaced = h("div");

  /** @param {any} context */
  constructor(context) {
    this.#context = context;
    const { t } = context;
    this.#table = new Table(context);
    this.#search = /** @type {HTMLInputElement} */ (h("input", { type: "search", class: "search-input", placeholder: t("services.search"), "aria-label": t("services.search"), "aria-keyshortcuts": "/", autocomplete: "off", spellcheck: "false" }));
    this.#search.addEventListener("input", () => context.go({ q: this.#search.value.trim() }, { replace: true }));
    const options = ["", ...GROUPS].map((each) => h("option", { value: each }, t(`services.group.${each || "none"}`)));
    this.#group = /** @type {HTMLSelectElement} */ (h("select", { class: "select" }, ...options));
    this.#group.addEventListener("change", () => context.go({ group: this.#group.value }, { replace: true }));
    this.element = h(
      "div",
      { class: "page services" },
      h("h1", { class: "unseen" }, t("services.title")),
      h("div", { class: "tools" }, this.#search, h("label", null, h("span", { class: "muted" }, `${t("services.group")} `), this.#group), this.#toggle("differs"), this.#toggle("sick"), this.#count),
      this.#table.element,
      this.#empty,
      this.#unplaced,
    );
  }

  keys = [
    { keys: ["/"], label: "help.search", run: () => this.#search.focus() },
    { keys: ["Escape"], label: "", run: () => this.#escape() },
  ];

  /** @param {"differs" | "sick"} name */
  #toggle(name) {
    const button = h("button", { type: "button", class: "chip", "data-only": name, "aria-pressed": "false" }, this.#context.t(`services.only.${name}`));
    button.addEventListener("click", () => this.#context.go({ [name]: this.#context.address().get(name) ? null : "1" }, { replace: true }));
    return button;
  }

  #escape() {
    if (document.activeElement !== this.#search) return;
    if (this.#search.value) this.#context.go({ q: null }, { replace: true });
    else this.#search.blur();
  }

  /** @param {import("../shell/address.js").Address} address */
  enter(address) {
    if (this.#search.value.trim() !== address.get("q")) this.#search.value = address.get("q");
    this.#group.value = GROUPS.includes(address.get("group")) ? address.get("group") : "";
    for (const button of this.element.querySelectorAll("[data-only]")) {
      button.setAttribute("aria-pressed", String(Boolean(address.get(/** @type {HTMLElement} */ (button).dataset.only ?? ""))));
    }
  }

  /** @param {any} state @param {import("../shell/pages.js").Change[] | null} changes */
  update(state, changes) {
    const first = !this.#known;
    if (changes && !first && !changes.some(matters)) return;
    this.#known = state.known;
    const group = this.#group.value;
    this.#matrix = computeMatrix(state.applications.values(), group ? (app) => app[group] ?? "" : (app) => app.team ?? "");
    this.#draw(first);
  }

  /** @param {boolean} first */
  #draw(first) {
    const { t, format, say } = this.#context;
    const { environments, rows, unplaced } = this.#matrix;
    const shown = this.#choose(rows);
    this.element.toggleAttribute("data-quiet", first);
    this.#table.show(environments, this.#arrange(shown));
    this.#table.element.hidden = !shown.length;
    const counted = this.#isChosen ? t("services.shown", format.count(shown.length), format.count(rows.length)) : t("services.count", format.count(rows.length), format.count(environments.length));
    this.#count.textContent = rows.length ? counted : "";
    if (this.#isChosen && counted !== this.#announced) say(counted);
    this.#announced = counted;
    this.#showEmpty(rows.length, shown.length);
    morphChildren(this.#unplaced, unplaced.length ? [makeUnplaced(unplaced, this.#context)] : []);
  }

  get #isChosen() {
    const address = this.#context.address();
    return Boolean(address.get("q") || address.get("differs") || address.get("sick"));
  }

  /** @param {import("./matrix.js").Row[]} rows */
  #choose(rows) {
    const address = this.#context.address();
    const terms = address.get("q").toLowerCase().split(/\s+/).filter(Boolean);
    const wordsOf = (/** @type {import("./matrix.js").Row} */ row) =>
      [row.service, ...row.groups, ...row.cells.flatMap((cell) => cell.entries.flatMap((entry) => [entry.key, ...entry.versions.map(({ path, version }) => `${path}:${version}`)]))].join(" ").toLowerCase();
    return rows.filter((row) => {
      if (address.get("differs") && !row.differs) return false;
      if (address.get("sick") && !row.sick) return false;
      if (!terms.length) return true;
      const words = wordsOf(row);
      return terms.every((/** @type {string} */ term) => words.includes(term));
    });
  }

  /** @param {import("./matrix.js").Row[]} rows */
  #arrange(rows) {
    if (!this.#group.value) return [{ title: "", rows }];
    /** @type {Map<string, import("./matrix.js").Row[]>} */
    const groups = new Map();
    for (const row of rows) {
      const title = row.groups.join(", ");
      groups.set(title, [...(groups.get(title) ?? []), row]);
    }
    const titles = [...groups.keys()].sort((one, other) => Number(!one) - Number(!other) || one.localeCompare(other, this.#context.tag, { numeric: true }));
    return titles.map((title) => ({ title: title || this.#context.t("services.group.unknown"), rows: groups.get(title) ?? [] }));
  }

  /** @param {number} all @param {number} shown */
  #showEmpty(all, shown) {
    const { t, go } = this.#context;
    this.#empty.replaceChildren();
    if (shown) return;
    if (!this.#known) this.#empty.append(makeEmpty(t("services.waiting")));
    else if (!all) this.#empty.append(makeEmpty(t("services.none"), t("services.none.text")));
    else {
      const clear = h("button", { type: "button", class: "button" }, t("services.clear"));
      clear.addEventListener("click", () => go({ q: null, differs: null, sick: null }, { replace: true }));
      this.#empty.append(makeEmpty(t("services.no-match"), "", clear));
    }
  }

  /** @param {number} _now */
  tick(_now) {
    showAges(this.element, this.#context);
  }

  leave() {}
}

/** @param {import("../shell/pages.js").Change} change */
function matters({ before, after }) {
  return !before || !after || FIELDS.some((field) => before[field] !== after[field]);
}
