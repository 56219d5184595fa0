/** What an opened line shows: each stage with its parts, times and evidence; clocks; what couldn't be linked. */

import { foreign, h, outward } from "../application/markup.js";
import { makeIcon } from "../shell/dom.js";
import { shorten } from "../shell/documents.js";
import { spanOfTime, wordOf } from "./line.js";
import { lookOfState, spanOf, weightsOf } from "./read.js";
import { tellSpan } from "./span.js";

/** @typedef {import("../application/sections.js").Tools} Tools */

/** What is also said by a stage's own link doesn't need to be said again by each of its parts. */
const SHOWN = 12;

/** @param {import("./read.js").Change} change @param {import("./line.js").Looking} looking @param {Tools} tools */
export function bodyOf(change, looking, tools) {
  const { t, format } = tools;
  const clocks = Object.entries(change.durations ?? {});
  return h(
    "div",
    { class: "change-body", "data-key": "body", "data-quiet": true },
    h("ol", { class: "stages" }, ...(change.stages ?? []).map((stage) => stageOf(stage, looking, tools))),
    h(
      "div",
      { class: "change-facts" },
      clocks.length > 0 && h("section", null, h("p", { class: "sub" }, t("timeline.clocks")), h("dl", { class: "clocks" }, ...clocks.flatMap(([name, seconds]) => [h("dt", null, wordOf("timeline.clock.", name, t)), h("dd", null, tellSpan(seconds * 1_000, format))]))),
      listOf(t("timeline.images"), change.images, (image) => h("a", { class: "mono", href: tools.link({ page: "timeline", image }) }, foreign(image))),
      listOf(t("timeline.revisions"), change.revisions, (revision) => h("a", { class: "mono", href: tools.link({ page: "timeline", commit: revision }), title: revision }, foreign(shorten(revision)))),
      listOf(t("timeline.remarks"), change.remarks, (remark) => foreign(remark)),
    ),
  );
}

/** @template T @param {string} title @param {T[] | undefined} all @param {(one: T) => Node} make */
function listOf(title, all, make) {
  return all?.length ? h("section", null, h("p", { class: "sub" }, title), h("ul", null, ...all.map((each) => h("li", null, make(each))))) : undefined;
}

/** @param {import("./read.js").Stage} stage @param {import("./line.js").Looking} looking @param {Tools} tools */
function stageOf(stage, looking, tools) {
  const { t } = tools;
  const name = wordOf("timeline.stage.", stage.stage, t);
  const told = Boolean(stage.title || stage.detail || stage.items?.length || stage.startedAt || stage.finishedAt);
  const items = inOrder(stage.items);
  const rest = items.slice(SHOWN);
  return h(
    "li",
    { class: "stage", "data-key": stage.stage, "data-state": stage.state, "data-look": lookOfState(stage.state) },
    makeIcon(lookOfState(stage.state)),
    h(
      "div",
      { class: "stage-what" },
      h("p", { class: "sub" }, name, " ", h("span", { class: "stage-state" }, wordOf("timeline.state.", stage.state, t))),
      (stage.title || stage.url) && h("p", { class: "stage-title" }, outward(stage.url, stage.stage === "sync" ? tellSync(stage.title ?? "", t) : (stage.title ?? stage.url ?? ""))),
      stage.detail && stage.detail !== stage.title && h("p", { class: "stage-detail" }, foreign(stage.detail)),
      whenOf(stage, tools),
      stage.stage === "rollout" && weightOf(looking.rollouts, tools),
      !told && stage.state === "unknown" && stage.stage !== "healthy" && h("p", { class: "stage-detail" }, t("timeline.nothing", name)),
      items.length > 0 && h("ul", { class: "items" }, ...items.slice(0, SHOWN).map((item) => itemOf(item, tools))),
      rest.length > 0 && h("details", null, h("summary", null, t("timeline.more", tools.format.count(rest.length))), h("ul", { class: "items" }, ...rest.map((item) => itemOf(item, tools)))),
      evidenceOf(stage.link, tools),
    ),
  );
}

/** A sync's kind and who began it; of its words those that are ours are said in the reader's language. @param {string} title @param {Tools["t"]} t */
function tellSync(title, t) {
  const said = (/** @type {string} */ word) => (word === "automated" ? t("timeline.by.argocd") : wordOf("timeline.kind.", word, t));
  return title.split(" · ").map(said).join(" · ");
}

