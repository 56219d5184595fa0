/** The panel of recent changes, latest first. Only what came is added; nothing else is touched. */

import { healthOf, lookOf } from "../shell/documents.js";
import { make, makeIcon, makeLink, setText } from "../shell/dom.js";
import { Age, flash } from "../shell/parts.js";
import { tellChange, tellPhase } from "./tell.js";

/** @typedef {import("./history.js").Item} Item */

const SHOWN = 60;
const JUST = 10_000;

export class Feed {
  #context;
  #list = make("ol", "feed-list card");
  #empty = make("p", "empty");
  /** @type {Map<Item, { element: HTMLElement, age: Age, at: number }>} */
  #entries = new Map();
  /** What was told of an item; an empty one isn't shown. @type {WeakMap<Item, string>} */
  #told = new WeakMap();

  /** @param {any} context */
  constructor(context) {
    this.#context = context;
    const title = make("h2", "", context.t("changes.title"));
    title.id = "changes-title";
    this.element = make("section", "changes panel", title, this.#list, this.#empty);
    this.element.setAttribute("aria-labelledby", title.id);
    this.#list.setAttribute("role", "list");
    this.#list.setAttribute("aria-labelledby", title.id);
    // It scrolls, so the keyboard must reach it.
    this.#list.tabIndex = 0;
  }

  /** @param {number} now */
  show(now) {
    const { changes, t } = this.#context;
    const wanted = [];
    for (const item of changes.items) {
      if (wanted.length >= SHOWN) break;
      if (this.#tell(item)) wanted.push(item);
    }
    const kept = new Set(wanted);
    for (const [item, { element }] of this.#entries) {
      if (kept.has(item)) continue;
      element.remove();
      this.#entries.delete(item);
    }
    let next = this.#list.firstElementChild;
    for (const item of wanted) {
      const entry = this.#entries.get(item) ?? this.#add(item, now);
      if (entry.element === next) next = next.nextElementSibling;
      else this.#list.insertBefore(entry.element, next);
    }
    this.#list.hidden = !wanted.length;
    this.#empty.hidden = wanted.length > 0;
    setText(this.#empty, t({ loading: "changes.loading", failed: "changes.failed" }[/** @type {string} */ (changes.state)] ?? "changes.empty"));
  }

  /** @param {number} now */
  tick(now) {
    for (const { age, at } of this.#entries.values()) this.#showAge(age, at, now);
  }

  /** @param {Item} item @returns {string} */
  #tell(item) {
    let told = this.#told.get(item);
    if (told === undefined) {
      told = tellItem(item, this.#context.t);
      this.#told.set(item, told);
    }
    return told;
  }

  /** @param {Item} item @param {number} now */
  #add(item, now) {
    const { t, link } = this.#context;
    const { key, at, before, after, away, live } = item;
    const age = new Age();
    this.#showAge(age, at, now);
    const name = item.name ?? after?.name ?? before?.name ?? key.slice(key.indexOf("/") + 1);
    const fresh = Boolean(live) && now - at < JUST;
    const what = make("span", "told", ...(fresh ? [make("span", "unseen", `${t("changes.fresh")} `)] : []), make("bdi", "", this.#tell(item)));
    const nameLink = makeLink("name", link({ page: "application", app: key }), make("bdi", "", name));
    const element = make("li", "flashes", makeIcon(iconOf(item)), nameLink, age.element, what);
    if (fresh) flash(element);
    if (away) what.append(` (${t("changes.away")})`);
    element.dataset.look = iconOf(item);
    element.dataset.key = key;
    const entry = { element, age, at };
    this.#entries.set(item, entry);
    return entry;
  }

  /** @param {Age} age @param {number} at @param {number} now */
  #showAge(age, at, now) {
    const { format, t } = this.#context;
    age.show(at, now, format);
    if (now - at < JUST) setText(age.element, t("time.now"));
  }
}

/** @param {Item} item @param {import("./tell.js").T} t */
function tellItem(item, t) {
  if (item.past === "health") return t("change.became", item.after?.health.status);
  if (item.past === "operation") return tellPhase(item.after?.operation.phase, t);
  return tellChange(item, t).join(" · ");
}

/** The icon of what it came to, where its health changed; else of what kind of change it is. @param {Item} item */
function iconOf({ before, after, past }) {
  if (past === "health") return lookOf(after?.health.status);
  if (past === "operation") return ["Failed", "Error"].includes(after?.operation.phase) ? "failed" : "synced";
  if (!after) return "gone";
  if (!before) return "new";
  if (after.health && healthOf(/** @type {any} */ (after)) !== healthOf(/** @type {any} */ (before))) return lookOf(after.health.status ?? "");
  if (["Failed", "Error"].includes(after.operation?.phase) && before.operation?.phase !== after.operation?.phase) return "failed";
  if (after.sync && after.sync.status !== before.sync?.status) return lookOf(after.sync.status ?? "");
  return "changed";
}
