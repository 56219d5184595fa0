/** The overview: all applications as rows or cards, what there is of each kind, and what changed lately. */

import { Feed } from "../changes/feed.js";
import { tellChange } from "../changes/tell.js";
import { HEALTH, healthOf, nameOf, SYNC } from "../shell/documents.js";
import { make, makeButton, setAttribute, setData, setText } from "../shell/dom.js";
import { flash, makeEmpty } from "../shell/parts.js";
import { asOf } from "../shell/standing.js";
import { Collection } from "./collection.js";
import { Facet, Proportions } from "./facets.js";
import { HeadView } from "./head.js";
import { ItemView } from "./item.js";
import { layOut, MEASURES } from "./layout.js";
import { tellLead } from "./lead.js";
import { isNarrow, readQuery } from "./query.js";
import { moves, Selection } from "./selection.js";
import { NO_CONDITIONS, Toolbar } from "./toolbar.js";
import { Window } from "./window.js";

/** The least width of a card, in rem. */
const CARD = 16;
const NARROW = matchMedia("(max-width: 700px)");

/** @param {any} context @returns {import("../shell/pages.js").Page} */
export function createPage(context) {
  return new Overview(context);
}

class Overview {
  #context;
  #collection = new Collection();
  #feed;
  #toolbar;
  #health;
  #sync;
  #proportions = new Proportions();
  #title = make("h1", "count");
  #asOf = make("span", "as-of");
  #columns = make("div", "columns");
  #box = make("div", "rows");
  #list = make("div", "list card");
  #empty = make("div");
  #window;
  #as = "table";
  /** How it is laid out: what asks for all views anew when it differs. */
  #shape = "";
  #filled = false;
  #selection;
  /** @type {() => void} */
  #unsubscribe = () => {};
  #onResize = () => this.#arrange(this.#context.now());
  /** @type {import("../shell/keys.js").Binding[]} */
  keys;

