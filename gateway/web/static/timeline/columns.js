/** A commit or an image followed: a row for each service, a column for each environment, from the first to the last. */

import { foreign, h, timeOf } from "../application/markup.js";
import { orderEnvironments } from "../services/environments.js";
import { nameOf, showOutcome } from "./line.js";
import { counts } from "./read.js";
import { tellSpan } from "./span.js";

/**
 * @param {import("./read.js").Change[]} changes  newest first
 * @param {any} tools  a page's context
 * @returns {HTMLElement | undefined}
 */
export function columnsOf(changes, tools) {
  const { t } = tools;
  const { environments, rows } = follow(changes);
  if (!rows.size) return undefined;
  const columns = orderEnvironments([...environments].filter(Boolean));
  if (environments.has("")) columns.push("");
  const names = [...rows.keys()].sort((one, other) => one.localeCompare(other, "en", { numeric: true }));
  const table = h(
    "table",
    { class: "follow card", "data-key": "follow" },
    h("thead", null, h("tr", null, h("th", { scope: "col" }, t("timeline.applications")), ...columns.map((each) => h("th", { scope: "col" }, each ? foreign(each) : t("timeline.no-environment"))))),
    h("tbody", null, ...names.map((name) => h("tr", { "data-key": name }, h("th", { scope: "row" }, foreign(name)), ...columns.map((each) => cellOf(rows.get(name)?.get(each), each, tools))))),
  );
  return h("div", { class: "follow-box", "data-key": "follow-box" }, table);
}

/** @param {import("./read.js").Change[] | undefined} changes @param {string} environment @param {any} tools */
function cellOf(changes, environment, tools) {
  const { t, format, link } = tools;
  const label = h("span", { class: "follow-environment" }, environment ? foreign(environment) : t("timeline.no-environment"));
  if (!changes) return h("td", { class: "absent" }, label, h("span", { class: "muted" }, t("timeline.not-yet")));
  return h(
    "td",
    null,
    label,
    ...changes.map((change) =>
      h(
        "a",
        { class: "follow-cell", href: link({ page: "application", app: change.application, change: change.id }), "data-key": change.application },
        showOutcome(change, t),
        change.kind === "rollback" && h("span", { class: "chip kind" }, t("timeline.kind.rollback")),
        changes.length > 1 && h("span", { class: "muted" }, foreign(nameOf(change))),
        isReplaced(change, tools) && h("span", { class: "muted" }, t("timeline.replaced")),
        h("span", { class: "muted" }, timeOf(change.startedAt, tools), change.durations?.lead === undefined ? "" : ` · ${tellSpan(change.durations.lead * 1_000, format)}`),
      ),
    ),
  );
}

/** Whether something else runs there by now, as far as its images tell. @param {import("./read.js").Change} change @param {any} tools */
function isReplaced({ application, images }, { connection }) {
  const running = connection.state.applications.get(application)?.images;
  return Boolean(images?.length && running?.length) && !images?.some((each) => running.includes(each));
}

/**
 * The latest change of each application in each environment, for a commit that is followed.
 * @param {import("./read.js").Change[]} changes  newest first
 * @returns {{ environments: Set<string>, rows: Map<string, Map<string, import("./read.js").Change[]>> }}  rows by service, else by application
 */
function follow(changes) {
  /** @type {Map<string, Map<string, import("./read.js").Change[]>>} */
  const rows = new Map();
  const environments = new Set();
  const seen = new Set();
  for (const change of changes) {
    if (!counts(change) || seen.has(change.application)) continue;
    seen.add(change.application);
    const environment = change.environment ?? "";
    environments.add(environment);
    const row = change.service ?? change.application.slice(change.application.indexOf("/") + 1);
    const cells = rows.get(row) ?? new Map();
    rows.set(row, cells.set(environment, [...(cells.get(environment) ?? []), change]));
  }
  return { environments, rows };
}
