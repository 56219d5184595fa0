/** Groups side by side, ordered by any column; what isn't known is a dash and comes last. */

import { foreign, h } from "../application/markup.js";
import { tellSpan } from "../timeline/span.js";
import { COLUMNS, order } from "./figures.js";
import { tellShare } from "./tiles.js";

const SPANS = new Set(["lead", "lead90", "sync", "sync90", "build", "restore"]);
const DEFAULT = "-deployments";
/** Groups that are shown: those after it are in the figures above, and can be found by sorting. */
const SHOWN = 200;

/** @param {import("./figures.js").Group[]} groups @param {string} by @param {any} tools */
export function compare(groups, by, tools) {
  const { t, tag, address } = tools;
  if (!groups.length) return h("p", { class: "muted", "data-key": "none" }, t("kpis.table.none"));
  const sort = address().get("sort") || DEFAULT;
  const shown = order(groups, sort, tag).slice(0, SHOWN);
  const head = Object.keys(COLUMNS).map((column) => {
    const sorted = sort.replace("-", "") === column;
    const descending = sort.startsWith("-");
    // What has many or takes long is looked for first; names begin at the beginning.
    const next = sorted ? (descending ? column : `-${column}`) : column === "name" ? column : `-${column}`;
    const button = h("button", { type: "button", "data-patch": JSON.stringify({ sort: next === DEFAULT ? null : next }) }, t(`kpis.table.${column}`), h("span", { class: "sorted", "aria-hidden": "true" }, sorted ? (descending ? "↓" : "↑") : ""));
    return h("th", { scope: "col", "data-column": column, "aria-sort": sorted ? (descending ? "descending" : "ascending") : undefined }, button);
  });
  const table = h("table", { class: "compared" }, h("thead", null, h("tr", null, ...head)), h("tbody", null, ...shown.map((group) => rowOf(group, by, tools))));
  return h("div", { class: "compared-box card", "data-key": "table", tabindex: 0, role: "group", "aria-label": t("kpis.table") }, table);
}

/** @param {import("./figures.js").Group} group @param {string} by @param {any} tools */
function rowOf(group, by, tools) {
  const { t, link, address } = tools;
  const href = by === "application" ? link({ page: "application", app: group.name }) : address().with({ [by]: group.name, by: by === "service" ? "environment" : null, sort: null }).href;
  return h(
    "tr",
    { "data-key": group.name },
    ...Object.entries(COLUMNS).map(([column, read]) => {
      if (column === "name") return h("th", { scope: "row" }, h("a", { href }, foreign(group.name)));
      const value = /** @type {number | undefined} */ (read(group));
      const loud = (column === "failed" || column === "rolledBack") && Boolean(value);
      return h("td", { "data-column": column, "data-label": t(`kpis.table.${column}`), "data-loud": loud }, tell(column, value, tools));
    }),
  );
}

/** @param {string} column @param {number | undefined} value @param {any} tools */
function tell(column, value, { t, format, tag }) {
  if (value === undefined) return h("span", { class: "muted" }, t("kpis.absent"));
  if (column === "success") return tellShare(value, tag);
  return SPANS.has(column) ? tellSpan(value * 1_000, format) : format.count(value);
}
