/** The matrix as a table; on phones its style makes a card of each row. Rows are touched only where they differ. */

import { foreign, h, morph, morphChildren, status, timeOf } from "../application/markup.js";
import { makeIcon } from "../shell/dom.js";
import { abbreviate } from "./versions.js";

/** @typedef {import("./matrix.js").Row} Row */
/** @typedef {import("./matrix.js").Cell} Cell */
/** @typedef {import("./matrix.js").Entry} Entry */
/** @typedef {import("../application/sections.js").Tools} Tools */

const VERSIONS = 2;
const UNPLACED = 200;
const ICONS = { ahead: "outofsync", behind: "gone", differs: "changed", arriving: "progressing" };

export class Table {
  #tools;
  #head = h("div", { role: "rowgroup", class: "matrix-head" });
  #body = h("div", { class: "matrix-body", role: "rowgroup" });
  /** @type {Map<string, { element: HTMLElement, state: string }>} */
  #rows = new Map();
  element = h("div", { class: "matrix card", role: "table" }, this.#head, this.#body);

  /** @param {Tools} tools */
  constructor(tools) {
    this.#tools = tools;
    this.element.setAttribute("aria-label", tools.t("services.title"));
    this.#body.addEventListener("keydown", walk);
  }

  /**
   * @param {string[]} environments
   * @param {{ title: string, rows: Row[] }[]} groups
   */
  show(environments, groups) {
    const { t } = this.#tools;
    this.element.style.setProperty("--environments", String(environments.length));
    const columns = environments.map((each) => h("span", { role: "columnheader", "data-key": each }, foreign(each)));
    morphChildren(this.#head, [h("div", { role: "row", class: "matrix-row" }, h("span", { role: "columnheader", "data-key": "service" }, t("services.service")), ...columns)]);
    const wanted = [];
    const seen = new Set();
    for (const { title, rows } of groups) {
      if (title) wanted.push(makeGroup(title, rows.length, environments.length + 1));
      for (const row of rows) {
        const key = `${title} ${row.service}`;
        seen.add(key);
        wanted.push(this.#row(key, row));
      }
    }
    for (const key of this.#rows.keys()) if (!seen.has(key)) this.#rows.delete(key);
    place(this.#body, wanted);
  }

  /** @param {string} key @param {Row} row */
  #row(key, row) {
    const state = JSON.stringify(row);
    const known = this.#rows.get(key);
    if (known?.state === state) return known.element;
    const fresh = makeRow(row, this.#tools);
    if (known) morph(known.element, fresh);
    const element = known?.element ?? fresh;
    this.#rows.set(key, { element, state });
    return element;
  }
}

const STEPS = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };

/** Arrows lead from one application to the next in its row or column, over what is empty. @param {KeyboardEvent} event */
function walk(event) {
  const step = STEPS[/** @type {keyof typeof STEPS} */ (event.key)];
  const cell = event.target instanceof Element ? event.target.closest(".matrix-cell") : null;
  const row = cell?.parentElement;
  if (!step || !cell || !row || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  event.preventDefault();
  event.stopPropagation();
  const column = [...row.children].indexOf(cell);
  const across = event.key === "ArrowLeft" || event.key === "ArrowRight";
  const line = across ? [...row.children] : [...(row.parentElement?.children ?? [])].map((each) => each.children[column]);
  const entries = line.flatMap((each) => [...(each?.querySelectorAll(".entry") ?? [])]);
  const next = entries[entries.indexOf(/** @type {Element} */ (event.target)) + step];
  if (next instanceof HTMLElement) next.focus();
}

/** Put rows into order and titles between them. @param {HTMLElement} box @param {HTMLElement[]} wanted */
function place(box, wanted) {
  const kept = new Set(wanted);
  for (const child of [...box.children]) if (!kept.has(/** @type {HTMLElement} */ (child))) child.remove();
  let next = box.firstChild;
  for (const element of wanted) {
    if (element === next) next = next.nextSibling;
    else box.insertBefore(element, next);
  }
}

/** @param {string} title @param {number} count @param {number} columns */
function makeGroup(title, count, columns) {
  return h("div", { role: "row", class: "matrix-group" }, h("span", { role: "rowheader", "aria-colspan": columns }, foreign(title), h("span", { class: "muted" }, ` ${count}`)));
}

/** @param {Row} row @param {Tools} tools */
function makeRow(row, tools) {
  return h(
    "div",
    { role: "row", class: "matrix-row", "data-service": row.service, "data-sick": row.sick },
    h("span", { role: "rowheader", class: "service" }, foreign(row.service, "wrap"), row.groups.length > 0 && h("span", { class: "muted groups" }, foreign(row.groups.join(", ")))),
    ...row.cells.map((cell) => makeCell(cell, tools)),
  );
}

/** @param {Cell} cell @param {Tools} tools */
function makeCell(cell, tools) {
  const { t } = tools;
  const { environment, entries, difference, missing } = cell;
  const label = h("span", { class: "environment", "aria-hidden": "true" }, foreign(environment));
  if (!entries.length) {
    const text = missing ? t("services.missing", environment) : t("services.absent");
    return h("span", { role: "cell", class: "matrix-cell", "data-empty": missing ? "missing" : "absent" }, label, missing ? h("span", { class: "missing" }, text) : h("span", { class: "unseen" }, text));
  }
  return h(
    "span",
    { role: "cell", class: "matrix-cell", "data-difference": difference?.kind },
    label,
    ...entries.map((entry) => makeEntry(entry, entries.length > 1, tools)),
    difference &&
      h("span", { class: "difference", title: `${difference.here} → ${difference.there}` }, makeIcon(ICONS[difference.kind]), h("span", { dir: "auto" }, t(`services.${difference.kind}`, difference.next, difference.there.split(", ").map((each) => abbreviate(each, 20)).join(", ")))),
  );
}

/** @param {Entry} entry @param {boolean} named @param {Tools} tools */
function makeEntry(entry, named, tools) {
  const { link } = tools;
  const calm = entry.health === "Healthy";
  return h(
    "a",
    { class: "entry", href: link({ page: "application", app: entry.key }), "data-key": entry.key, title: titleOf(entry) },
    named && h("span", { class: "muted entry-name" }, foreign(entry.name)),
    h("span", { class: "version mono" }, ...tellVersions(entry, tools)),
    h(
      "span",
      { class: "standing" },
      status(entry.health, calm ? "status calm" : "status loud"),
      entry.sync === "Synced" ? h("span", { class: "unseen" }, entry.sync) : status(entry.sync, "status loud"),
      ...lastSync(entry.deployedAt, tools),
    ),
  );
}

/** @param {number | undefined} at @param {Tools} tools */
function lastSync(at, tools) {
  const time = timeOf(at, tools, "age");
  if (!time) return [];
  const label = tools.t("services.deployed");
  time.title = `${label}: ${time.title}`;
  return [h("span", { class: "unseen" }, label), time];
}

/** @param {Entry} entry */
function titleOf(entry) {
  return [entry.name, ...entry.versions.map(({ path, version }) => `${path}:${version}`), entry.revision].filter(Boolean).join("\n");
}

/** The versions of an entry, each once; where images differ in name and version, with their names. @param {Entry} entry @param {Tools} tools */
function tellVersions({ versions, revision, name }, { t }) {
  const distinct = [...new Set(versions.map((each) => each.version))];
  if (!distinct.length) return [revision ? foreign(revision) : h("span", { class: "muted" }, t("services.no-image"))];
  const names = new Set(versions.map((each) => each.name));
  const own = versions.filter((each) => name.includes(each.name) || each.name.includes(name));
  const first = own.length ? [...new Set([...own.map((each) => each.version), ...distinct])] : distinct;
  const shown = first.slice(0, names.size > 1 && own.length === 1 ? 1 : VERSIONS);
  const rest = distinct.length - shown.length;
  return [foreign(shown.map((each) => abbreviate(each)).join(" · ")), ...(rest > 0 ? [h("span", { class: "muted" }, ` +${rest}`)] : [])];
}

/**
 * The applications that no rule places, folded away.
 * @param {import("./matrix.js").Application[]} unplaced
 * @param {Tools} tools
 */
export function makeUnplaced(unplaced, { t, format, link }) {
  const items = unplaced.slice(0, UNPLACED).map((app) => {
    const lacks = app.service ? "lacks-environment" : app.environment ? "lacks-service" : "lacks-both";
    const anchor = h("a", { href: link({ page: "application", app: app.key }) }, foreign(app.name ?? app.key));
    return h("li", { "data-key": app.key }, anchor, h("span", { class: "muted" }, ` ${t(`services.unplaced.${lacks}`)}`));
  });
  const rest = unplaced.length - items.length;
  return h(
    "details",
    { class: "unplaced card", "data-key": "unplaced", "data-quiet": true },
    h("summary", null, t("services.unplaced", format.count(unplaced.length))),
    h("p", { class: "muted" }, t("services.unplaced.text")),
    h("ul", null, ...items),
    rest > 0 && h("p", { class: "muted" }, t("services.unplaced.rest", rest)),
  );
}
