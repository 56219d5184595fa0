/** Shows the page that the address names, and keeps the address, the history and the place on the page together. */

import { Address, here } from "./address.js";
import { find, make, makeButton, makeLink, setAttribute } from "./dom.js";
import { loadPage, PAGES } from "./pages.js";
import { makeEmpty } from "./parts.js";

export class Router {
  address = here();
  /** @type {import("./pages.js").Page | undefined} */
  page;
  #name = "";
  /** @type {Map<string, Promise<import("./pages.js").Page>>} */
  #loaded = new Map();
  #main = find("main");
  #shell;
  #turn = 0;
  /** Where to scroll to, in pixels; null once that is done. @type {number | null} */
  #place = null;

  /** @param {{ context: any, language: import("./language.js").Language, onShow: () => void, onEnter: () => void }} shell */
  constructor(shell) {
    this.#shell = shell;
    history.scrollRestoration = "manual";
    addEventListener("popstate", (event) => this.#show(here(), event.state?.scroll ?? 0));
    document.addEventListener("click", (event) => this.#click(event));
    // Whoever scrolls themselves is where they want to be.
    for (const name of ["wheel", "touchmove", "keydown"]) addEventListener(name, () => (this.#place = null), { passive: true });
  }

  start() {
    this.#show(here(), history.state?.scroll ?? 0);
    addEventListener("pagehide", () => this.#keepPlace());
  }

  /** Begin anew with what was loaded, as after another language was chosen. */
  restart() {
    this.#leave();
    this.#loaded.clear();
    this.#show(this.address, scrollY);
  }

  /** @param {import("./address.js").Patch} patch @param {{ replace?: boolean }} [options] */
  go(patch, { replace = false } = {}) {
    const address = this.address.with(patch);
    if (address.equals(this.address)) return;
    const leaves = address.page !== this.address.page;
    if (!replace) this.#keepPlace();
    history[replace ? "replaceState" : "pushState"](replace ? history.state : null, "", address.href);
    this.#show(address, leaves ? 0 : null);
  }

  #keepPlace() {
    history.replaceState({ ...history.state, scroll: scrollY }, "");
  }

  /** @param {import("./address.js").Address} address @param {number | null} scroll  where to; null stays */
  async #show(address, scroll) {
    const turn = ++this.#turn;
    this.address = address;
    const name = address.page;
    this.#mark(name);
    if (name !== this.#name) {
      const moved = this.#name !== "";
      const page = await this.#load(name);
      // Somebody may have gone on while it was loading.
      if (turn !== this.#turn) return;
      this.#leave();
      this.#name = name;
      this.page = page;
      this.#main.replaceChildren(page.element);
      if (moved) this.#main.focus({ preventScroll: true });
    }
    this.page?.enter(address);
    this.#shell.onEnter();
    this.#place = scroll;
    this.settle();
  }

  /** Go to where the reader was, as soon as there is so much to see. */
  settle() {
    if (this.#place === null) return;
    scrollTo(0, this.#place);
    if (scrollY >= this.#place - 1) this.#place = null;
  }

  #leave() {
    this.page?.leave();
    this.page = undefined;
    this.#name = "";
  }

  /** @param {string} name @returns {Promise<import("./pages.js").Page>} */
  #load(name) {
    let loading = this.#loaded.get(name);
    if (!loading) {
      const known = Object.hasOwn(PAGES, name);
      if (!known) return Promise.resolve(this.#makeFailure("page.unknown", ""));
      loading = loadPage(name, this.#shell.context, this.#shell.language).catch((error) => {
        this.#loaded.delete(name);
        console.warn(error);
        return this.#makeFailure("page.failed", "page.failed.text");
      });
      this.#loaded.set(name, loading);
    }
    return loading;
  }

  /** @param {string} title @param {string} text @returns {import("./pages.js").Page} */
  #makeFailure(title, text) {
    const { t } = this.#shell.context;
    const reload = makeButton("button", () => location.reload(), t("action.reload"));
    const element = make("div", "page failure", make("h1", "unseen", t(title)), makeEmpty(t(title), text && t(text), reload, makeLink("button", "?", t("action.home"))));
    return { element, enter() {}, update() {}, tick() {}, leave() {}, title: () => t(title) };
  }

  /** @param {string} name */
  #mark(name) {
    for (const link of document.querySelectorAll("#pages a")) {
      setAttribute(link, "aria-current", link.getAttribute("data-page") === name ? "page" : null);
      // On a phone not all of them have room.
      if (link.getAttribute("data-page") === name) link.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
  }

  /** Follow a link within the page without a reload. @param {MouseEvent} event */
  #click(event) {
    if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest("a[href^='?']") : null;
    if (!link || link.getAttribute("target")) return;
    event.preventDefault();
    const wanted = new Address(link.getAttribute("href") ?? "");
    if (wanted.equals(this.address)) return;
    this.#keepPlace();
    history.pushState(null, "", wanted.href);
    this.#show(wanted, 0);
  }
}
