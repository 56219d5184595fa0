/** What is running: images, sources, and the revisions that Argo CD compares with. */

import { splitImage } from "../shell/documents.js";
import { foreign, h } from "./markup.js";
import { partState, rendered } from "./rendered.js";
import { commitOf, shortOf } from "./revisions.js";

/** @type {import("./sections.js").Section} */
export const running = {
  id: "running",
  title: "application.running",
  place: "side",
  fields: ["images", "sources", "sync", "revisions", "parts"],
  create: rendered(render),
};

/** @type {Parameters<typeof rendered>[0]} */
function render(detail, tools) {
  const { t } = tools;
  const images = (detail.images ?? []).map((/** @type {string} */ image) => imageItem(image));
  const sources = (detail.sources ?? []).map((/** @type {any} */ source, /** @type {number} */ index) => sourceItem(source, detail.sync?.revisions?.[index], detail, tools));
  return [
    h("h3", { "data-key": "h-images" }, t("application.images")),
    images.length ? h("ul", { class: "panels", "data-key": "images" }, ...images) : h("p", { class: "none", "data-key": "images-none" }, t("application.images.none")),
    h("h3", { "data-key": "h-sources" }, t("application.sources", sources.length)),
    h("ul", { class: "panels", "data-key": "sources" }, ...sources),
    partState(detail, "revisions", tools),
  ];
}

/** @param {string} image */
function imageItem(image) {
  const { path, version } = splitImage(image);
  return h("li", { "data-key": image, title: image }, foreign(version, "mono strong wrap"), h("span", { class: "muted wrap" }, foreign(path)));
}

/** @param {any} source @param {string | undefined} revision @param {import("./sections.js").Detail} detail @param {import("./sections.js").Tools} tools */
function sourceItem(source, revision, detail, tools) {
  const what = source.path ?? source.chart ?? "";
  const metadata = revision ? detail.revisions?.[revision] : undefined;
  const target = source.targetRevision && source.targetRevision !== revision ? tools.t("application.follows", source.targetRevision) : "";
  return h(
    "li",
    { "data-key": `${source.repoURL} ${what} ${source.ref ?? ""}` },
    revision ? h("p", { class: "line" }, shortOf(revision, metadata), target && h("span", { class: "muted", dir: "auto" }, target)) : h("p", { class: "line muted" }, target),
    commitOf(metadata, tools),
    h("span", { class: "muted wrap" }, foreign([source.repoURL, what].filter(Boolean).join("  "))),
  );
}
