/** The log of deliveries: what senders posted, what became of it and why; and that one is processed again. */

import { h, morphChildren, showAges } from "../application/markup.js";
import { makeEmpty } from "../shell/parts.js";
import { Asker, fetchJson } from "../timeline/ask.js";
import { OUTCOMES, rowOf, SENDERS, sendersOf } from "./received.js";

export { words } from "./words.js";

const EVERY = 5_000;
const NOTICE = 6_000;

/** @param {any} context */
export function createPage(context) {
  return new DeliveriesPage(context);
}

class DeliveriesPage {
  #context;
  #asker;
  /** What the last answer had. @type {import("./received.js").Delivery[]} */
  #latest = [];
  /** What the reader asked for besides. @type {import("./received.js").Delivery[]} */
  #older = [];
  /** Where older ones begin; undefined if there are none. @type {number | undefined} */
  #next;
  #known = false;
  #at = 0;
  /** @type {string[] | undefined} */
  #senders;
  #path = "";
  #sender;
  #outcome;
  #notice = h("p", { class: "received-notice", role: "status", hidden: true });
  #memory = h("p", { class: "muted received-memory", hidden: true });
  #head;
  #list = h("ul", { class: "received" });
  #more = h("p", { class: "received-more" });
  #empty = h("div");
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #hiding;

  /** @param {any} context */
  constructor(context) {
    this.#context = context;
    const { t } = context;
    this.#asker = new Asker({ take: (answer) => this.#take(answer), fail: (problem) => this.#fail(problem), every: () => EVERY });
    this.#sender = this.#select("sender", SENDERS, (each) => each);
    this.#outcome = this.#select("outcome", OUTCOMES, (each) => t(`deliveries.outcome.${each}`));
    this.#head = h("div", { class: "received-row received-head", "aria-hidden": "true" }, ...["time", "sender", "event", "outcome", "taken"].map((each) => h("span", null, t(`deliveries.${each}`))), h("span"));
    const tools = h("div", { class: "received-tools" }, ...[this.#sender, this.#outcome].map((each) => h("label", null, h("span", { class: "muted" }, `${t(`deliveries.${each.name}`)} `), each)), this.#memory);
    this.#memory.textContent = t("deliveries.memory");
    this.element = h("div", { class: "page deliveries" }, h("h1", { class: "unseen" }, t("deliveries.title")), tools, this.#notice, h("div", { class: "card received-box" }, this.#head, this.#list), this.#more, this.#empty);
    this.#list.addEventListener("click", (event) => {
      const button = event.target instanceof Element ? event.target.closest("button[data-again]") : null;
      if (button instanceof HTMLButtonElement) this.#redeliver(button);
    });
  }

  /** @param {string} name @param {string[]} values @param {(value: string) => string} tell */
  #select(name, values, tell) {
    const { t, go } = this.#context;
    const options = [h("option", { value: "" }, t(`deliveries.${name}.all`)), ...values.map((each) => h("option", { value: each }, tell(each)))];
    const select = /** @type {HTMLSelectElement} */ (h("select", { class: "select", name }, ...options));
    select.addEventListener("change", () => go({ [name]: select.value }, { replace: true }));
    return select;
  }

  /** @param {import("../shell/address.js").Address} address */
  enter(address) {
    this.#sender.value = SENDERS.includes(address.get("sender")) ? address.get("sender") : "";
    this.#outcome.value = OUTCOMES.includes(address.get("outcome")) ? address.get("outcome") : "";
    const path = this.#pathOf();
    if (path !== this.#path) {
      this.#path = path;
      this.#known = false;
      this.#latest = this.#older = [];
      this.#next = undefined;
      this.#empty.replaceChildren(h("p", { class: "muted" }, this.#context.t("deliveries.loading")));
    }
    this.#asker.ask(path);
    this.#draw();
    this.#askSenders();
  }

