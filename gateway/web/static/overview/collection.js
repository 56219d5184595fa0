/**
 * All applications, chosen, grouped, sorted and counted. Pure; one change costs what it touches, not the whole.
 *
 * @typedef {import("./query.js").Query} Query
 * @typedef {object} Group
 * @property {string} name
 * @property {Entry[]} entries         in order
 * @property {Map<string, number>} health  how many have it
 */

import { changedAt, errorOf, healthOf, isFailed, nameOf, rankOf, severityOf, syncOf, troubleOf } from "../shell/documents.js";
import { groupOf, readQuery } from "./query.js";
import { Address } from "../shell/address.js";

/** One application with what it is chosen and sorted by. */
export class Entry {
  /** @type {string | undefined} */
  #words;
  group = "";
  /** Which conditions it fits. */
  fits = { words: true, health: true, sync: true };

  /** @param {any} app @param {number} seenAt  when it last changed before our eyes; 0 if never */
  constructor(app, seenAt) {
    this.app = app;
    this.key = app.key;
    this.name = nameOf(app);
    this.health = healthOf(app);
    this.sync = syncOf(app);
    this.rank = rankOf(app);
    const settling = this.health === "Progressing" && !isFailed(app) && !errorOf(app);
    /** What it says beyond its status; what is only on its way says nothing. */
    this.trouble = settling ? "" : troubleOf(app);
    /** What was deployed just before it came to be so; the page fills it in for what is in trouble. */
    this.lead = "";
    this.seenAt = seenAt;
    this.changedAt = Math.max(changedAt(app), seenAt);
    this.since = Date.parse(app.health?.since ?? "") || 0;
    // Numbers by their size; comparing such texts is twenty times quicker than a collator.
    this.order = this.name.toLowerCase().replace(/\d+/g, (digits) => digits.padStart(9, "0"));
  }

  get isShown() {
    return this.fits.words && this.fits.health && this.fits.sync;
  }

  /** What the search looks through, in lower case. */
  get words() {
    if (this.#words === undefined) {
      const { app } = this;
      const labels = Object.entries(app.labels ?? {}).map(([name, value]) => `${name}=${value}`);
      const parts = [app.key, app.project, app.destination?.namespace, app.destination?.name, app.service, app.environment, app.team, app.owner?.name, ...labels, ...(app.images ?? [])];
      this.#words = parts.filter(Boolean).join(" ").toLowerCase();
    }
    return this.#words;
  }
}

/** @type {Record<string, (one: Entry, other: Entry) => number>} */
const FIRST = {
  trouble: (one, other) => one.rank - other.rank,
  name: () => 0,
  changed: (one, other) => other.changedAt - one.changedAt,
  since: (one, other) => other.since - one.since,
};

/** @param {string} one @param {string} other */
const compare = (one, other) => (one < other ? -1 : one > other ? 1 : 0);

export class Collection {
  /** @type {Map<string, Entry>} */
  entries = new Map();
  /** @type {Map<string, Group>} */
  #groups = new Map();
  /** How many have a health, chosen or not. @type {Map<string, number>} */
  totals = new Map();
  /** How many there would be of each, were it chosen. @type {{ health: Map<string, number>, sync: Map<string, number> }} */
  counts = { health: new Map(), sync: new Map() };
  /** How many applications have a label, or a field that one can group by. @type {Map<string, number>} */
  labels = new Map();
  shown = 0;
  #query = readQuery(new Address());

  get query() {
    return this.#query;
  }