/** @param {import("./read.js").Item} part @param {Tools} tools @param {string} [tag] */
function whenOf(part, { t, format, now }, tag = "p") {
  const { startedAt, finishedAt, state } = part;
  const span = spanOf(part, now());
  const since = state === "running" ? Date.parse(startedAt ?? "") : undefined;
  const clock = startedAt ? t("timeline.from", format.clock(startedAt, now())) : finishedAt ? t("timeline.at", format.clock(finishedAt, now())) : "";
  if (!clock) return undefined;
  const took = Number.isNaN(span) ? undefined : since === undefined ? h("span", null, t("timeline.took", tellSpan(span, format))) : spanOfTime(span, since, format);
  return h(tag, { class: "stage-when" }, h("time", { datetime: startedAt ?? finishedAt, title: format.moment(startedAt ?? finishedAt) }, clock), took ? " · " : "", took);
}

/** @param {import("./read.js").Item} item @param {Tools} tools */
function itemOf(item, tools) {
  const { t } = tools;
  const look = item.state ? lookOfState(item.state) : undefined;
  return h(
    "li",
    { class: "portion", "data-look": look, "data-state": item.state },
    look ? makeIcon(look) : h("span", { class: "dot" }, "·"),
    h(
      "div",
      null,
      h("p", { class: "portion-line" }, outward(item.url, item.title), item.state && item.state !== "done" && h("b", { class: "stage-state" }, wordOf("timeline.state.", item.state, t)), ...countsOf(item, tools), whenOf(item, tools, "span")),
      item.detail && h("p", { class: "stage-detail" }, foreign(item.detail)),
      item.link && (item.link.grade === "likely" || item.link.grade === "weak") && evidenceOf(item.link, tools),
    ),
  );
}

/** What a scanner found, the worst first; that it found nothing is said as well. @param {import("./read.js").Item} item @param {Tools} tools */
function countsOf({ counts }, { t, format }) {
  if (!counts) return [];
  const found = bySeverity(counts).filter(([, count]) => count > 0);
  if (!found.length) return [h("span", { class: "muted" }, t("timeline.found.none"))];
  return found.map(([severity, count]) => h("span", { class: "severity", "data-severe": isSevere(severity) }, h("b", null, format.count(count)), " ", foreign(severity.toLowerCase())));
}

/** @param {{ grade: string, evidence: string[] } | undefined} link @param {Tools} tools */
function evidenceOf(link, { t }) {
  if (!link?.evidence?.length) return undefined;
  return h("details", { class: "evidence", "data-grade": link.grade }, h("summary", null, t("timeline.evidence", wordOf("timeline.grade.", link.grade, t))), h("ul", null, ...link.evidence.map((each) => h("li", null, foreign(each)))));
}

/** @param {any[] | undefined} rollouts @param {Tools} tools */
function weightOf(rollouts, { t, format, now }) {
  const known = weightsOf(rollouts);
  if (!known.length) return undefined;
  return h(
    "ul",
    { class: "weights" },
    ...known.map(({ name, weight, desired, step, steps, paused }) => {
      const told = [
        weight === undefined ? "" : desired === undefined || desired === weight ? t("timeline.weight", weight) : t("timeline.weight.to", weight, desired),
        step !== undefined && steps.length ? t("timeline.step", Math.min(step + 1, steps.length), steps.length) : "",
        paused ? t("timeline.paused", tellSpan(Math.max(0, now() - Date.parse(paused)), format)) : "",
      ].filter(Boolean);
      return h("li", { "data-key": name }, foreign(name, "mono"), " ", weight !== undefined && h("meter", { min: 0, max: 100, value: weight, "aria-hidden": "true" }), " ", told.join(" · "));
    }),
  );
}

const BAD = { failed: 0, running: 1, unknown: 2 };

/** Failed ones first, then those that run; otherwise as they came. @param {import("./read.js").Item[] | undefined} items @returns {import("./read.js").Item[]} */
function inOrder(items) {
  const rank = (/** @type {import("./read.js").Item} */ { state }) => BAD[/** @type {keyof BAD} */ (state)] ?? 3;
  return [...(items ?? [])].sort((one, other) => rank(one) - rank(other));
}

/** From the worst: scanners write them in their own ways. */
const SEVERITIES = ["critical", "high", "medium", "moderate", "low", "negligible", "unknown"];

/** @param {Record<string, number> | undefined} found @returns {[string, number][]}  the worst first */
function bySeverity(found) {
  const rank = (/** @type {string} */ name) => (SEVERITIES.indexOf(name.toLowerCase()) + 1 || SEVERITIES.length + 1);
  return Object.entries(found ?? {}).sort(([one], [other]) => rank(one) - rank(other));
}

/** @param {string} severity */
const isSevere = (severity) => ["critical", "high"].includes(severity.toLowerCase());
