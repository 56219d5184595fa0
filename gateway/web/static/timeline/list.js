/** The lines of changes as a list: which are open, those that run count up, and not too many at once. */

import { h, morphChildren, showAges } from "../application/markup.js";
import { lineOf } from "./line.js";
import { tellSpan } from "./span.js";

/** Lines that are drawn at first, and with each "more". */
const PAGE = 40;

export class ChangeList {
  #tools;
  #named;
  #shown = PAGE;
  /** @type {import("./read.js").Change[]} */
  #changes = [];
  /** @type {any[] | undefined} */
  #rollouts;
  /** @type {Record<string, any> | undefined} */
  #revisions;
  /** @type {Set<string>} */
  #open = new Set();
  #list = h("ol", { class: "deployments" });
  #more = h("p", { class: "more" });
  /** What an open line shows; loaded when the first is opened. @type {import("./line.js").Looking["body"]} */
  #body;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #counting;
  element = h("div", { class: "timeline" }, this.#list, this.#more);

  /**
   * @param {any} tools  a page's context
   * @param {{ named: boolean }} how  whether each line says its application
   */
  constructor(tools, { named }) {
    this.#tools = tools;
    this.#named = named;
    this.#list.addEventListener("click", (event) => {
      const button = event.target instanceof Element ? event.target.closest("[data-toggle]") : null;
      if (button instanceof HTMLElement) this.#toggle(button.dataset.toggle ?? "");
    });
  }

  /** Open those that the address names. @param {string[]} ids */
  open(ids) {
    this.#open = new Set(ids);
    this.#draw();
  }

  /** @param {import("./read.js").Change[]} changes @param {{ rollouts?: any[], revisions?: Record<string, any>, first?: boolean }} [more]  `first`: nothing of it is news */
  show(changes, { rollouts, revisions, first = false } = {}) {
    this.#changes = changes;
    this.#rollouts = rollouts;
    this.#revisions = revisions;
    if (first) this.#shown = PAGE;
    this.#list.toggleAttribute("data-quiet", first);
    this.#draw();
  }

  #draw() {
    const { t, format } = this.#tools;
    if (this.#open.size && !this.#body) this.#loadBody();
    const asked = this.#changes.findIndex(({ id }) => this.#open.has(id));
    const shown = Math.max(this.#shown, asked + 1);
    const rest = this.#changes.length - shown;
    // What the rollouts of the application do now is about its newest change.
    const newest = this.#changes.find(({ stages }) => stages?.some(({ stage, state }) => stage === "rollout" && state === "running"));
    const lines = this.#changes.slice(0, shown).map((change) => lineOf(change, { named: this.#named, open: this.#open.has(change.id), body: this.#body, revisions: this.#revisions, rollouts: change === newest ? this.#rollouts : undefined }, this.#tools));
    morphChildren(this.#list, lines);
    for (const part of this.#list.querySelectorAll("[data-share]")) {
      if (part instanceof HTMLElement) part.style.setProperty("--share", part.dataset.share ?? "0");
    }
    const more = h("button", { type: "button", class: "button" }, t("timeline.more", format.count(Math.min(rest, PAGE))));
    more.addEventListener("click", () => {
      this.#shown += PAGE;
      this.#draw();
    });
    this.#more.replaceChildren(...(rest > 0 ? [more] : []));
    this.#count(this.#list.querySelector("[data-since]") !== null);
  }

  #loadBody() {
    import("./body.js").then(
      ({ bodyOf }) => {
        const drawn = this.#body;
        this.#body = bodyOf;
        if (!drawn) this.#draw();
      },
      // The next one that is opened tries again.
      () => {},
    );
  }

  /** @param {string} id */
  #toggle(id) {
    if (!this.#open.delete(id)) this.#open.add(id);
    this.#tools.go({ change: [...this.#open] }, { replace: true });
    this.#draw();
  }

  /** Count up what runs, each second. @param {boolean} on */
  #count(on) {
    if (on === (this.#counting !== undefined)) return;
    clearInterval(this.#counting);
    this.#counting = on ? setInterval(() => this.#countUp(), 1_000) : undefined;
  }

  #countUp() {
    if (document.hidden || !this.element.isConnected) return;
    const { format, now } = this.#tools;
    for (const part of this.#list.querySelectorAll("[data-since]")) {
      part.textContent = tellSpan(now() - Number(/** @type {HTMLElement} */ (part).dataset.since), format);
    }
  }

  tick() {
    showAges(this.#list, this.#tools);
  }

  leave() {
    this.#count(false);
  }
}
