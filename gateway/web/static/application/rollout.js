/** Rollouts: which step a canary is at and with which weight, what is measured of it, and why it stopped. */

import { splitImage } from "../shell/documents.js";
import { setText } from "../shell/dom.js";
import { parseInstant } from "../shell/format.js";
import { listRuns, marked } from "./analysis.js";
import { foreign, h, timeOf } from "./markup.js";
import { partState, rendered } from "./rendered.js";

const SVG = "http://www.w3.org/2000/svg";
const SECOND = 1_000;

/** @typedef {Record<string, any>} Rollout  see `rollout` in api/schemas/detail.json */

/** @type {import("./sections.js").Section} */
export const rollout = {
  id: "rollout",
  title: "application.rollout",
  place: "main",
  fields: ["rollouts", "parts"],
  create,
};

/** @param {import("./sections.js").Tools} tools @returns {import("./sections.js").Part} */
function create(tools) {
  const part = rendered(render)(tools);
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let timer;
  /** @type {Map<string, string> | undefined} */
  let said;
  const count = () => countDown(part.element, tools);
  const stop = () => {
    clearInterval(timer);
    timer = undefined;
  };
  return {
    element: part.element,
    show(detail) {
      const shown = part.show(detail);
      if (!part.element.querySelector("[data-ends]")) stop();
      else timer ??= setInterval(count, SECOND);
      said = tellMoves(detail.rollouts ?? [], said, tools);
      return shown;
    },
    leave: stop,
  };
}

/** Tell a screen reader where a rollout has moved to. @param {Rollout[]} rollouts @param {Map<string, string> | undefined} before @param {import("./sections.js").Tools} tools */
function tellMoves(rollouts, before, { t, say }) {
  const now = new Map(rollouts.map((each) => [`${each.namespace}/${each.name}`, t("application.rollout.say", each.name, each.phase ?? "", each.step ? t("application.rollout.step", each.step, each.steps.length) : "")]));
  for (const [name, text] of now) if (before?.has(name) && before.get(name) !== text) say(text);
  return now;
}

/** @param {Element} element @param {import("./sections.js").Tools} tools */
function countDown(element, tools) {
  for (const each of element.querySelectorAll("[data-ends]")) setText(each, tellLeft(/** @type {HTMLElement} */ (each).dataset, tools));
}

/** How long a pause lasts still. @param {Record<string, string | undefined>} data @param {import("./sections.js").Tools} tools */
function tellLeft({ ends, how }, { t, now, format }) {
  const left = Number(ends) - now();
  if (how === "note") return left > 0 ? t("application.rollout.paused.ends", format.span(Math.ceil(left / SECOND) * SECOND)) : t("application.rollout.paused.over");
  return t("application.rollout.left", format.span(Math.max(0, Math.ceil(left / SECOND) * SECOND)));
}

/** @type {Parameters<typeof rendered>[0]} */
function render(detail, tools) {
  const rollouts = (detail.rollouts ?? []).filter((/** @type {Rollout} */ each) => each.strategy || each.phase);
  const nodes = rollouts.map((/** @type {Rollout} */ each) => renderOne(each, tools, rollouts.length > 1));
  return [...nodes, nodes.length && detail.parts?.rollouts?.state === "loading" ? undefined : partState(detail, "rollouts", tools)];
}

/** @param {Rollout} each @param {import("./sections.js").Tools} tools @param {boolean} named */
function renderOne(each, tools, named) {
  const { t } = tools;
  const steps = each.steps ?? [];
  return h(
    "article",
    { class: "rollout", "data-key": `${each.namespace}/${each.name}`, "data-phase": each.phase },
    h(
      "p",
      { class: "line", "data-key": "head" },
      named && h("b", null, foreign(each.name)),
      each.phase && marked(each.phase),
      each.strategy && h("span", null, ["canary", "blueGreen"].includes(each.strategy) ? t(`application.rollout.${each.strategy}`) : foreign(each.strategy)),
      each.step && h("b", { class: "nth" }, t("application.rollout.step", each.step, steps.length)),
      each.replicas && h("span", { class: "muted" }, t("application.rollout.replicas", each.replicas.updated, each.replicas.available, each.replicas.desired)),
    ),
    note(each, tools),
    versions(each, tools),
    each.strategy === "canary" && each.weight !== undefined && weight(each, t),
    steps.length > 0 && h("ol", { class: "steps", "data-key": "steps", "aria-label": t("application.rollout.steps") }, ...steps.map((/** @type {any} */ step) => renderStep(step, each, tools))),
    each.blueGreen && services(each.blueGreen, t),
    each.analysisRuns?.length > 0 && listRuns(each.analysisRuns, tools),
  );
}

