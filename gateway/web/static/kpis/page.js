/** The figures of delivery: objectives, DORA's four, how they went day by day, and who differs. The choice is in the address. */

import { foreign, h, morphChildren } from "../application/markup.js";
import { makeEmpty } from "../shell/parts.js";
import { Asker } from "../timeline/ask.js";
import { fill } from "./figures.js";
import { Plot } from "./plot.js";
import { compare } from "./table.js";
import { doraOf, objectivesOf } from "./tiles.js";

export { words } from "./words.js";

const WINDOWS = ["7d", "30d", "90d", "365d"];
const BY = ["service", "environment", "team", "project", "application"];
/** Milliseconds between two looks; a year takes the gateway longer. */
const EVERY = 15_000;
const EVERY_LONG = 60_000;

/** @param {any} context */
export function createPage(context) {
  return new KpiPage(context);
}

class KpiPage {
  #context;
  #whole;
  #groups;
  /** @type {any} */
  #answer;
  /** @type {any} */
  #compared;
  #at = 0;
  #plots;
  #bar = h("div", { class: "kpi-tools" });
  #notice = h("p", { class: "kpi-notice", hidden: true });
  #objectives = h("ul", { class: "tiles" });
  #dora = h("ul", { class: "tiles dora" });
  #table = h("div");
  #content;
  #empty = h("div");
  #path = "";