  /** Choose anew. @param {Query} query */
  choose(query) {
    this.#query = query;
    this.#groups = new Map();
    this.counts = { health: new Map(), sync: new Map() };
    this.shown = 0;
    for (const entry of this.entries.values()) this.#place(entry, false);
    const order = this.#order;
    for (const group of this.#groups.values()) group.entries.sort(order);
  }

  /** Begin anew with all of these. @param {Iterable<any>} apps */
  fill(apps) {
    this.totals = new Map();
    this.labels = new Map();
    const seen = this.entries;
    this.entries = new Map();
    for (const app of apps) {
      const old = seen.get(app.key);
      const entry = old?.app === app ? old : new Entry(app, old?.seenAt ?? 0);
      this.entries.set(app.key, entry);
      this.#count(entry, 1);
    }
    this.choose(this.#query);
  }

  /**
   * Put one application in place of what was known of it; without one it is gone.
   * @param {string} key
   * @param {any} app
   * @param {number} seenAt  0 if the change wasn't seen as it happened
   */
  put(key, app, seenAt) {
    const old = this.entries.get(key);
    if (old) {
      this.#displace(old);
      this.#count(old, -1);
      this.entries.delete(key);
    }
    if (!app) return;
    const entry = new Entry(app, seenAt || (old?.seenAt ?? 0));
    this.entries.set(key, entry);
    this.#count(entry, 1);
    this.#place(entry, true);
  }

  /** The groups in order: the worst first where trouble is; those without a name last. @returns {Group[]} */
  get groups() {
    const worst = (/** @type {Group} */ group) => (this.#query.sort === "trouble" ? worstOf(group) : 0);
    return [...this.#groups.values()].sort((one, other) => Number(!one.name) - Number(!other.name) || worst(one) - worst(other) || compare(one.name, other.name));
  }

  get #order() {
    const first = FIRST[this.#query.sort];
    return (/** @type {Entry} */ one, /** @type {Entry} */ other) => first(one, other) || compare(one.order, other.order) || compare(one.key, other.key);
  }

  /** @param {Entry} entry @param {boolean} inOrder */
  #place(entry, inOrder) {
    const { terms, health, sync, exact, group } = this.#query;
    const { app, fits } = entry;
    fits.words = exact.every(([field, values]) => values.has(app[field] ?? "")) && terms.every((term) => entry.words.includes(term));
    fits.health = !health.size || health.has(entry.health);
    fits.sync = !sync.size || sync.has(entry.sync);
    this.#countFacets(entry, 1);
    if (!entry.isShown) return;
    this.shown += 1;
    entry.group = groupOf(app, group);
    let place = this.#groups.get(entry.group);
    if (!place) this.#groups.set(entry.group, (place = { name: entry.group, entries: [], health: new Map() }));
    add(place.health, entry.health, 1);
    if (inOrder) place.entries.splice(this.#indexOf(place.entries, entry), 0, entry);
    else place.entries.push(entry);
  }

  /** @param {Entry} entry */
  #displace(entry) {
    this.#countFacets(entry, -1);
    const place = this.#groups.get(entry.group);
    if (!entry.isShown || !place) return;
    this.shown -= 1;
    add(place.health, entry.health, -1);
    place.entries.splice(this.#indexOf(place.entries, entry), 1);
    if (!place.entries.length) this.#groups.delete(entry.group);
  }

  /** Where an entry is, or belongs. @param {Entry[]} entries @param {Entry} entry */
  #indexOf(entries, entry) {
    const order = this.#order;
    let [low, high] = [0, entries.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (order(entries[middle], entry) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** @param {Entry} entry @param {1 | -1} by */
  #countFacets({ fits, health, sync }, by) {
    if (fits.words && fits.sync) add(this.counts.health, health, by);
    if (fits.words && fits.health) add(this.counts.sync, sync, by);
  }

  /** @param {Entry} entry @param {1 | -1} by */
  #count({ app, health }, by) {
    add(this.totals, health, by);
    for (const name of Object.keys(app.labels ?? {})) add(this.labels, `label:${name}`, by);
    for (const field of ["environment", "service", "team"]) if (app[field]) add(this.labels, field, by);
    if (app.owner?.kind === "ApplicationSet") add(this.labels, "applicationset", by);
  }
}

/** What is only on its way doesn't move a whole group. @param {Group} group */
function worstOf({ health }) {
  return Math.min(severityOf("Progressing"), ...[...health.keys()].map(severityOf));
}

/** @param {Map<string, number>} counts @param {string} name @param {number} by */
function add(counts, name, by) {
  const count = (counts.get(name) ?? 0) + by;
  if (count > 0) counts.set(name, count);
  else counts.delete(name);
}
