/** The timeline as a section of an application's page: told by its stream, else asked for when the application changes. */

import { h } from "../application/markup.js";
import { loadStyle } from "../shell/pages.js";
import { makeEmpty } from "../shell/parts.js";
import { Asker } from "./ask.js";
import { ChangeList } from "./list.js";
import { isOpen } from "./read.js";
import { speak } from "./words.js";

const SHOWN = 10;
/** Milliseconds between two questions while something runs, for a step of CI doesn't change the application. */
const MOVING = 5_000;
const RESTING = 30_000;
/** Milliseconds for which the stream is waited for before the route is asked. */
const PATIENCE = 3_000;

/** @param {any} page  the page's context @returns {import("../application/sections.js").Part} */
export function create(page) {
  loadStyle("timeline/style.css");
  const tools = speak(page);
  const list = new ChangeList(tools, { named: false });
  const note = h("div", { class: "timeline-note" });
  const whole = h("p", { class: "hint" });
  const element = h("div", { class: "body timeline-section" }, note, list.element, whole);
  /** @type {import("./read.js").Change[]} */
  let changes = [];
  let key = "";
  let known = false;
  /** @type {Record<string, any>} */
  let shownOf = {};
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let asking;

  const asker = new Asker({
    take: (answer) => take(answer?.changes ?? []),
    fail: ({ status, detail }) => {
      if (known) return element.setAttribute("data-old", "");
      note.replaceChildren(makeEmpty(tools.t(status === 404 ? "timeline.off" : "timeline.failed"), detail || (status === 404 ? tools.t("timeline.off.text") : "")));
    },
    every: () => (changes.some(isOpen) ? MOVING : RESTING),
  });

  /** @param {import("./read.js").Change[]} told  newest first */
  function take(told) {
    element.removeAttribute("data-old");
    changes = told;
    draw(!known);
    known = true;
  }

  /** @param {boolean} first */
  function draw(first) {
    const asked = new Set(tools.address().all("change"));
    const shown = changes.filter((change, index) => index < SHOWN || asked.has(change.id));
    note.replaceChildren(...(changes.length ? [] : [makeEmpty(tools.t("timeline.none"), tools.t("timeline.none.application"))]));
    list.show(shown, { rollouts: shownOf.rollouts, revisions: shownOf.revisions, first });
    whole.replaceChildren(...(changes.length > shown.length ? [h("a", { href: tools.link({ page: "timeline", app: key, since: "30d" }) }, tools.t("timeline.whole"))] : []));
  }

  return {
    element,
    show(detail) {
      if (detail.key !== key) {
        key = detail.key;
        list.open(tools.address().all("change"));
      }
      shownOf = detail;
      const told = detail.timeline?.changes ?? detail.timeline;
      if (Array.isArray(told)) {
        asker.stop();
        take(told);
        return true;
      }
      if (!known) note.replaceChildren(h("p", { class: "muted" }, tools.t("timeline.loading")));
      else draw(false);
      asking ??= setTimeout(() => changes.length || asker.ask(`api/pipelines/${key.split("/").map(encodeURIComponent).join("/")}/timeline`), PATIENCE);
      asker.again();
      return true;
    },
    tick: () => list.tick(),
    leave() {
      clearTimeout(asking);
      asker.stop();
      list.leave();
    },
  };
}

