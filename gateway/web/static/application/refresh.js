/** Having Argo CD compare the application now: a button for whoever may, and how that went. */

import { h } from "./markup.js";

const SAID = 8_000;

/** @param {string} key @returns {URL} */
const pathOf = (key) => new URL(`api/pipelines/${key.split("/").map(encodeURIComponent).join("/")}/refresh`, document.baseURI);

export class Refresh {
  #context;
  #key = "";
  #busy = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #said = h("span", { class: "muted", role: "status" });
  #button = h("button", { class: "button", type: "button" });
  element = h("p", { class: "app-refresh", hidden: true }, this.#button, this.#said);

  /** @param {any} context */
  constructor(context) {
    this.#context = context;
    this.#button.addEventListener("click", () => this.run());
  }

  /** Offer nothing until an application is there. */
  hide() {
    this.#key = "";
    this.#busy = false;
    this.element.hidden = true;
    this.#say("");
  }

  /** Show the button if whoever looks may; only of what is there does the gateway know. @param {string} key */
  async begin(key) {
    this.#key = key;
    this.#button.textContent = this.#context.t("application.refresh");
    const url = new URL("api/me", document.baseURI);
    url.search = String(new URLSearchParams({ application: key }));
    const answer = await fetch(url, { cache: "no-store" }).catch(() => undefined);
    const { verbs = [] } = answer?.ok ? await answer.json().catch(() => ({})) : {};
    if (key === this.#key) this.element.hidden = !verbs.includes("refresh");
  }

  async run() {
    if (this.#busy || this.element.hidden) return;
    const [key, { t }] = [this.#key, this.#context];
    this.#busy = true;
    // Not disabled: it would lose the focus of whoever uses the keyboard.
    this.#button.setAttribute("aria-disabled", "true");
    this.#say(t("application.refresh.asking"));
    const told = await ask(key, t).catch(() => t("application.refresh.failed"));
    if (key !== this.#key) return;
    this.#busy = false;
    this.#button.removeAttribute("aria-disabled");
    this.#say(told);
    this.#timer = setTimeout(() => this.#say(""), SAID);
  }

  /** @param {string} text */
  #say(text) {
    clearTimeout(this.#timer);
    this.#said.textContent = text;
  }
}

/** @param {string} key @param {Function} t @returns {Promise<string>}  how it went */
async function ask(key, t) {
  const answer = await fetch(pathOf(key), { method: "POST", headers: { Accept: "application/json" } });
  if (answer.ok) return t((await answer.json()).outcome === "recent" ? "application.refresh.recent" : "application.refresh.asked");
  const wait = Number(answer.headers.get("Retry-After"));
  if (answer.status === 429) return t("application.refresh.often", wait || 1);
  const known = [401, 403, 404, 502].includes(answer.status);
  return t(known ? `application.refresh.${answer.status}` : "application.refresh.failed");
}