/** What is remarkable: an abort and its reason, a pause and its end. @param {Rollout} each @param {import("./sections.js").Tools} tools */
function note(each, tools) {
  const { t } = tools;
  if (each.aborted) {
    const reason = each.reason && h("p", { class: "reason wrap", dir: "auto" }, each.reason);
    return h("div", { class: "rollout-note", "data-key": "note", "data-bad": true }, h("p", { class: "line" }, h("b", null, t("application.rollout.aborted")), timeOf(each.abortedAt, tools)), reason);
  }
  if (each.promotedFully) return h("p", { class: "rollout-note", "data-key": "note" }, t("application.rollout.promoted"));
  if (!each.pauseReason && !each.pausedSince) return undefined;
  const ends = parseInstant(each.pauseEndsAt);
  const data = { ends: String(ends), how: "note" };
  const text = Number.isNaN(ends) ? t(each.pauseReason === "InconclusiveAnalysisRun" ? "application.rollout.paused.inconclusive" : "application.rollout.paused.manual") : tellLeft(data, tools);
  const said = h("b", Number.isNaN(ends) ? null : { "data-ends": data.ends, "data-how": data.how, "data-quiet": true }, text);
  return h("p", { class: "rollout-note line", "data-key": "note" }, said, timeOf(each.pausedSince, tools, "age"));
}

/** @param {Rollout} each @param {import("./sections.js").Tools} tools */
function versions({ stableRevision, canaryRevision }, { t }) {
  const version = (/** @type {string} */ key, /** @type {any} */ revision) =>
    h("span", { class: "line", "data-version": key }, h("span", { class: "muted" }, t(`application.rollout.${key}`)), ...tellImages(revision), h("span", { class: "muted mono" }, revision.hash));
  const shown = [stableRevision && version("stable", stableRevision), canaryRevision && version("new", canaryRevision)].filter(Boolean);
  return shown.length > 0 && h("p", { class: "line versions", "data-key": "versions" }, ...shown);
}

/** @param {{ images?: string[] }} revision */
function tellImages({ images = [] }) {
  return images.slice(0, 3).map((image) => h("b", { class: "mono", title: image }, foreign(splitImage(image).version)));
}

/** The share of the new version as a bar, with a mark where it is to be. @param {Rollout} each @param {(key: string, ...args: any[]) => string} t */
function weight({ weight: share, desiredWeight: wanted }, t) {
  const text = wanted === undefined || wanted === share ? t("application.rollout.weight", `${share}%`) : t("application.rollout.weight.wanted", `${share}%`, `${wanted}%`);
  const bar = svg("svg", { class: "weight-bar", viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" });
  bar.append(svg("rect", { class: "all", width: "100", height: "8" }), svg("rect", { class: "share", width: String(Math.min(100, Math.max(0, share))), height: "8" }));
  if (wanted > 0 && wanted < 100) bar.append(svg("rect", { class: "wanted", x: String(wanted - 0.3), width: "0.6", height: "8" }));
  return h("div", { class: "weight", "data-key": "weight" }, bar, h("span", null, text));
}

/** @param {string} name @param {Record<string, string>} attributes */
function svg(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

/** @param {any} step @param {Rollout} each @param {import("./sections.js").Tools} tools */
function renderStep(step, each, tools) {
  const { t } = tools;
  const [title, more] = tellStep(step, tools);
  const ends = step.kind === "pause" && step.state === "current" ? parseInstant(each.pauseEndsAt) : NaN;
  const left = Number.isNaN(ends) ? undefined : h("span", { class: "left", "data-ends": String(ends), "data-quiet": true, "aria-hidden": "true" }, tellLeft({ ends: String(ends) }, tools));
  return h(
    "li",
    { "data-state": step.state, "aria-current": step.state === "current" ? "step" : undefined },
    h("b", null, foreign(title)),
    more && !left && h("span", { class: "muted" }, foreign(more)),
    left,
    h("span", { class: "step-state" }, t(`application.rollout.state.${["done", "current", "failed"].includes(step.state) ? step.state : "ahead"}`)),
  );
}

/** What a step does, in a word or two. @param {any} step @param {import("./sections.js").Tools} tools @returns {[string, string]} */
function tellStep(step, { t, format }) {
  const { kind, duration, templates = [], replicas } = step;
  if (kind === "setWeight") return [`${step.weight ?? "?"}%`, ""];
  if (kind === "pause") return [t("application.rollout.pause"), duration === undefined ? t("application.rollout.pause.manual") : format.span(duration * SECOND)];
  if (kind === "analysis") return [t("application.rollout.analysis"), templates.join(", ")];
  if (kind === "experiment") return [t("application.rollout.experiment"), ""];
  if (kind === "setCanaryScale") return [t("application.rollout.scale"), replicas === undefined ? `${step.weight ?? ""}${step.weight === undefined ? "" : "%"}` : t("application.rollout.pods", replicas)];
  return [kind, ""];
}

/** @param {any} blueGreen @param {(key: string, ...args: any[]) => string} t */
function services({ activeService, previewService, autoPromotion }, t) {
  const how = t(autoPromotion ? "application.rollout.auto" : "application.rollout.byhand");
  const where = activeService ? t("application.rollout.services", activeService, previewService ?? "") : "";
  return h("p", { class: "by", "data-key": "services" }, foreign([where, how].filter(Boolean).join(" · ")));
}
