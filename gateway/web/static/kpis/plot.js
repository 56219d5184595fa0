/** A plot over days or weeks, drawn by hand: bars or lines, an axis, and each value to be read by pointer, keys and table. */

import { h } from "../application/markup.js";
import { tellSpan } from "../timeline/span.js";
import { ticks } from "./figures.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 170;
const PAD = { top: 10, right: 8, bottom: 22, left: 46 };
const LABEL = 78;

/** @typedef {import("./figures.js").Bucket} Bucket */

/** @param {string} tag @param {Record<string, string | number | undefined>} attributes @param {string} [text] */
function svg(tag, attributes, text) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) element.setAttribute(name, String(value));
  if (text) element.textContent = text;
  return element;
}

export class Plot {
  #tools;
  #clock;
  #title = h("h2");
  #legend = h("p", { class: "plot-legend" });
  #readout = h("p", { class: "plot-readout", hidden: true });
  #svg = svg("svg", { class: "plot-svg", height: HEIGHT, role: "slider", tabindex: 0, "aria-readonly": "true" });
  #cursor = svg("line", { class: "plot-cursor", y1: PAD.top, y2: HEIGHT - PAD.bottom });
  #table = h("details", { class: "plot-table" });
  /** @type {Bucket[]} */
  #buckets = [];
  #bucket = "day";
  #target = 0;
  #chosen = -1;
  #width = 0;
  element;

