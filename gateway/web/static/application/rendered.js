/** A section that is a function of the detail: its elements are made anew and brought into those on the page. */

import { h, morphChildren } from "./markup.js";

/**
 * @param {(detail: import("./sections.js").Detail, tools: import("./sections.js").Tools) => (Node | undefined)[]} render  nothing hides the section
 * @returns {import("./sections.js").Section["create"]}
 */
export function rendered(render) {
  return (tools) => {
    const element = h("div", { class: "body" });
    return {
      element,
      show(detail) {
        const nodes = render(detail, tools).filter((node) => node !== undefined);
        morphChildren(element, nodes);
        return nodes.length > 0;
      },
    };
  };
}

/**
 * A section whose module is loaded after the page: it may be large, and is seldom what one looks at first.
 * @param {() => Promise<{ create: import("./sections.js").Section["create"] }>} load
 * @param {(detail: import("./sections.js").Detail) => boolean} isShown
 * @returns {import("./sections.js").Section["create"]}
 */
export function later(load, isShown) {
  return (tools) => {
    const element = h("div");
    /** @type {import("./sections.js").Part | undefined} */
    let part;
    /** @type {import("./sections.js").Detail | undefined} */
    let latest;
    load().then(
      ({ create }) => {
        part = create(tools);
        element.replaceChildren(part.element);
        if (latest) part.show(latest);
      },
      () => element.replaceChildren(h("p", { class: "part-state", "data-part": "failed" }, tools.t("page.failed"))),
    );
    return {
      element,
      show(detail) {
        latest = detail;
        part?.show(detail);
        return isShown(detail);
      },
      tick: (now) => part?.tick?.(now),
      leave: () => part?.leave?.(),
    };
  };
}

/**
 * What a part of the detail says of itself: that it is loading, or has failed and why.
 * @param {import("./sections.js").Detail} detail
 * @param {"tree" | "resources" | "revisions" | "rollouts"} name
 * @param {import("./sections.js").Tools} tools
 * @returns {HTMLElement | undefined}  nothing if it is ready, or never announced
 */
export function partState(detail, name, { t }) {
  const part = detail.parts?.[name];
  if (part?.state === "loading") return h("p", { class: "part-state", "data-part": "loading", "data-quiet": true }, t("application.part.loading"));
  if (part?.state !== "failed") return undefined;
  return h("p", { class: "part-state", "data-part": "failed" }, t("application.part.failed"), part.reason ? h("bdi", null, ` ${part.reason}`) : "");
}
