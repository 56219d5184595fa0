/** Who is logged in, until when, and the way out; where nobody is and somebody could be, the way in. */

import { make, makeButton, makeIcon } from "./dom.js";

const GROUPS = 20;

/**
 * @typedef {object} Whoever  what `api/me` says
 * @property {boolean} anonymous
 * @property {string} [name]
 * @property {string[]} [groups]
 * @property {string} [until]
 * @property {string[]} verbs
 * @property {string} [login]
 * @property {string} [logout]
 */

export class Me {
  #context;
  #place;
  /** @type {Whoever | undefined} */
  #known;
  #asked = 0;

  /** @param {any} context @param {HTMLElement} place */
  constructor(context, place) {
    this.#context = context;
    this.#place = place;
  }

  /** Whoever is logged in, or was when the gateway last said; empty if nobody. */
  get name() {
    return this.#known?.name ?? "";
  }

  /** Ask the gateway; what it doesn't say leaves nothing to be shown. */
  async ask() {
    const asked = (this.#asked += 1);
    const answer = await fetch(new URL("api/me", document.baseURI), { cache: "no-store" }).catch(() => undefined);
    const known = answer?.ok ? await answer.json().catch(() => undefined) : undefined;
    if (asked !== this.#asked) return;
    if (known) this.#known = known;
    this.show(Boolean(known));
  }

  /** Show it, in the language of now; nothing while nobody is let in. @param {boolean} [shown] */
  show(shown = true) {
    const { t } = this.#context;
    const { name, anonymous, login } = this.#known ?? {};
    const had = this.#place.contains(document.activeElement);
    this.#place.replaceChildren();
    if (shown && name) {
      const button = makeButton("plain account", () => this.#open(), makeIcon("person"), make("bdi", "clip", name));
      button.setAttribute("aria-label", t("me.label", name));
      button.setAttribute("aria-haspopup", "dialog");
      this.#place.append(button);
      if (had) button.focus();
    } else if (shown && anonymous && login) {
      const way = /** @type {HTMLAnchorElement} */ (make("a", "button", t("action.login")));
      way.href = `${login}?return_to=${encodeURIComponent(location.pathname + location.search)}`;
      // Where the reader is by then.
      way.addEventListener("click", () => (way.href = `${login}?return_to=${encodeURIComponent(location.pathname + location.search)}`));
      this.#place.append(way);
    }
    this.#place.hidden = !this.#place.firstChild;
  }

  #open() {
    if (document.querySelector("dialog[open]") || !this.#known) return;
    const { t, format } = this.#context;
    const { name = "", groups = [], until, verbs, logout } = this.#known;
    const dialog = /** @type {HTMLDialogElement} */ (make("dialog", "help"));
    const title = make("h2", "", t("me.title"));
    title.id = "me-title";
    dialog.setAttribute("aria-labelledby", title.id);
    const shown = groups.slice(0, GROUPS);
    const more = groups.length - shown.length;
    const said = make("p", "me-said");
    said.setAttribute("role", "alert");
    const rows = [
      ["me.name", name],
      ["me.until", until ? format.moment(until) : t("me.until.unknown")],
      ["me.groups", shown.length ? format.list(more ? [...shown, t("announcer.more", more)] : shown) : t("me.groups.none")],
      ["me.may", verbs.length ? format.list(verbs.map((verb) => t(`me.may.${verb}`))) : t("me.may.none")],
    ];
    const list = make("dl", "keys", ...rows.flatMap(([label, text]) => [make("dt", "", t(label)), make("dd", "", make("bdi", "", text))]));
    const actions = make("p", "dialog-actions");
    if (logout) actions.append(makeButton("button primary", () => this.#leave(logout, said), t("me.logout")));
    actions.append(makeButton("button", () => dialog.close(), t("action.close")));
    dialog.append(title, list, said, actions);
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  }

  /** @param {string} logout @param {HTMLElement} said */
  async #leave(logout, said) {
    try {
      const answer = await fetch(logout, { method: "POST", headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      location.assign((await answer.json()).location);
    } catch {
      said.textContent = this.#context.t("me.logout.failed");
    }
  }
}
