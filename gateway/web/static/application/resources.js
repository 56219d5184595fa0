/** The resource tree of an application, as a section: what is ill in it, ways to it, and the tree itself. */

import { h, morphChildren } from "./markup.js";
import { partState } from "./rendered.js";
import { buildTree, isRestless, SMALL } from "./tree.js";
import { TreeView } from "./treeview.js";

/** @param {import("./sections.js").Tools} tools @returns {import("./sections.js").Part} */
export function create(tools) {
  const { t, format } = tools;
  const bar = h("div", { class: "tree-bar" });
  const view = new TreeView(tools);
  const note = h("div");
  const element = h("div", { class: "body tree-section" }, bar, note, view.element);
  bar.addEventListener("click", (event) => {
    const act = event.target instanceof Element ? event.target.closest("button")?.dataset.act : undefined;
    if (act === "next") view.goToNext();
    if (act === "expand") view.setAll(true);
    if (act === "collapse") view.setAll(false);
  });

  return {
    element,
    show(detail) {
      const nodes = detail.tree?.nodes ?? [];
      const tree = buildTree(nodes, detail.resources);
      const { size } = tree.branches;
      const state = partState(detail, "tree", tools);
      morphChildren(note, [state, !state && !size && detail.tree ? h("p", { class: "none" }, t("application.tree.none")) : undefined].filter((each) => each !== undefined && each !== false));
      morphChildren(bar, size ? makeBar([...tree.branches.values()], { t, format }) : []);
      view.show(tree);
      return Boolean(state) || Boolean(detail.tree);
    },
  };
}

/** @param {import("./tree.js").Branch[]} branches @param {Pick<import("./sections.js").Tools, "t" | "format">} tools */
function makeBar(branches, { t, format }) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const branch of branches) if (isRestless(branch)) counts.set(branch.health, (counts.get(branch.health) ?? 0) + 1);
  const told = [...counts].map(([word, count]) => `${format.count(count)} ${word}`);
  const count = t("application.tree.count", format.count(branches.length));
  return [
    h("span", { class: "muted", "data-key": "count", "data-quiet": true }, [count, told.length ? told.join(", ") : t("application.tree.calm")].join(" · ")),
    ...(told.length ? [h("button", { type: "button", class: "button", "data-act": "next", "data-key": "next", "aria-keyshortcuts": "n" }, t("application.tree.next"))] : []),
    ...(branches.length > SMALL / 5
      ? [
          h("button", { type: "button", class: "button", "data-act": "expand", "data-key": "expand" }, t("application.tree.expand")),
          h("button", { type: "button", class: "button", "data-act": "collapse", "data-key": "collapse" }, t("application.tree.collapse")),
        ]
      : []),
  ];
}
