/** Search, grouping, order, rows or cards, and the conditions that came with the address: each kept in the address. */

import { make, makeButton, makeIcon, setAttribute } from "../shell/dom.js";
import { EXACT, GROUPS, labelOf, SORTS } from "./query.js";

/** Grouping that every application can take part in; the others are offered where there is anything to group by. */
const ALWAYS = new Set(["project"]);
const MOST_LABELS = 40;

export class Toolbar {
  #context;
  #search = /** @type {HTMLInputElement} */ (document.createElement("input"));
  #group;
  #sort;
  #conditions = make("div", "conditions");
  #offered = "";
  /** @type {[string, HTMLButtonElement][]} */
  #views;

  /** @param {any} context */
  constructor(context) {
    this.#context = context;
    const { t, go } = context;
    Object.assign(this.#search, { type: "search", id: "search", autocomplete: "off", spellcheck: false, placeholder: t("search.placeholder") });
    this.#search.setAttribute("aria-label", t("search.label"));
    this.#search.setAttribute("aria-keyshortcuts", "/");
    // Each letter would be a step back; one search is one.
    this.#search.addEventListener("input", () => go({ q: this.#search.value.trimStart() }, { replace: true }));
    this.#search.addEventListener("keydown", (event) => this.#leave(event));
    this.#group = makeSelect(t("group.label"), (value) => go({ group: value, closed: null }));
    this.#sort = makeSelect(t("sort.label"), (value) => go({ sort: value === SORTS[0] ? "" : value }));
    for (const sort of SORTS) this.#sort.append(new Option(t(`sort.${sort}`), sort));
    this.#views = ["table", "grid"].map((as) => {
      const button = makeButton("", () => go({ as: as === "table" ? "" : as }), makeIcon(as), make("span", "unseen", t(`view.${as}`)));
      button.title = t(`view.${as}`);
      return [as, button];
    });
    const views = make("div", "segmented views", ...this.#views.map(([, button]) => button));
    views.setAttribute("role", "group");
    views.setAttribute("aria-label", t("view.label"));
    const search = make("label", "search", makeIcon("search"), this.#search);
    this.element = make("div", "toolbar", search, labelled(t("group.short"), this.#group), labelled(t("sort.short"), this.#sort), views, this.#conditions);
  }

  focus() {
    this.#search.focus();
    this.#search.select();
  }

  /** @param {import("../shell/address.js").Address} address @param {import("./query.js").Query} query @param {string} as */
  show(address, query, as) {
    if (this.#search.value.trim() !== address.get("q").trim()) this.#search.value = address.get("q");
    this.#sort.value = query.sort;
    this.#group.value = query.group;
    for (const [each, button] of this.#views) setAttribute(button, "aria-pressed", String(each === as));
    this.#showConditions(query);
  }

  /** Offer what there is to group by. @param {Map<string, number>} labels @param {string} chosen */
  offer(labels, chosen) {
    const fields = GROUPS.filter((group) => ALWAYS.has(group) || labels.has(group) || group === chosen);
    const named = [...labels.keys()].filter(labelOf);
    const most = named.sort((one, other) => (labels.get(other) ?? 0) - (labels.get(one) ?? 0)).slice(0, MOST_LABELS).sort();
    if (labelOf(chosen) && !most.includes(chosen)) most.push(chosen);
    const offered = JSON.stringify([fields, most]);
    if (offered === this.#offered) return;
    this.#offered = offered;
    const { t } = this.#context;
    const options = ["", ...fields].map((group) => new Option(t(`group.by.${group}`), group));
    /** @type {HTMLElement[]} */
    const all = [...options];
    if (most.length) {
      const part = /** @type {HTMLOptGroupElement} */ (document.createElement("optgroup"));
      part.label = t("group.by.label");
      part.append(...most.map((group) => new Option(labelOf(group), group)));
      all.push(part);
    }
    this.#group.replaceChildren(...all);
    this.#group.value = chosen;
  }

  /** @param {import("./query.js").Query} query */
  #showConditions({ exact }) {
    const { t, go } = this.#context;
    const buttons = exact.flatMap(([field, values]) =>
      [...values].map((value) => {
        const remove = () => go({ [field]: [...values].filter((each) => each !== value) });
        const button = makeButton("chip", remove, make("span", "muted", t(`field.name.${field}`)), make("bdi", "clip", value), makeIcon("failed"));
        setAttribute(button, "aria-label", t("condition.remove", t(`field.name.${field}`), value));
        return button;
      }),
    );
    this.#conditions.replaceChildren(...buttons);
    this.#conditions.hidden = !buttons.length;
  }

  /** Escape clears, and then leaves. @param {KeyboardEvent} event */
  #leave(event) {
    if (event.key === "Enter") this.#search.blur();
    if (event.key !== "Escape") return;
    event.preventDefault();
    if (this.#search.value) this.#context.go({ q: "" }, { replace: true });
    else this.#search.blur();
  }
}

/** What takes away every condition. */
export const NO_CONDITIONS = Object.fromEntries(["q", "health", "sync", ...EXACT].map((name) => [name, null]));

/** @param {string} label @param {(value: string) => void} onChange */
function makeSelect(label, onChange) {
  const select = /** @type {HTMLSelectElement} */ (make("select", "select"));
  select.setAttribute("aria-label", label);
  select.addEventListener("change", () => onChange(select.value));
  return select;
}

/** @param {string} text @param {HTMLElement} control */
function labelled(text, control) {
  const label = make("span", "muted", text);
  label.setAttribute("aria-hidden", "true");
  return make("div", "labelled", label, control);
}
