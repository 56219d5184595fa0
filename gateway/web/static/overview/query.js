/**
 * What the reader chose to see, as the address has it. Pure.
 *
 * @typedef {object} Query
 * @property {string[]} terms            lower case; each must be found
 * @property {ReadonlySet<string>} health  empty: all
 * @property {ReadonlySet<string>} sync
 * @property {[string, ReadonlySet<string>][]} exact  fields that must have one of these values
 * @property {string} group              "" or one of GROUPS, or "label:NAME"
 * @property {string} sort               one of SORTS
 * @property {ReadonlySet<string>} closed  groups that are folded away
 */

export const EXACT = ["project", "environment", "service", "team", "namespace"];
export const GROUPS = ["project", "environment", "service", "team", "applicationset"];
export const SORTS = ["trouble", "name", "changed", "since"];
const LABEL = "label:";

/** @param {import("../shell/address.js").Address} address @returns {Query} */
export function readQuery(address) {
  const group = address.get("group");
  const sort = address.get("sort");
  return {
    terms: address.get("q").toLowerCase().split(/\s+/).filter(Boolean),
    health: new Set(address.all("health")),
    sync: new Set(address.all("sync")),
    exact: EXACT.map((field) => /** @type {[string, Set<string>]} */ ([field, new Set(address.all(field))])).filter(([, values]) => values.size),
    group: GROUPS.includes(group) || labelOf(group) ? group : "",
    sort: SORTS.includes(sort) ? sort : SORTS[0],
    closed: new Set(address.all("closed")),
  };
}

/** Whether anything is left out. @param {Query} query */
export const isNarrow = ({ terms, health, sync, exact }) => terms.length + health.size + sync.size + exact.length > 0;

/** The label that applications are grouped by; empty if by something else. @param {string} group */
export const labelOf = (group) => (group.startsWith(LABEL) ? group.slice(LABEL.length) : "");

/** The group that an application is in; empty if in none. @param {any} app @param {string} group @returns {string} */
export function groupOf(app, group) {
  if (!group) return "";
  const label = labelOf(group);
  if (label) return app.labels?.[label] ?? "";
  if (group === "applicationset") return app.owner?.kind === "ApplicationSet" ? app.owner.name : "";
  return app[group] ?? "";
}
