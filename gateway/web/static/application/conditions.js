/** Argo CD's conditions, whole: its own words are what one searches for. */

import { foreign, h, timeOf } from "./markup.js";
import { rendered } from "./rendered.js";

/** @type {import("./sections.js").Section} */
export const conditions = { id: "conditions", title: "application.conditions", place: "main", fields: ["conditions"], create: rendered(render) };

/** @type {Parameters<typeof rendered>[0]} */
function render(detail, tools) {
  const all = detail.conditions ?? [];
  if (!all.length) return [];
  const items = all.map((/** @type {any} */ each) => {
    const head = h("p", { class: "line" }, foreign(each.type, "strong"), timeOf(each.since, tools));
    const bad = String(each.type).endsWith("Error");
    return h("li", { "data-key": each.type, "data-bad": bad }, head, each.message && message(each.message, tools));
  });
  return [h("ul", { class: "panels" }, ...items)];
}

/**
 * A message as it was written; a long one scrolls, by keyboard, too.
 * @param {string} text
 * @param {import("./sections.js").Tools} tools
 */
export function message(text, { t }) {
  const long = text.length > 500 || text.split("\n").length > 8;
  const attributes = long ? { tabindex: "0", role: "group", "aria-label": t("application.message") } : {};
  return h("pre", { class: "message", dir: "auto", ...attributes }, text);
}
