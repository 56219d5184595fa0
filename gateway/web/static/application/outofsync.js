/** The resources that differ from git, and those that a sync would delete. */

import { foreign, h, status } from "./markup.js";
import { partState, rendered } from "./rendered.js";
import { nameOf } from "./tree.js";

const SHOWN = 30;

/** @type {import("./sections.js").Section} */
export const outOfSync = {
  id: "out-of-sync",
  title: "application.outofsync",
  place: "main",
  fields: ["resources", "parts", "sync"],
  create: rendered(render),
};

/** @param {any[]} resources  of which those that differ, sick ones first @returns {any[]} */
export function differing(resources) {
  const sick = (/** @type {any} */ each) => (["Degraded", "Missing"].includes(each.health?.status) ? 0 : 1);
  return resources.filter((each) => (each.status && each.status !== "Synced") || each.requiresPruning).sort((one, other) => sick(one) - sick(other));
}

/** @type {Parameters<typeof rendered>[0]} */
function render(detail, tools) {
  const { t } = tools;
  const found = differing(detail.resources ?? []);
  const state = detail.sync?.status === "OutOfSync" || detail.parts?.resources?.state === "failed" ? partState(detail, "resources", tools) : undefined;
  if (!found.length) return state ? [state] : [];
  const rows = found.map((each) => item(each, t));
  const rest = rows.splice(SHOWN);
  return [
    state,
    h("ul", { class: "results", "data-key": "list" }, ...rows),
    rest.length ? h("details", { "data-key": "rest" }, h("summary", null, t("application.more", rest.length)), h("ul", { class: "results" }, ...rest)) : undefined,
  ];
}

/** @param {any} resource @param {(key: string) => string} t */
function item(resource, t) {
  return h(
    "li",
    { "data-key": nameOf(resource) },
    h("span", { class: "outcome" }, status(resource.status ?? "Unknown")),
    h("span", { class: "what wrap" }, foreign(resource.kind, "kind"), " ", foreign([resource.namespace, resource.name].filter(Boolean).join("/"))),
    h("span", { class: "said wrap" }, resource.health?.status && status(resource.health.status), resource.requiresPruning && h("span", { class: "chip" }, t("application.prune")), resource.health?.message && foreign(resource.health.message)),
  );
}