  /** @param {any} context */
  constructor(context) {
    this.#context = context;
    const { t } = context;
    const every = () => (["90d", "365d"].includes(this.#window) ? EVERY_LONG : EVERY);
    this.#whole = new Asker({ take: (answer) => this.#take(answer), fail: (problem) => this.#fail(problem), every });
    this.#groups = new Asker({
      take: (answer) => {
        this.#compared = answer;
        this.#drawTable();
      },
      // Whether the gateway answers at all the other one says.
      fail: () => {},
      every,
    });
    this.#plots = /** @type {const} */ (["deployments", "lead", "sync"]).map((clock) => ({ clock, plot: new Plot(context, clock) }));
    this.#content = h(
      "div",
      { hidden: true },
      h("section", { class: "panel", "aria-labelledby": "kpis-targets" }, h("h2", { id: "kpis-targets" }, t("kpis.targets")), this.#objectives),
      h("section", { class: "panel", "aria-labelledby": "kpis-dora" }, h("h2", { id: "kpis-dora" }, t("kpis.dora")), this.#dora),
      h("div", { class: "plots" }, ...this.#plots.map(({ plot }) => plot.element)),
      h("section", { class: "panel", "aria-labelledby": "kpis-table" }, h("h2", { id: "kpis-table" }, t("kpis.table")), this.#table),
    );
    this.element = h("div", { class: "page kpis" }, h("h1", { class: "unseen" }, t("kpis.title")), this.#bar, this.#notice, this.#content, this.#empty);
    this.element.addEventListener("click", (event) => {
      const button = event.target instanceof Element ? event.target.closest("button[data-patch]") : null;
      if (button instanceof HTMLElement) context.go(JSON.parse(button.dataset.patch ?? "{}"), { replace: true });
    });
  }

  get #window() {
    const asked = this.#context.address().get("since");
    return WINDOWS.includes(asked) ? asked : "30d";
  }

  get #by() {
    const asked = this.#context.address().get("by");
    return BY.includes(asked) ? asked : "service";
  }

  /** @param {import("../shell/address.js").Address} address */
  enter(address) {
    const bucket = address.get("bucket") || (["90d", "365d"].includes(this.#window) ? "week" : "day");
    const query = new URLSearchParams({ since: this.#window, bucket });
    for (const name of BY) if (address.get(name)) query.set(name, address.get(name));
    const path = `api/kpis?${query}`;
    if (path !== this.#path) {
      this.#path = path;
      this.#compared = undefined;
      if (!this.#answer) this.#empty.replaceChildren(h("p", { class: "muted" }, this.#context.t("kpis.loading")));
    }
    this.#whole.ask(path);
    this.#groups.ask(`${path}&by=${this.#by}`);
    this.#drawBar();
    this.#drawTable();
  }

  /** @param {any} answer */
  #take(answer) {
    this.#answer = answer;
    this.#at = this.#context.now();
    this.#notice.hidden = true;
    this.element.removeAttribute("data-old");
    this.#draw();
  }

  /** @param {import("../timeline/ask.js").Problem} problem */
  #fail({ status, detail }) {
    const { t, format, now } = this.#context;
    if (this.#answer && status !== 400) {
      this.element.setAttribute("data-old", "");
      this.#notice.textContent = t("kpis.old", format.clock(this.#at, now()));
      this.#notice.hidden = false;
      return;
    }
    this.#content.hidden = true;
    this.#empty.replaceChildren(makeEmpty(t(status === 404 ? "kpis.off" : "kpis.failed"), detail));
  }

  #draw() {
    const { t } = this.#context;
    const answer = this.#answer;
    const group = answer.groups?.[0];
    const any = group && (group.deployments > 0 || group.builds > 0);
    this.#content.hidden = !any;
    this.#drawBar();
    if (!any) {
      const wider = h("button", { type: "button", class: "button", "data-patch": JSON.stringify({ since: "365d" }) }, t("kpis.none.wider"));
      const actions = this.#window === "365d" ? [] : [wider];
      return this.#empty.replaceChildren(makeEmpty(t("kpis.none"), t("kpis.none.text"), ...actions));
    }
    this.#empty.replaceChildren();
    morphChildren(this.#objectives, objectivesOf(group, answer.slos ?? [], this.#context));
    morphChildren(this.#dora, doraOf(group, this.#context));
    for (const part of this.element.querySelectorAll("[data-share]")) {
      if (part instanceof HTMLElement) part.style.setProperty("--share", part.dataset.share ?? "0");
    }
    const buckets = fill(group.buckets ?? [], answer);
    for (const { clock, plot } of this.#plots) plot.show(buckets, { bucket: answer.bucket, target: answer.slos?.find((/** @type {any} */ each) => each.name === clock)?.target });
  }

  #drawBar() {
    const { t, tag, address } = this.#context;
    const now = address();
    const window = h(
      "div",
      { class: "segmented", role: "group", "aria-label": t("kpis.window"), "data-key": "window" },
      ...WINDOWS.map((each) => h("button", { type: "button", "aria-pressed": String(each === this.#window), "data-patch": JSON.stringify({ since: each === "30d" ? null : each }) }, t(`kpis.window.${each}`))),
    );
    const chosen = BY.filter((name) => now.get(name)).map((name) =>
      h(
        "button",
        { type: "button", class: "chip only", "data-key": `only-${name}`, "data-patch": JSON.stringify({ [name]: null }), "aria-label": t("kpis.only.remove", now.get(name)), "aria-pressed": "true" },
        h("span", { class: "muted" }, t(`kpis.only.${name}`)),
        foreign(now.get(name), "clip"),
        h("span", { "aria-hidden": "true" }, "×"),
      ),
    );
    const date = new Intl.DateTimeFormat(tag, { dateStyle: "medium" });
    const told = this.#answer ? t("kpis.since", date.format(Date.parse(this.#answer.since)), date.format(Date.parse(this.#answer.until))) : "";
    morphChildren(this.#bar, [window, ...chosen, h("p", { class: "muted span", "data-key": "span" }, told)]);
  }

  #drawTable() {
    if (!this.#compared) return;
    const { t } = this.#context;
    const by = this.#by;
    const select = h("p", { class: "compare-by", "data-key": "by" }, h("label", { class: "muted", for: "kpis-by" }, t("kpis.by")), " ", h("select", { class: "select", id: "kpis-by" }, ...BY.map((each) => h("option", { value: each, selected: each === by }, t(`kpis.by.${each}`)))));
    if (this.#compared.by !== by) return;
    morphChildren(this.#table, [select, compare(this.#compared.groups ?? [], by, this.#context)]);
    const list = this.#table.querySelector("select");
    if (list) {
      list.value = by;
      list.onchange = () => this.#context.go({ by: list.value === "service" ? null : list.value, sort: null }, { replace: true });
    }
  }

  update() {}

  tick() {}

  leave() {
    this.#whole.stop();
    this.#groups.stop();
  }
}