  /** @param {any} context */
  constructor(context) {
    this.#context = context;
    const { t, format } = context;
    this.#feed = new Feed(context);
    this.#toolbar = new Toolbar(context);
    this.#health = new Facet(t("facet.health"), HEALTH, format, (word) => this.#toggle("health", word));
    this.#sync = new Facet(t("facet.sync"), SYNC, format, (word) => this.#toggle("sync", word));
    this.#window = new Window(this.#box, { make: (slot) => this.#makeView(slot), place: (view, index) => this.#selection.place(view, index), now: context.now });
    this.#selection = new Selection(this.#window, this.#box, this.#columns);
    for (const name of ["name", "health", "sync", "version", "changed"]) this.#columns.append(makeHeading(name, t));
    this.#list.append(this.#columns, this.#box);
    const facets = make("div", "facets", this.#health.element, this.#sync.element);
    const overview = make("section", "summary", make("div", "headline", this.#title, this.#asOf), this.#proportions.element, facets, this.#toolbar.element);
    this.element = make("div", "page overview", overview, make("div", "applications", this.#list, this.#empty), this.#feed.element);
    this.keys = moves({
      focusSearch: () => this.#toolbar.focus(),
      switchView: () => context.go({ as: this.#as === "grid" ? "" : "grid" }),
      move: (by) => this.#selection.move(by),
      columns: () => this.#columnsNow,
      where: this.#feed.element,
    });
  }

  /** @param {import("../shell/address.js").Address} address */
  enter(address) {
    const query = readQuery(address);
    this.#as = address.get("as") === "grid" ? "grid" : "table";
    const before = JSON.stringify(this.#collection.query, sets);
    if (JSON.stringify(query, sets) !== before) {
      this.#collection.choose(query);
      if (this.#filled && isNarrow(query)) this.#sayShown();
    }
    this.#toolbar.offer(this.#collection.labels, query.group);
    this.#toolbar.show(address, query, this.#as);
    this.#unsubscribe();
    this.#unsubscribe = this.#context.changes.subscribe(() => this.#showChanges());
    this.#window.open();
    NARROW.addEventListener("change", this.#onResize);
    removeEventListener("resize", this.#onResize);
    addEventListener("resize", this.#onResize);
  }

  leave() {
    this.#unsubscribe();
    this.#window.close();
    NARROW.removeEventListener("change", this.#onResize);
    removeEventListener("resize", this.#onResize);
  }

  /** @param {any} state @param {import("../shell/pages.js").Change[] | null} changes @param {number} now @param {{ away: boolean }} [told] */
  update(state, changes, now, told = { away: false }) {
    this.#showAsOf(state, now);
    if (!state.known) return this.#showEmptiness(state);
    if (!changes || !this.#filled) {
      // Read again only what another page may have let pass.
      this.#collection.fill(state.applications.values());
      this.#filled = true;
      this.#lead(state.applications.keys());
    }
    /** @type {string[]} */
    const flashing = [];
    for (const change of changes ?? []) {
      const seen = tellChange(change, this.#context.t).length > 0;
      this.#collection.put(change.key, change.after, seen && !told.away ? now : 0);
      this.#lead([change.key]);
      if (seen && change.after) flashing.push(change.key);
      this.#tellTrouble(change);
    }
    if (changes && !changes.length && this.#shape) return this.#showEmptiness(state);
    this.#arrange(now);
    for (const key of flashing) {
      const view = this.#window.views.get(key);
      if (view) flash(view.element);
    }
    this.#showEmptiness(state);
  }

  /** @param {number} now */
  tick(now) {
    for (const view of this.#window.views.values()) view.tick(now);
    this.#feed.tick(now);
  }

  get #columnsNow() {
    if (NARROW.matches || this.#as === "table") return 1;
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    return Math.max(1, Math.floor((this.#box.clientWidth / rem + MEASURES.grid.gap) / (CARD + MEASURES.grid.gap)));
  }

  /** Lay out and draw. @param {number} now */
  #arrange(now) {
    this.#window.measure();
    const collection = this.#collection;
    const { query } = collection;
    const as = NARROW.matches ? "grid" : this.#as;
    this.#showAs(as);
    const columns = this.#columnsNow;
    this.#window.lay(layOut(collection.groups, { grouped: query.group !== "", closed: query.closed }, { ...MEASURES[as], columns }), columns);
    const shape = `${as} ${query.group}`;
    const reshaped = shape !== this.#shape;
    if (reshaped) this.#window.clear();
    this.#shape = shape;
    setAttribute(this.#list, "aria-rowcount", as === "table" ? String(this.#window.slots.length + 1) : null);
    this.#window.draw(now, false);
    this.#feed.show(now);
    this.#health.show(collection.counts.health, query.health);
    this.#sync.show(collection.counts.sync, query.sync);
    this.#proportions.show(collection.totals);
    this.#toolbar.offer(collection.labels, query.group);
    // What is above it may have come to be higher or lower.
    if (reshaped) this.#window.ask();
  }

  /** Give the list the roles of what it looks like. @param {string} as */
  #showAs(as) {
    if (this.#list.dataset.as === as) return;
    const table = as === "table";
    setData(this.#list, "as", as);
    this.#columns.hidden = !table;
    setAttribute(this.#list, "role", table ? "table" : null);
    setAttribute(this.#list, "aria-label", table ? this.#context.t("page.overview") : null);
    setAttribute(this.#columns, "role", "row");
    setAttribute(this.#columns, "aria-rowindex", "1");
    setAttribute(this.#box, "role", table ? "rowgroup" : "list");
    setAttribute(this.#box, "aria-label", table ? null : this.#context.t("page.overview"));
  }

  #showChanges() {
    const now = this.#context.now();
    this.#lead(this.#context.changes.items.map((/** @type {any} */ each) => each.key));
    if (this.#filled) this.#arrange(now);
    this.#window.draw(now, true);
  }

  /** Find out what was deployed before those of these that are in trouble. @param {Iterable<string>} keys */
  #lead(keys) {
    for (const key of keys) {
      const entry = this.#collection.entries.get(key);
      if (entry && entry.rank < 3) entry.lead = tellLead(entry.app, this.#context.changes.of(key), this.#context);
    }
  }

  /** @param {any} state @param {number} now */
  #showAsOf(state, now) {
    const { t, format } = this.#context;
    const at = asOf(state);
    const old = state.known && state.standing !== "live" && at > 0;
    setText(this.#asOf, old ? t("standing.as-of", format.clock(at, now)) : "");
  }

  /** @param {any} state */
  #showEmptiness(state) {
    const { t, format } = this.#context;
    const { shown, entries, query } = this.#collection;
    const narrow = isNarrow(query);
    const total = format.count(entries.size);
    setText(this.#title, !state.known ? t("page.overview") : narrow ? t("overview.shown", format.count(shown), total) : t("overview.total", total));
    const kind = !state.known ? "waiting" : shown ? "" : narrow && entries.size ? "nothing" : "none";
    this.#list.hidden = kind !== "";
    if (this.#empty.dataset.kind === kind) return;
    this.#empty.dataset.kind = kind;
    if (!kind) return this.#empty.replaceChildren();
    const clear = makeButton("button", () => this.#clear(), t("overview.clear"));
    this.#empty.replaceChildren(makeEmpty(t(`overview.${kind}`), kind === "none" ? t("overview.none.text") : "", ...(kind === "nothing" ? [clear] : [])));
  }

  #clear() {
    this.#context.go(NO_CONDITIONS);
    this.#toolbar.focus();
  }

  /** @param {"health" | "sync"} kind @param {string} word */
  #toggle(kind, word) {
    const chosen = new Set(this.#collection.query[kind]);
    if (!chosen.delete(word)) chosen.add(word);
    this.#context.go({ [kind]: [...chosen] });
  }

  #sayShown() {
    const { t, say, format } = this.#context;
    say(t("overview.said", format.count(this.#collection.shown), format.count(this.#collection.entries.size)));
  }

  /** @param {import("../shell/pages.js").Change} change */
  #tellTrouble({ before, after }) {
    if (before && after && healthOf(after) === "Degraded" && healthOf(before) !== "Degraded") this.#context.say(this.#context.t("overview.degraded", nameOf(after)));
  }

  /** @param {import("./layout.js").Slot} slot */
  #makeView(slot) {
    const asRow = this.#list.dataset.as === "table";
    if (!slot.group) return new ItemView(this.#context, slot.id, asRow);
    const { name } = slot.group;
    return new HeadView(this.#context, name, asRow, () => this.#fold(name));
  }

  /** @param {string} name */
  #fold(name) {
    const closed = new Set(this.#collection.query.closed);
    if (!closed.delete(name)) closed.add(name);
    this.#context.go({ closed: [...closed] }, { replace: true });
  }
}

/** @param {string} name @param {Function} t */
function makeHeading(name, t) {
  const heading = make("div", `heading ${name}`, t(`column.${name}`));
  heading.setAttribute("role", "columnheader");
  return heading;
}

/** @param {string} _ @param {unknown} value */
function sets(_, value) {
  return value instanceof Set ? [...value].sort() : value;
}