  /**
   * @param {any} tools  a page's context
   * @param {"deployments" | "lead" | "sync"} clock  bars of all deployments, or lines of one duration
   */
  constructor(tools, clock) {
    this.#tools = tools;
    this.#clock = clock;
    this.element = h("section", { class: "plot card" }, h("div", { class: "plot-head" }, this.#title, this.#legend, this.#readout), this.#svg, this.#table);
    new ResizeObserver(([{ contentRect }]) => {
      if (Math.abs(contentRect.width - this.#width) < 1) return;
      this.#width = contentRect.width;
      this.#draw();
    }).observe(this.#svg);
    this.#svg.addEventListener("pointermove", (event) => this.#choose(this.#indexAt(/** @type {PointerEvent} */ (event).offsetX)));
    this.#svg.addEventListener("pointerleave", () => document.activeElement !== this.#svg && this.#choose(-1));
    this.#svg.addEventListener("blur", () => this.#choose(-1));
    this.#svg.addEventListener("focus", () => this.#chosen < 0 && this.#choose(this.#buckets.length - 1));
    this.#svg.addEventListener("keydown", (event) => this.#key(/** @type {KeyboardEvent} */ (event)));
    this.#table.addEventListener("toggle", () => this.#drawTable());
  }

  /** @param {Bucket[]} buckets @param {{ bucket: string, target?: number }} how  target in seconds */
  show(buckets, { bucket, target = 0 }) {
    this.#buckets = buckets;
    this.#bucket = bucket;
    this.#target = target;
    if (this.#chosen >= buckets.length) this.#chosen = -1;
    this.#draw();
    this.#drawTable();
  }

  get #isBars() {
    return this.#clock === "deployments";
  }

  /** @param {Bucket} bucket @returns {import("./figures.js").Spread | undefined} */
  #spread(bucket) {
    return this.#clock === "deployments" ? undefined : bucket[this.#clock];
  }

  #draw() {
    const { t } = this.#tools;
    const title = t(this.#isBars ? `kpis.plot.deployments.${this.#bucket}` : `kpis.plot.${this.#clock}`);
    this.#title.textContent = title;
    this.#legend.replaceChildren(...this.#legendOf());
    this.#svg.setAttribute("aria-label", t("kpis.plot.read", title));
    this.#svg.setAttribute("aria-valuemin", "0");
    this.#svg.setAttribute("aria-valuemax", String(Math.max(0, this.#buckets.length - 1)));
    const highest = Math.max(0, ...this.#buckets.map((each) => (this.#isBars ? each.deployments : (this.#spread(each)?.p90 ?? 0))));
    // The target belongs into the picture unless it would press all else to the ground.
    const shownTarget = this.#target && highest && this.#target <= highest * 3 ? this.#target : 0;
    const axis = ticks(Math.max(highest, shownTarget), this.#isBars ? "count" : "span");
    const top = /** @type {number} */ (axis.at(-1));
    const y = (/** @type {number} */ value) => PAD.top + (HEIGHT - PAD.top - PAD.bottom) * (1 - value / top);
    this.#svg.replaceChildren(
      ...(highest ? axis : [0]).flatMap((value) => [
        svg("line", { class: "plot-grid", x1: PAD.left, x2: this.#width - PAD.right, y1: y(value), y2: y(value) }),
        svg("text", { class: "plot-label", x: PAD.left - 6, y: y(value) + 4, "text-anchor": "end" }, this.#isBars ? this.#tools.format.count(value) : value ? tellSpan(value * 1_000, this.#tools.format) : "0"),
      ]),
      ...this.#datesOf(),
      ...(highest ? (this.#isBars ? this.#barsOf(y) : this.#linesOf(y)) : [svg("text", { class: "plot-label", x: this.#width / 2, y: HEIGHT / 2, "text-anchor": "middle" }, t("kpis.plot.none"))]),
      ...(shownTarget
        ? [
            svg("line", { class: "plot-target", x1: PAD.left, x2: this.#width - PAD.right, y1: y(shownTarget), y2: y(shownTarget) }),
            svg("text", { class: "plot-label plot-target-label", x: this.#width - PAD.right, y: y(shownTarget) - 4, "text-anchor": "end" }, t("kpis.plot.target", tellSpan(shownTarget * 1_000, this.#tools.format))),
          ]
        : []),
      this.#cursor,
    );
    this.#choose(this.#chosen);
  }

  #legendOf() {
    const { t } = this.#tools;
    const parts = this.#isBars ? ["failed", "others"] : ["half", "ninth"];
    return parts.map((each) => h("span", { class: "plot-key", "data-key-of": each }, t(`kpis.plot.${each}`)));
  }

  /** @param {number} index */
  #x(index) {
    const room = Math.max(1, this.#width - PAD.left - PAD.right);
    return PAD.left + (room * (index + 0.5)) / Math.max(1, this.#buckets.length);
  }

  /** @param {number} x */
  #indexAt(x) {
    const room = Math.max(1, this.#width - PAD.left - PAD.right);
    const index = Math.floor(((x - PAD.left) / room) * this.#buckets.length);
    return Math.min(this.#buckets.length - 1, Math.max(0, index));
  }

  #datesOf() {
    const every = Math.max(1, Math.ceil(this.#buckets.length / Math.max(1, (this.#width - PAD.left - PAD.right) / LABEL)));
    return this.#buckets.flatMap((bucket, index) => {
      // The last one is today: dates are counted from there.
      if ((this.#buckets.length - 1 - index) % every) return [];
      const x = Math.min(this.#x(index), this.#width - PAD.right - 18);
      return [svg("text", { class: "plot-label", x, y: HEIGHT - 6, "text-anchor": "middle" }, this.#dateOf(bucket))];
    });
  }

  /** @param {Bucket} bucket @param {boolean} [whole] */
  #dateOf(bucket, whole = false) {
    return new Intl.DateTimeFormat(this.#tools.tag, { month: "short", day: "numeric", timeZone: "UTC", ...(whole && { weekday: "short" }) }).format(new Date(bucket.start));
  }

  /** @param {(value: number) => number} y */
  #barsOf(y) {
    const room = (this.#width - PAD.left - PAD.right) / Math.max(1, this.#buckets.length);
    const width = Math.max(1, Math.min(28, room * 0.72));
    return this.#buckets.flatMap(({ deployments, failed }, index) => {
      const x = this.#x(index) - width / 2;
      const bar = (/** @type {string} */ name, /** @type {number} */ from, /** @type {number} */ to) => (to > from ? [svg("rect", { class: `plot-bar ${name}`, x, width, y: y(to), height: Math.max(0.5, y(from) - y(to) - (name === "others" && failed ? 1 : 0)), rx: Math.min(2, width / 4) })] : []);
      return [...bar("failed", 0, failed), ...bar("others", failed, deployments)];
    });
  }

  /** @param {(value: number) => number} y */
  #linesOf(y) {
    return /** @type {const} */ (["p90", "p50"]).flatMap((quantile) => {
      // A day without a value is no value between its neighbours': the line is interrupted.
      let path = "";
      let drawing = false;
      const dots = this.#buckets.flatMap((bucket, index) => {
        const value = this.#spread(bucket)?.[quantile];
        if (value === undefined) {
          drawing = false;
          return [];
        }
        path += `${drawing ? "L" : "M"}${this.#x(index).toFixed(1)} ${y(value).toFixed(1)}`;
        drawing = true;
        return [svg("circle", { class: `plot-dot ${quantile}`, cx: this.#x(index), cy: y(value), r: this.#buckets.length > 60 ? 1.4 : 2.4 })];
      });
      return [svg("path", { class: `plot-line ${quantile}`, d: path || "M0 0" }), ...dots];
    });
  }

  /** @param {number} index  -1 for none */
  #choose(index) {
    this.#chosen = index;
    const bucket = this.#buckets[index];
    this.#cursor.toggleAttribute("hidden", !bucket);
    this.#readout.hidden = !bucket;
    this.#legend.hidden = Boolean(bucket);
    // A slider without a value would say half of its range.
    this.#svg.setAttribute("aria-valuenow", String(Math.max(0, bucket ? index : this.#buckets.length - 1)));
    const told = this.#buckets.length ? this.#tell(bucket ?? /** @type {Bucket} */ (this.#buckets.at(-1))) : this.#tools.t("kpis.plot.none");
    this.#svg.setAttribute("aria-valuetext", told);
    if (!bucket) return;
    this.#readout.textContent = told;
    this.#cursor.setAttribute("x1", String(this.#x(index)));
    this.#cursor.setAttribute("x2", String(this.#x(index)));
  }

  /** @param {Bucket} bucket */
  #tell(bucket) {
    const { t, format } = this.#tools;
    const spread = this.#spread(bucket);
    const told = this.#isBars
      ? `${format.count(bucket.deployments)} ${t("kpis.plot.all")}, ${format.count(bucket.failed)} ${t("kpis.plot.failed")}`
      : spread
        ? `${t("kpis.plot.half")} ${tellSpan(spread.p50 * 1_000, format)}, ${t("kpis.plot.ninth")} ${tellSpan(spread.p90 * 1_000, format)}`
        : t("kpis.absent");
    return `${this.#dateOf(bucket, true)}: ${told}`;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const last = this.#buckets.length - 1;
    const now = this.#chosen < 0 ? last : this.#chosen;
    const index = { ArrowLeft: now - 1, ArrowDown: now - 1, ArrowRight: now + 1, ArrowUp: now + 1, Home: 0, End: last }[event.key];
    if (index === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    this.#choose(Math.min(last, Math.max(0, index)));
  }

  #drawTable() {
    const { t, format } = this.#tools;
    const summary = h("summary", null, t("kpis.plot.table"));
    const open = /** @type {HTMLDetailsElement} */ (this.#table).open;
    const columns = this.#isBars ? [t("kpis.plot.all"), t("kpis.plot.failed")] : [t("kpis.plot.half"), t("kpis.plot.ninth")];
    const row = (/** @type {Bucket} */ bucket) => {
      const spread = this.#spread(bucket);
      const cells = this.#isBars ? [format.count(bucket.deployments), format.count(bucket.failed)] : [spread?.p50, spread?.p90].map((each) => (each === undefined ? t("kpis.absent") : tellSpan(each * 1_000, format)));
      return h("tr", null, h("th", { scope: "row" }, this.#dateOf(bucket, true)), ...cells.map((each) => h("td", null, each)));
    };
    const table = h("table", null, h("thead", null, h("tr", null, ...[t(`kpis.plot.${this.#bucket}`), ...columns].map((each) => h("th", { scope: "col" }, each)))), h("tbody", null, ...[...this.#buckets].reverse().map(row)));
    const box = open ? [summary, h("p", { class: "muted" }, t("kpis.plot.utc")), h("div", { class: "plot-scroll", tabindex: 0, role: "group", "aria-label": t("kpis.plot.table") }, table)] : [summary];
    // The summary stays: it may have the focus.
    if (this.#table.firstElementChild) {
      this.#table.firstElementChild.textContent = summary.textContent;
      while (this.#table.children.length > 1) this.#table.lastElementChild?.remove();
      this.#table.append(...box.slice(1));
    } else this.#table.replaceChildren(...box);
  }
}
