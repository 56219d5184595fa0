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
  /** @type {any[] | undefined} */
  let rollouts;

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
    list.show(shown, { rollouts, first });
    whole.replaceChildren(...(changes.length > shown.length ? [h("a", { href: tools.link({ page: "timeline", app: key, since: "30d" }) }, tools.t("timeline.whole"))] : []));
  }

  return {
    element,
    show(detail) {
      if (detail.key !== key) {
        key = detail.key;
        list.open(tools.address().all("change"));
      }
      rollouts = detail.rollouts;
      const told = detail.timeline?.changes ?? detail.timeline;
      if (Array.isArray(told)) {
        asker.stop();
        take(told);
      } else {
        asker.ask(`api/pipelines/${key.split("/").map(encodeURIComponent).join("/")}/timeline`);
        asker.again();
        if (known) draw(false);
      }
      return true;
    },
    tick: () => list.tick(),
    leave() {
      asker.stop();
      list.leave();
    },
  };
}

