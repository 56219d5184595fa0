/** The deployments that Argo CD remembers: when, what, by whom. */

import { foreign, h, timeOf } from "./markup.js";
import { rendered } from "./rendered.js";
import { commitOf, shortOf, tellInitiator } from "./revisions.js";

/** @type {import("./sections.js").Section} */
export const history = {
  id: "history",
  title: "application.history",
  place: "side",
  fields: ["history", "revisions"],
  create: rendered(render),
};

/** @typedef {Record<string, any>} Deployment */

/**
 * The deployments of a detail, the latest first.
 * @param {import("./sections.js").Detail} detail
 * @returns {Deployment[]}
 */
export function deploymentsOf(detail) {
  return [...(detail.history ?? [])].sort((one, other) => timeOfDeployment(other) - timeOfDeployment(one) || other.id - one.id);
}

/** @param {Deployment} deployment */
export function timeOfDeployment(deployment) {
  return Date.parse(deployment.deployedAt ?? deployment.startedAt ?? "") || 0;
}

/** @type {Parameters<typeof rendered>[0]} */
function render(detail, tools) {
  if (!detail.history) return [];
  const deployments = deploymentsOf(detail);
  const items = deployments.map((each, index) => item(each, index, detail, tools));
  return [
    items.length ? h("ol", { class: "panels" }, ...items) : h("p", { class: "none" }, tools.t("application.history.none")),
    items.length ? h("p", { class: "hint" }, tools.t("application.history.kept")) : undefined,
  ];
}

/** @param {Deployment} deployment @param {number} index @param {import("./sections.js").Detail} detail @param {import("./sections.js").Tools} tools */
function item(deployment, index, detail, tools) {
  const { t, format } = tools;
  const revisions = (deployment.revisions ?? []).filter(Boolean);
  const lasted = Date.parse(deployment.deployedAt) - Date.parse(deployment.startedAt);
  const how = [tellInitiator(deployment.initiatedBy, t), lasted >= 1_000 ? t("application.took", format.span(lasted)) : ""].filter(Boolean).join(" · ");
  return h(
    "li",
    { "data-key": String(deployment.id ?? deployment.deployedAt) },
    h("p", { class: "line" }, ...revisions.map((/** @type {string} */ each) => shortOf(each, detail.revisions?.[each])), timeOf(deployment.deployedAt ?? deployment.startedAt, tools), index === 0 && h("span", { class: "chip" }, t("application.history.latest"))),
    ...revisions.slice(0, 1).map((/** @type {string} */ each) => commitOf(detail.revisions?.[each], tools)),
    how && h("p", { class: "by" }, foreign(how)),
  );
}
