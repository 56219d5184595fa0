/** Figures at a glance: each objective with its error budget, and DORA's four. What can't be known is a dash, with a reason. */

import { h } from "../application/markup.js";
import { makeIcon } from "../shell/dom.js";
import { tellSpan } from "../timeline/span.js";
import { frequency, judge } from "./figures.js";

const CLOCKS = ["lead", "pipeline", "build", "sync"];

/** @param {number} share @param {string} tag @param {number} [digits] */
export function tellShare(share, tag, digits = 1) {
  return new Intl.NumberFormat(tag, { style: "percent", maximumFractionDigits: digits }).format(share);
}

/** @param {import("./figures.js").Group} group @param {{ name: string, objective: number, target?: number }[]} slos @param {any} tools */
export function objectivesOf(group, slos, tools) {
  const { t, format, tag } = tools;
  const clocks = CLOCKS.map((name) => {
    const spread = group.durations?.[name];
    const slo = slos.find((each) => each.name === name);
    return tile(name, spread && tellSpan(spread.p50 * 1_000, format), tools, {
      unit: t("kpis.p50"),
      about: spread ? [t("kpis.p90", tellSpan(spread.p90 * 1_000, format)), t("kpis.count", format.count(spread.count ?? 0))].join(" · ") : "",
      objective: slo && t("kpis.objective.time", tellShare(slo.objective, tag), tellSpan((slo.target ?? 0) * 1_000, format)),
      budget: group.budgets?.find(({ slo: each }) => each === name),
    });
  });
  const rates = /** @type {const} */ (["builds", "deployments"]).map((name) => {
    const share = group.successRate?.[name];
    const slo = slos.find((each) => each.name === name);
    const budget = group.budgets?.find(({ slo: each }) => each === name);
    return tile(name, share === undefined ? undefined : tellShare(share, tag), tools, {
      about: budget ? t("kpis.count", format.count(budget.count)) : "",
      objective: slo && t("kpis.objective.share", tellShare(slo.objective, tag)),
      budget,
    });
  });
  return [...clocks, ...rates];
}

/** @param {import("./figures.js").Group} group @param {any} tools */
export function doraOf(group, tools) {
  const { t, format, tag } = tools;
  const { deploymentFrequency: often, leadTime, changeFailureRate, timeToRestore } = group.dora ?? {};
  const [unit, count] = frequency(often ?? 0);
  const number = new Intl.NumberFormat(tag, { maximumFractionDigits: count < 10 ? 1 : 0 });
  return [
    tile("frequency", often === undefined ? undefined : t(`kpis.frequency.${unit}`, number.format(count)), tools, { about: t("kpis.frequency.text", format.count(group.succeeded)) }),
    tile("leadtime", leadTime === undefined ? undefined : tellSpan(leadTime * 1_000, format), tools, { about: t("kpis.leadtime.text"), absent: "lead" }),
    tile("failure", changeFailureRate === undefined ? undefined : tellShare(changeFailureRate, tag), tools, { about: t("kpis.failure.text", format.count(group.failed), format.count(group.rolledBack)) }),
    tile("restore", timeToRestore === undefined ? undefined : tellSpan(timeToRestore * 1_000, format), tools, { about: t("kpis.restore.text") }),
  ];
}

/**
 * @param {string} name
 * @param {string | undefined} value  undefined where it can't be known
 * @param {any} tools
 * @param {{ unit?: string, about?: string, objective?: string, budget?: import("./figures.js").Budget, absent?: string }} more
 */
function tile(name, value, { t, format, tag }, { unit, about, objective, budget, absent = name }) {
  const verdict = budget && judge(budget);
  return h(
    "li",
    { class: "tile card", "data-key": name, "data-look": verdict?.look },
    h("h3", null, t(`kpis.${name}`)),
    verdict && h("span", { class: "status verdict", "data-look": verdict.look }, makeIcon(verdict.look), h("span", null, t(`kpis.${verdict.word}`))),
    h("p", { class: "value", "data-absent": value === undefined }, value ?? t("kpis.absent"), value !== undefined && unit && h("span", { class: "unit" }, ` ${unit}`)),
    h("p", { class: "about" }, value === undefined ? t(`kpis.absent.${absent}`) : about),
    objective && h("p", { class: "objective" }, objective),
    budget && budgetOf(budget, tag, t, format),
  );
}

/** What is left of an error budget; what is overspent fills the bar, and the text says how much it is. @param {import("./figures.js").Budget} budget @param {string} tag @param {any} t @param {any} format */
function budgetOf({ spent, remaining, breaches, count, target }, tag, t, format) {
  const [over, all] = [breaches, count].map((each) => format.count(each));
  const times = new Intl.NumberFormat(tag, { maximumFractionDigits: 1 }).format(spent);
  const breached = t(target === undefined ? "kpis.budget.failed" : "kpis.budget.late", over, all);
  const text = spent > 1 ? t("kpis.budget.over", times, breached) : t("kpis.budget.left", tellShare(Math.max(0, remaining), tag, 0), breached);
  return h("div", { class: "budget" }, h("div", { class: "budget-bar", "aria-hidden": "true" }, h("span", { class: "budget-spent", "data-share": Math.min(1, spent).toFixed(3) })), h("p", null, text));
}
