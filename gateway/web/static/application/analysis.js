/** Analysis runs of a rollout: each metric with its last measurements, what was asked, and what makes a value good. */

import { makeIcon } from "../shell/dom.js";
import { parseInstant } from "../shell/format.js";
import { foreign, h, timeOf } from "./markup.js";

/** Argo Rollouts' words in the looks of Argo CD's. @type {Record<string, string>} */
const LOOKS = {
  Healthy: "healthy",
  Successful: "healthy",
  Progressing: "progressing",
  Running: "progressing",
  Pending: "progressing",
  Paused: "suspended",
  Inconclusive: "missing",
  Degraded: "degraded",
  Failed: "degraded",
  Error: "degraded",
};

/** One of Argo Rollouts' words with an icon. @param {string} word */
export function marked(word) {
  const look = LOOKS[word] ?? "unknown";
  return h("span", { class: "status", "data-look": look }, makeIcon(look), h("span", { dir: "auto" }, word));
}

/** @param {any[]} runs @param {import("./sections.js").Tools} tools */
export function listRuns(runs, tools) {
  const { t } = tools;
  return h("div", { class: "runs", "data-key": "runs" }, h("h3", null, t("application.rollout.analyses")), ...runs.map((run) => renderRun(run, tools)));
}

/** @param {any} run @param {import("./sections.js").Tools} tools */
function renderRun(run, tools) {
  const { t } = tools;
  const known = ["Background", "PrePromotion", "PostPromotion"].includes(run.type);
  const place = run.step ? t("application.rollout.run.step", run.step) : known ? t(`application.rollout.run.${run.type}`) : "";
  return h(
    "section",
    { class: "run", "data-key": run.name, "data-phase": run.phase },
    h("p", { class: "line" }, marked(run.phase), h("span", null, place), timeOf(run.completedAt ?? run.startedAt, tools), h("span", { class: "muted wrap" }, foreign(run.name))),
    run.message && h("p", { class: "said wrap", dir: "auto" }, run.message),
    ...(run.metrics ?? []).map((/** @type {any} */ metric) => renderMetric(metric, tools)),
  );
}

/** @param {any} metric @param {import("./sections.js").Tools} tools */
function renderMetric(metric, tools) {
  const { t } = tools;
  const values = metric.values ?? [];
  const done = metric.successful + metric.failed + metric.inconclusive + metric.error;
  const counts = [
    t("application.rollout.measured", metric.successful, metric.failed, metric.limit),
    metric.inconclusive ? t("application.rollout.measured.unclear", metric.inconclusive) : "",
    metric.error ? t("application.rollout.measured.errors", metric.error) : "",
    ["Running", "Pending"].includes(metric.phase) && done < metric.count ? t("application.rollout.measured.of", done, metric.count) : "",
    metric.dryRun ? t("application.rollout.trial") : "",
  ];
  return h(
    "div",
    { class: "metric", "data-key": `metric ${metric.name}` },
    h("p", { class: "line" }, h("b", null, foreign(metric.name)), marked(metric.phase), h("span", { class: "muted" }, counts.filter(Boolean).join(" · "))),
    values.length > 0 && h("ol", { class: "values", "aria-label": t("application.rollout.measurements", metric.name) }, ...values.map((/** @type {any} */ value) => renderValue(value, tools))),
    metric.message && h("p", { class: "said wrap", dir: "auto" }, metric.message),
    asked(metric, t),
  );
}

/** @param {any} value @param {import("./sections.js").Tools} tools */
function renderValue(value, { format }) {
  const at = parseInstant(value.at);
  const look = LOOKS[value.phase] ?? "unknown";
  const title = [value.phase, Number.isNaN(at) ? "" : format.moment(at), value.message].filter(Boolean).join("\n");
  return h(
    "li",
    { "data-key": value.at, "data-look": look, title },
    makeIcon(look),
    h("span", { class: "mono wrap" }, foreign(tellValue(value))),
    h("span", { class: "phase-word" }, value.phase),
  );
}

/** A single result stands in brackets: `[0.97]`. @param {any} value @returns {string} */
function tellValue({ value, phase }) {
  if (value === undefined) return phase;
  const [, single] = /^\[([^[\],]*)\]$/.exec(value) ?? [];
  const number = Number(single);
  if (!single || Number.isNaN(number)) return value;
  return Number.isInteger(number) ? String(number) : String(Number(number.toPrecision(4)));
}

/** @param {any} metric @param {(key: string, ...args: any[]) => string} t */
function asked({ provider, query, condition, failureCondition }, t) {
  const rules = [condition && t("application.rollout.good", condition), failureCondition && t("application.rollout.bad", failureCondition)].filter(Boolean);
  if (!query && !rules.length) return undefined;
  return h(
    "p",
    { class: "asked line" },
    provider && h("span", { class: "muted" }, foreign(provider)),
    query && h("code", { class: "wrap" }, foreign(query)),
    ...rules.map((rule) => h("span", { class: "muted" }, foreign(rule))),
  );
}
