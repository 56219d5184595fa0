/** Where an application comes from and goes to: what seldom changes. */

import { foreign, h, outward, timeOf } from "./markup.js";
import { rendered } from "./rendered.js";

/** @type {import("./sections.js").Section} */
export const facts = {
  id: "facts",
  title: "application.facts",
  place: "side",
  fields: ["destination", "autoSync", "owner", "labels", "urls", "createdAt", "namespace", "project"],
  create: rendered(render),
};

/** @type {Parameters<typeof rendered>[0]} */
function render(detail, tools) {
  const { t } = tools;
  const { destination, autoSync, owner, labels, urls } = detail;
  const rows = [
    row(t("application.facts.destination"), destination && foreign([destination.name ?? destination.server, destination.namespace].filter(Boolean).join(" · "))),
    row(t("application.facts.auto"), h("span", null, tellAutomation(autoSync, t))),
    row(t("application.facts.owner"), owner && foreign([owner.kind, owner.name].filter(Boolean).join(" "))),
    row(t("application.facts.created"), timeOf(detail.createdAt, tools)),
    row(t("application.facts.urls"), list((urls ?? []).map((/** @type {string} */ url) => outward(url, url)))),
    row(t("application.facts.labels"), list(Object.entries(labels ?? {}).map(([name, value]) => foreign(`${name}=${value}`, "mono")))),
  ];
  return [h("dl", { class: "facts" }, ...rows.flat())];
}

/** @param {string} term @param {Node | undefined | false} value */
function row(term, value) {
  return value ? [h("dt", null, term), h("dd", null, value)] : [];
}

/** @param {Node[]} nodes */
function list(nodes) {
  return nodes.length > 0 && h("ul", { class: "bare" }, ...nodes.map((node) => h("li", null, node)));
}

/** @param {any} autoSync @param {(key: string) => string} t */
function tellAutomation(autoSync, t) {
  if (!autoSync) return t("application.facts.manual");
  const ways = [autoSync.prune && t("application.facts.prune"), autoSync.selfHeal && t("application.facts.heal")].filter(Boolean);
  return [t("application.facts.automatic"), ...ways].join(", ");
}
