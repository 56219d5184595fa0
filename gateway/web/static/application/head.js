/** The head of an application's page: what it is, where it belongs, how it is, and ways to elsewhere. */

import { healthOf, nameOf, splitImage, syncOf } from "../shell/documents.js";
import { makeIcon } from "../shell/dom.js";
import { foreign, h, outward, status, timeOf } from "./markup.js";

const VERSIONS = 3;

/**
 * @param {import("./sections.js").Detail} detail
 * @param {import("./sections.js").Tools} tools
 * @returns {Node[]}
 */
export function renderHead(detail, tools) {
  return [
    h("h1", { "data-key": "name" }, foreign(nameOf(/** @type {any} */ (detail)), "wrap")),
    h("p", { class: "places", "data-key": "places" }, ...places(detail, tools)),
    h("div", { class: "standings", "data-key": "standings" }, ...standings(detail, tools)),
    links(detail, tools),
  ];
}

/** @param {import("./sections.js").Detail} detail @param {import("./sections.js").Tools} tools */
function places(detail, { t, link }) {
  const chip = (/** @type {string} */ label, /** @type {string | undefined} */ value, /** @type {string} */ href) =>
    value && h("a", { class: "chip", href, "data-key": label }, h("span", { class: "label" }, `${label} `), foreign(value));
  return [
    h("span", { class: "chip", "data-key": "namespace" }, h("span", { class: "label" }, `${t("application.namespace")} `), foreign(detail.namespace)),
    chip(t("application.project"), detail.project, link({ page: "overview", project: detail.project })),
    chip(t("application.service"), detail.service, link({ page: "services", q: detail.service })),
    chip(t("application.environment"), detail.environment, link({ page: "overview", environment: detail.environment })),
    chip(t("application.team"), detail.team, link({ page: "overview", team: detail.team })),
  ].filter((each) => Boolean(each)).map((each) => /** @type {Node} */ (each));
}

/** @param {import("./sections.js").Detail} detail @param {import("./sections.js").Tools} tools */
function standings(detail, tools) {
  const { t } = tools;
  const [health, sync] = [healthOf(/** @type {any} */ (detail)), syncOf(/** @type {any} */ (detail))];
  const running = ["Running", "Terminating"].includes(detail.operation?.phase);
  const versions = [...new Set((detail.images ?? []).map((/** @type {string} */ image) => splitImage(image).version))].map(String);
  return [
    h("span", { class: "standing", "data-key": "health" }, status(health), since(detail.health?.since, false, tools)),
    h("span", { class: "standing", "data-key": "sync" }, status(sync), since(detail.sync?.since, detail.sync?.atLeast, tools)),
    running && h("span", { class: "standing running", "data-key": "operation" }, makeIcon("progressing"), t(`application.phase.${detail.operation.phase}`)),
    detail.deletionTimestamp && h("span", { class: "standing deleting", "data-key": "deleting" }, makeIcon("gone"), t("application.deleting")),
    ...versions.slice(0, VERSIONS).map((version) => foreign(version, "chip mono version")),
    versions.length > VERSIONS && h("span", { class: "muted" }, t("application.more", versions.length - VERSIONS)),
  ].filter((each) => Boolean(each)).map((each) => /** @type {Node} */ (each));
}

/** @param {string | undefined} at @param {boolean | undefined} atLeast @param {import("./sections.js").Tools} tools */
function since(at, atLeast, tools) {
  const age = timeOf(at, tools, "age");
  return age && h("span", { class: "muted", "data-quiet": true }, atLeast ? "≥ " : "", age);
}

/** @param {import("./sections.js").Detail} detail @param {import("./sections.js").Tools} tools */
function links(detail, { t }) {
  const { argocd, commit, compare } = detail.links ?? {};
  const found = [
    [argocd, "Argo CD"],
    [commit, t("application.link.commit")],
    [compare, t("application.link.compare")],
  ].filter(([url]) => /^https?:\/\//i.test(url ?? ""));
  return h("nav", { class: "links", "data-key": "links", "aria-label": t("application.links"), hidden: !found.length }, ...found.map(([url, text]) => outward(url, text, "button")));
}