  /** @param {number} [before] */
  #pathOf(before) {
    const query = new URLSearchParams({ limit: "50" });
    for (const { name, value } of [this.#sender, this.#outcome]) if (value) query.set(name, value);
    if (before) query.set("before", String(before));
    return `api/deliveries?${query}`;
  }

  async #askSenders() {
    const answer = await fetchJson("api/status");
    if (!("content" in answer)) return;
    const { senders, database } = answer.content?.deliveries ?? {};
    this.#senders = Array.isArray(senders) ? senders : undefined;
    this.#memory.hidden = database !== "memory";
    if (this.#known) this.#drawEmpty();
  }

  /** @param {any} answer */
  #take(answer) {
    const first = !this.#known;
    this.#known = true;
    this.#at = this.#context.now();
    if (this.element.hasAttribute("data-old")) this.#say("");
    this.element.removeAttribute("data-old");
    const before = this.#latest;
    this.#latest = answer?.deliveries ?? [];
    // What was pushed off the first page by newer ones stays on ours.
    if (this.#older.length) {
      const known = new Set([...this.#latest, ...this.#older].map(({ id }) => id));
      this.#older = [...before.filter(({ id }) => !known.has(id)), ...this.#older];
    } else this.#next = answer?.next;
    this.#draw(first);
  }

  /** @param {import("../timeline/ask.js").Problem} problem */
  #fail({ status, detail }) {
    const { t, format, now } = this.#context;
    if (this.#known) {
      this.element.setAttribute("data-old", "");
      return this.#say(t("deliveries.old", format.clock(this.#at, now())), true);
    }
    this.#empty.replaceChildren(makeEmpty(t(status === 404 ? "deliveries.off" : "deliveries.failed"), detail));
  }

  #draw(first = false) {
    const { t } = this.#context;
    const latest = new Set(this.#latest.map(({ id }) => id));
    const all = [...this.#latest, ...this.#older.filter(({ id }) => !latest.has(id))];
    this.#list.toggleAttribute("data-quiet", first);
    morphChildren(this.#list, all.map((each) => rowOf(each, this.#context)));
    /** @type {HTMLElement} */ (this.#list.parentElement).hidden = !all.length;
    const more = h("button", { type: "button", class: "button" }, t("deliveries.older"));
    more.addEventListener("click", () => this.#showOlder());
    if (Boolean(this.#next) !== Boolean(this.#more.firstChild)) this.#more.replaceChildren(...(this.#next ? [more] : []));
    if (this.#known) this.#drawEmpty();
  }

  #drawEmpty() {
    const { t, go } = this.#context;
    if (this.#latest.length || this.#older.length) return this.#empty.replaceChildren();
    if (this.#sender.value || this.#outcome.value) {
      const clear = h("button", { type: "button", class: "button" }, t("deliveries.clear"));
      clear.addEventListener("click", () => go({ sender: null, outcome: null }, { replace: true }));
      return this.#empty.replaceChildren(makeEmpty(t("deliveries.none.match"), "", clear));
    }
    this.#empty.replaceChildren(makeEmpty(t("deliveries.none"), t("deliveries.none.text")), sendersOf(this.#senders, this.#context));
  }

  async #showOlder() {
    const path = this.#path;
    const answer = await fetchJson(this.#pathOf(this.#next));
    if (path !== this.#path) return;
    if ("problem" in answer) return this.#say(this.#tellFailure(answer.problem));
    this.#older = [...this.#older, ...(answer.content?.deliveries ?? [])];
    this.#next = answer.content?.next;
    this.#draw();
  }

  /** @param {HTMLButtonElement} button */
  async #redeliver(button) {
    button.disabled = true;
    const answer = await fetchJson(`api/deliveries/${button.dataset.again}/redeliver`, { method: "POST" });
    button.disabled = false;
    this.#say("problem" in answer ? this.#tellFailure(answer.problem) : this.#context.t("deliveries.redelivered"));
    this.#asker.again();
  }

  /** @param {import("../timeline/ask.js").Problem} problem */
  #tellFailure({ status, detail }) {
    const { t } = this.#context;
    return t("deliveries.redeliver.failed", detail || (status ? String(status) : t("deliveries.redeliver.unreached")));
  }

  /** @param {string} text @param {boolean} [stays] */
  #say(text, stays = false) {
    clearTimeout(this.#hiding);
    this.#notice.textContent = text;
    this.#notice.hidden = !text;
    if (text && !stays) this.#hiding = setTimeout(() => this.#say(""), NOTICE);
  }

  update() {}

  tick() {
    showAges(this.#list, this.#context);
  }

  leave() {
    this.#asker.stop();
  }
}
