/** The last operation, or the one that runs: how far it is, what failed first, and what it did. */

import { message } from "./conditions.js";
import { foreign, h, timeOf } from "./markup.js";
import { rendered } from "./rendered.js";
import { shortOf, tellInitiator } from "./revisions.js";

const SHOWN = 12;
const BAD = new Set(["SyncFailed", "Failed", "Error"]);
const BUSY = new Set(["Running", "Terminating", ""]);

/** @type {import("./sections.js").Section} */
export const operation = {
  id: "operation",
  title: "application.operation",
  place: "main",
  fields: ["operation", "operationResult", "revisions"],
  create: rendered(render),
};

/** @typedef {Record<string, any>} Result */

/**
 * What became of one resource in an operation. Argo CD gives a plain resource `hookPhase: Running`, too, so only a hook's counts.
 * @param {Result} result
 * @returns {"failed" | "busy" | "done"}
 */
export function outcomeOf(result) {
  if (BAD.has(result.status) || BAD.has(result.hookPhase)) return "failed";
  if (result.hookType) return BUSY.has(result.hookPhase ?? "") ? "busy" : "done";
  return result.status ? "done" : "busy";
}

const ORDER = { failed: 0, busy: 1, done: 2 };

/** The results of an operation, failed ones first. @param {Result[]} results @returns {Result[]} */
export function inOrder(results) {
  return [...results].sort((one, other) => ORDER[outcomeOf(one)] - ORDER[outcomeOf(other)]);
}

/** @type {Parameters<typeof rendered>[0]} */
function render(detail, tools) {
  const { t } = tools;
  const ran = detail.operation;
  if (!ran) return [];
  const results = inOrder(detail.operationResult?.resources ?? []);
  const isRunning = ["Running", "Terminating"].includes(ran.phase);
  const phase = { Running: "running", Terminating: "running", Succeeded: "succeeded", Failed: "failed", Error: "failed" }[/** @type {string} */ (ran.phase)];
  return [
    h(
      "p",
      { class: "line", "data-key": "head" },
      h("b", { class: "phase", "data-phase": phase ?? "unknown" }, phase ? t(`application.phase.${ran.phase}`) : foreign(ran.phase)),
      ...(ran.revisions ?? []).filter(Boolean).map((/** @type {string} */ each) => shortOf(each, detail.revisions?.[each])),
      h("span", { class: "muted" }, foreign(tellInitiator(ran.initiatedBy, t))),
      timeOf(ran.finishedAt ?? ran.startedAt, tools),
      took(ran, tools),
    ),
    isRunning && results.length > 0 ? progress(results, t) : undefined,
    ran.message ? h("div", { "data-key": "message" }, phase === "succeeded" ? h("p", { class: "by", dir: "auto" }, ran.message) : message(ran.message, tools)) : undefined,
    results.length ? listResults(results, t, phase === "succeeded" ? 0 : SHOWN) : undefined,
  ];
}

/** @param {any} ran @param {import("./sections.js").Tools} tools */
function took(ran, { t, format }) {
  const lasted = Date.parse(ran.finishedAt) - Date.parse(ran.startedAt);
  return lasted >= 1_000 && h("span", { class: "muted" }, t("application.took", format.span(lasted)));
}

/** @param {Result[]} results @param {(key: string, ...args: any[]) => string} t */
function progress(results, t) {
  const done = results.filter((each) => outcomeOf(each) === "done").length;
  const text = t("application.progress", done, results.length);
  return h("div", { class: "progress", "data-key": "progress", "data-quiet": true }, h("progress", { max: results.length, value: done, "aria-label": text }), h("span", { class: "muted" }, text));
}

/** What failed or runs is always shown; what went well only where it is little. @param {Result[]} results @param {(key: string, ...args: any[]) => string} t @param {number} room */
function listResults(results, t, room) {
  const notable = results.filter((each) => outcomeOf(each) !== "done").length;
  const first = results.length <= room ? results.length : notable;
  const shown = results.slice(0, first);
  const rest = results.slice(first);
  return h(
    "div",
    { "data-key": "results" },
    shown.length > 0 && h("ul", { class: "results", "data-key": "shown" }, ...shown.map((each) => item(each, t))),
    rest.length > 0 && h("details", { "data-key": "rest" }, h("summary", null, t("application.results.done", rest.length)), h("ul", { class: "results" }, ...rest.map((each) => item(each, t)))),
  );
}

/** @param {Result} result @param {(key: string, ...args: any[]) => string} t */
function item(result, t) {
  const outcome = outcomeOf(result);
  const word = result.hookType ? [result.hookType, result.hookPhase].filter(Boolean).join(" ") : (result.status ?? t("application.results.waiting"));
  return h(
    "li",
    { "data-key": [result.group, result.kind, result.namespace, result.name, result.syncPhase].join("/"), "data-outcome": outcome },
    h("span", { class: "outcome" }, foreign(word)),
    h("span", { class: "what wrap" }, foreign(result.kind, "kind"), " ", foreign([result.namespace, result.name].filter(Boolean).join("/"))),
    result.message && h("span", { class: "said wrap", dir: "auto" }, result.message),
  );
}
