/** The page of one application: a head, sections in two columns, and how true all that is. */

import { connectDetail } from "../client.js";
import { healthOf, nameOf, syncOf } from "../shell/documents.js";
import { makeLink } from "../shell/dom.js";
import { makeEmpty } from "../shell/parts.js";
import { renderHead } from "./head.js";
import { h, morphChildren, showAges } from "./markup.js";
import { Refresh } from "./refresh.js";
import { SECTIONS } from "./sections.js";

export { words } from "./words.js";

const COPIED = 2_000;
const SIMILAR = 5;

/** @param {any} context */
export function createPage(context) {
  return new ApplicationPage(context);
}

/** @typedef {{ section: import("./sections.js").Section, part: import("./sections.js").Part, panel: HTMLElement }} Held */

class ApplicationPage {
  #context;
  #key = "";
  /** @type {any} */
  #connection;
  /** The application as it was last known; it stays when it is gone. @type {any} */
  #shown;
  #detailed = false;
  #removedAt = 0;
  #said = "";
  #notice = h("p", { class: "notice", hidden: true });
  #loading = h("p", { class: "part-state", "data-part": "loading" });
  #head = h("div", { class: "app-head" });
  #body = h("div", { class: "app-columns" });
  #unknown = h("div", { class: "unknown card", hidden: true });
  /** @type {Held[]} */
  #held = [];
  /** @type {Refresh} */
  #refresh;
  element = h("div", { class: "page application" }, this.#unknown, this.#head, this.#notice, this.#loading, this.#body);

  /** @param {any} context */
  constructor(context) {
    this.#context = context;
    this.#refresh = new Refresh(context);
    this.#head.after(this.#refresh.element);
    this.element.addEventListener("click", (event) => this.#click(event));
  }

  keys = [
    { keys: ["n"], label: "application.help.next", run: () => this.#clickOn("[data-act='next']") },
    { keys: ["f"], label: "application.help.refresh", run: () => this.#refresh.run() },
    { keys: ["r"], label: "application.help.tree", run: () => this.#focusOn("[role='treeitem'][tabindex='0']") },
  ];

  title() {
    return this.#shown ? nameOf(this.#shown) : this.#key || this.#context.t("page.application");
  }

  /** @param {import("../shell/address.js").Address} address */
  enter(address) {
    const key = address.get("app");
    if (key === this.#key && this.#connection) return;
    this.leave();
    this.#begin(key);
  }

  /** @param {string} key */
  #begin(key) {
    const { t, connection } = this.#context;
    this.#key = key;
    this.#shown = undefined;
    this.#detailed = false;
    this.#removedAt = 0;
    this.#said = "";
    for (const { part } of this.#held) part.leave?.();
    this.#held = SECTIONS.map((section) => this.#hold(section));
    const column = (/** @type {string} */ place) => h("div", { class: `app-${place}` }, ...this.#held.filter(({ section }) => section.place === place).map(({ panel }) => panel));
    this.#body.replaceChildren(column("main"), column("side"));
    this.#head.replaceChildren(h("h1", null, h("bdi", { class: "wrap" }, key || t("page.application"))));
    this.#loading.textContent = t("application.loading");
    this.#unknown.hidden = true;
    this.#refresh.hide();
    if (!key) {
      this.#showUnknown(t("application.unnamed"), "");
      return;
    }
    this.#connection = connectDetail(key);
    this.#connection.subscribe((/** @type {any} */ state) => this.#take(state));
    const listed = connection.state.applications.get(key);
    if (listed) this.#show(listed);
    this.#showStanding();
  }

  /** @param {import("./sections.js").Section} section @returns {Held} */
  #hold(section) {
    const part = section.create(this.#context);
    const title = h("h2", { id: `section-${section.id}` }, this.#context.t(section.title));
    const panel = h("section", { class: "panel", "data-section": section.id, "aria-labelledby": title.id, hidden: true }, title, part.element);
    return { section, part, panel };
  }

  /** A change of the list: it matters only until the detail has come. @param {any} state */
  update(state) {
    if (!this.#connection) return;
    if (!this.#connection.state.known) {
      const listed = state.applications.get(this.#key);
      if (listed) this.#show(listed);
    }
    this.#showStanding();
  }

  /** @param {any} state  of the detail's connection */
  #take(state) {
    const { t, now, format, say } = this.#context;
    if (state.known && state.detail) {
      this.#removedAt = 0;
      this.#show(state.detail);
    } else if (state.known && !this.#removedAt) {
      this.#removedAt = now();
      if (this.#shown) say(t("application.removed", format.clock(this.#removedAt, now())));
      // The gateway may know better when it was, if we were away.
      this.#ask((at) => {
        if (this.#removedAt) this.#removedAt = at;
        this.#showStanding();
      });
    }
    this.#showStanding();
  }

  /** @param {any} detail */
  #show(detail) {
    const before = this.#shown;
    if (before === detail) return;
    this.#shown = detail;
    if (!before) this.#refresh.begin(this.#key);
    const first = !before || !this.#detailed;
    this.#detailed = this.#connection.state.known;
    const fields = new Set([...Object.keys(before ?? {}), ...Object.keys(detail)].filter((field) => before?.[field] !== detail[field]));
    if (!first && (fields.has("health") || fields.has("sync"))) this.#sayStatus(before, detail);
    toggle(this.#head, "data-quiet", first);
    morphChildren(this.#head, renderHead(detail, this.#context));
    for (const { section, part, panel } of this.#held) {
      if (before && !section.fields.some((field) => fields.has(field))) continue;
      // What only now becomes known has not changed.
      toggle(panel, "data-quiet", first || section.fields.some((field) => fields.has(field) && before[field] === undefined) || panel.hidden);
      panel.hidden = !part.show(detail);
    }
  }

  /** @param {any} before @param {any} detail */
  #sayStatus(before, detail) {
    const [was, is] = [before, detail].map((each) => `${healthOf(each)}, ${syncOf(each)}`);
    if (was !== is) this.#context.say(`${nameOf(detail)}: ${is}`);
  }

  /** Say how true what is shown is, where that differs from what the page's header says of the list. */
  #showStanding() {
    const { t, now, format, connection } = this.#context;
    const { state } = this.#connection;
    const status = state.link.phase === "refused" ? Number(state.link.status) : 0;
    const listed = connection.state.applications.has(this.#key);
    const gone = Boolean(this.#removedAt) || ([404, 409].includes(status) && !listed && connection.state.known);
    if (gone && !this.#shown) return this.#showUnknown(t("application.unknown"), t("application.unknown.text", this.#key));
    this.#unknown.hidden = true;
    this.#loading.hidden = state.known || Boolean(status);
    let notice = "";
    if (gone) notice = t("application.removed", format.clock((this.#removedAt ||= now()), now()));
    else if (status) notice = t("application.refused", status);
    else if (state.standing === "disconnected" && connection.state.standing !== "disconnected") notice = t("application.lost", format.clock(state.link.heardAt + state.ahead, now()));
    if (this.#notice.textContent !== notice) this.#notice.textContent = notice;
    this.#notice.hidden = !notice;
    this.element.dataset.standing = gone ? "gone" : notice ? "old" : "as-listed";
    if (notice && notice !== this.#said && !gone) this.#context.say(notice);
    this.#said = notice;
  }

  /** @param {string} title @param {string} text */
  #showUnknown(title, text) {
    if (!this.#unknown.hidden) return;
    const { t, link, connection, format, now } = this.#context;
    const name = this.#key.slice(this.#key.lastIndexOf("/") + 1);
    const similar = [...connection.state.applications.values()].filter((app) => name && app.name === name).slice(0, SIMILAR);
    const back = makeLink("button", link({ page: "overview" }), t("action.home"));
    const panel = makeEmpty(title, text, back);
    if (similar.length) {
      const links = similar.map((app) => h("li", null, makeLink("", link({ page: "application", app: app.key }), app.key)));
      panel.append(h("div", { class: "similar" }, h("p", null, t("application.unknown.similar")), h("ul", null, ...links)));
    }
    this.#unknown.replaceChildren(panel);
    this.#unknown.hidden = false;
    this.element.dataset.standing = "unknown";
    this.#loading.hidden = true;
    this.#notice.hidden = true;
    this.#ask((at) => panel.append(h("p", null, t("application.unknown.removed", format.clock(at, now())))));
  }

  /** Ask the gateway when the application was removed; nothing is told if it doesn't know. @param {(at: number) => void} tell */
  #ask(tell) {
    const [key, connection] = [this.#key, this.#connection];
    if (!key) return;
    import("./removal.js")
      .then(({ findRemoval }) => findRemoval(key))
      .then((at) => at && connection === this.#connection && tell(Date.parse(at)), () => {});
  }

  /** @param {number} now */
  tick(now) {
    showAges(this.element, this.#context);
    for (const { part } of this.#held) part.tick?.(now);
    if (this.#connection) this.#showStanding();
  }

  leave() {
    this.#connection?.close();
    this.#connection = undefined;
  }

  /** @param {MouseEvent} event */
  async #click(event) {
    const button = event.target instanceof Element ? event.target.closest("button[data-copy]") : null;
    if (!(button instanceof HTMLElement)) return;
    const { t, say } = this.#context;
    const { copy } = await import("./copy.js");
    const copied = await copy(button.dataset.copy ?? "");
    say(t(copied ? "application.copied" : "application.copy.failed"));
    if (!copied) return select(button.previousElementSibling);
    button.textContent = t("application.copied");
    setTimeout(() => (button.textContent = t("application.copy")), COPIED);
  }

  /** @param {string} selector */
  #clickOn(selector) {
    const found = this.element.querySelector(selector);
    if (found instanceof HTMLElement) found.click();
  }

  /** @param {string} selector */
  #focusOn(selector) {
    const found = this.element.querySelector(selector);
    if (found instanceof HTMLElement) found.focus();
  }
}

/** @param {Element} element @param {string} name @param {boolean} on */
function toggle(element, name, on) {
  if (element.hasAttribute(name) !== on) element.toggleAttribute(name, on);
}

/** @param {Element | null} element */
function select(element) {
  if (element) getSelection()?.selectAllChildren(element);
}
