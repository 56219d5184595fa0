/** One line for each change: who and what, seven stages as a strip, and where the time went. */

import { foreign, h, outward, timeOf } from "../application/markup.js";
import { makeIcon } from "../shell/dom.js";
import { shorten } from "../shell/documents.js";
import { commitOf, counts, lookOfState, outcomeOf, segmentsOf, spanOf, stageOf, STAGES, weightsOf } from "./read.js";
import { tellSpan } from "./span.js";

/**
 * @typedef {import("../application/sections.js").Tools} Tools
 * @typedef {import("./read.js").Change} Change
 *
 * @typedef {object} Looking  how a line is looked at
 * @property {boolean} named  whether the application is said: not on its own page
 * @property {boolean} open
 * @property {(change: Change, looking: Looking, tools: Tools) => Node} [body]  what an open one shows below
 * @property {Record<string, any>} [revisions]  what Argo CD knows of revisions, by SHA
 * @property {any[]} [rollouts]  how the rollouts stand at this moment, where this change is the one they are about
 */

/** A span, which counts up as long as it isn't over. @param {number} span @param {number | undefined} since @param {Tools["format"]} format @param {string} [className] */
export function spanOfTime(span, since, format, className = "span") {
  return h("span", { class: className, "data-since": since, "data-quiet": since !== undefined }, tellSpan(span, format));
}

/** @param {Change} change @param {Looking} looking @param {Tools} tools */
export function lineOf(change, looking, tools) {
  const deployed = counts(change);
  return h(
    "li",
    { class: "change", "data-key": change.id, "data-kind": change.kind, "data-outcome": change.outcome, "data-open": looking.open },
    headOf(change, looking, tools),
    deployed && (looking.open || !isBare(change)) && stripOf(change, looking, tools),
    deployed && !change.seeded && barOf(change, tools),
    storyOf(change, tools),
    looking.open && looking.body?.(change, looking, tools),
  );
}

/** @param {Change} change @param {Looking} looking @param {Tools} tools */
function headOf(change, looking, tools) {
  const { t, format } = tools;
  const commit = commitOf(change);
  const title = titleOf(change, t, looking.revisions);
  const lead = change.durations?.lead;
  return h(
    "div",
    { class: "change-head", "data-key": "head" },
    h("button", { type: "button", class: "change-toggle", "data-toggle": change.id, "aria-expanded": String(looking.open), "aria-label": t("timeline.details", title) }, makeIcon("chevron")),
    showOutcome(change, t),
    h(
      "div",
      { class: "change-what" },
      h("p", { class: "change-title" }, commit.title && counts(change) ? outward(commit.url, title) : foreign(title)),
      h("p", { class: "change-about" }, ...aboutOf(change, commit, looking, tools)),
    ),
    h(
      "p",
      { class: "change-when" },
      lead !== undefined && h("span", { class: "lead-time", title: t("timeline.lead.short") }, makeIcon("clock"), h("span", { class: "unseen" }, t("timeline.lead", "")), tellSpan(lead * 1_000, format)),
      timeOf(change.startedAt, tools),
    ),
  );
}

/** @param {Change} change @param {Tools["t"]} t @param {Record<string, any>} [revisions] */
export function titleOf(change, t, revisions = {}) {
  if (!counts(change)) return wordOf("timeline.kind.", change.kind, t);
  const revision = (change.revisions ?? []).map(shorten).join(", ");
  const said = (change.revisions ?? []).map((each) => String(revisions[each]?.message ?? "").trim().split("\n")[0]).find(Boolean);
  const known = [commitOf(change).title, stageOf(change, "manifest").title].find((title) => title && !/^[0-9a-f]{7,64}$/.test(title));
  return known || said || (revision ? t("timeline.revision", revision) : t("timeline.untitled"));
}

/** @param {Change} change @param {Tools["t"]} t */
export function showOutcome(change, t) {
  const { word, look, icon = look } = outcomeOf(change);
  return h("span", { class: "status outcome", "data-look": look }, makeIcon(icon), h("span", null, wordOf("timeline.outcome.", word, t)));
}

/** Our word for one of the gateway's, or that itself where it is newer than we are. @param {string} prefix @param {string} word @param {Tools["t"]} t */
export function wordOf(prefix, word, t) {
  const text = t(prefix + word);
  return text === prefix + word ? word : text;
}

/** @param {Change} change @param {ReturnType<typeof commitOf>} commit @param {Looking} looking @param {Tools} tools */
function aboutOf(change, commit, looking, { t, link }) {
  const who = change.initiatedBy ? t("timeline.by", change.initiatedBy) : change.automated ? "" : undefined;
  return [
    looking.named && h("a", { class: "change-app", href: link({ page: "application", app: change.application }) }, foreign(nameOf(change))),
    looking.named && change.environment && h("span", { class: "chip" }, foreign(change.environment)),
    change.kind === "rollback" && h("span", { class: "chip kind" }, wordOf("timeline.kind.", change.kind, t)),
    commit.sha && counts(change) && h("a", { class: "sha", href: link({ page: "timeline", commit: commit.sha }), "aria-label": t("timeline.follow", commit.sha.slice(0, 7)), title: t("timeline.follow", commit.sha) }, commit.sha.slice(0, 7)),
    commit.author && counts(change) && foreign(commit.author),
    who && h("span", null, foreign(who)),
    change.seeded && h("span", { title: t("timeline.story.seeded") }, t("timeline.seeded")),
  ];
}

/** Whether nothing of its way is known but that it was synced: a strip would say seven times that it doesn't know. @param {Change} change */
const isBare = (change) => Boolean(change.seeded) && STAGES.every((name) => name === "sync" || stageOf(change, name).state === "unknown");

/** @param {Change} change */
export const nameOf = ({ application }) => application.slice(application.indexOf("/") + 1);

/** @param {Change} change @param {Looking} looking @param {Tools} tools */
function stripOf(change, looking, tools) {
  const known = STAGES.map((name) => stageOf(change, name));
  return h("ol", { class: "strip", "data-key": "strip" }, ...known.map((stage) => stepOf(stage, change, looking, tools)));
}

/** @param {import("./read.js").Stage} stage @param {Change} change @param {Looking} looking @param {Tools} tools */
function stepOf(stage, change, looking, tools) {
  const { t } = tools;
  const grade = stage.link?.grade;
  const doubtful = grade === "likely" || grade === "weak";
  return h(
    "li",
    { class: "step", "data-stage": stage.stage, "data-state": stage.state, "data-grade": grade, "data-look": lookOfState(stage.state) },
    makeIcon(lookOfState(stage.state)),
    h("span", { class: "step-name" }, wordOf("timeline.stage.", stage.stage, t), h("span", { class: "unseen" }, `: ${wordOf("timeline.state.", stage.state, t)}`)),
    h("span", { class: "step-value" }, ...valueOf(stage, change, looking, tools)),
    doubtful && h("span", { class: "step-grade" }, t(`timeline.grade.${grade}`)),
  );
}

/** What a cell says below its name: how long it took, or what it is about, or that it isn't known. @param {import("./read.js").Stage} stage @param {Change} change @param {Looking} looking @param {Tools} tools */
function valueOf(stage, change, looking, { t, format, now }) {
  const { state } = stage;
  if (state === "skipped" || state === "unknown") return [h("span", { class: "muted" }, wordOf("timeline.state.", state, t))];
  if (stage.stage === "rollout" && state === "running") {
    const [moving] = weightsOf(looking.rollouts);
    if (moving?.weight !== undefined) return [`${moving.weight} %`, h("meter", { class: "weight", min: 0, max: 100, value: moving.weight, "aria-hidden": "true" })];
  }
  if (state === "failed" && stage.stage === "healthy") return [t("timeline.state.failed")];
  const span = spanOf(stage, now());
  if (["build", "sync", "rollout"].includes(stage.stage) && !Number.isNaN(span)) {
    const since = state === "running" ? Date.parse(stage.startedAt ?? "") : undefined;
    return [state === "failed" ? h("span", { class: "bad" }, `${t("timeline.state.failed")} · `) : "", spanOfTime(span, since, format)];
  }
  const about = { commit: commitOf(change).sha.slice(0, 7), image: versionOf(stage.title), manifest: /^[0-9a-f]{12}\b/.test(stage.detail ?? "") ? stage.detail?.slice(0, 7) : "" }[stage.stage];
  if (about) return [foreign(about, "mono")];
  const at = stage.finishedAt ?? stage.startedAt;
  return [at ? h("span", null, format.clock(at, now())) : wordOf("timeline.state.", state, t)];
}

/** @param {string | undefined} title  "name:tag", or "3 images" */
function versionOf(title = "") {
  const colon = title.lastIndexOf(":");
  return colon < 0 ? title : title.slice(colon + 1) || title;
}

/** @param {Change} change @param {Tools} tools */
function barOf(change, { t, format, now }) {
  const segments = segmentsOf(change, now());
  const total = segments.reduce((sum, { span }) => sum + span, 0);
  if (total < 1_000 || segments.length < 2) return undefined;
  const told = segments.map(({ stage, span }) => `${t(stage ? `timeline.stage.${stage}` : "timeline.waiting")} ${tellSpan(span, format)}`);
  const bar = h("div", { class: "time-bar", role: "img", "data-key": "bar", "data-quiet": true, "aria-label": t("timeline.where", told.join(", ")) });
  segments.forEach(({ stage, state, span, since }, index) => {
    const label = t(stage ? `timeline.stage.${stage}` : "timeline.waiting");
    const share = Math.max(span / total, 0.002).toFixed(4);
    bar.append(h("span", { class: "time-part", "data-stage": stage, "data-state": state, "data-share": share, title: told[index] }, h("span", { class: "time-label" }, `${label} `, spanOfTime(span, since, format))));
  });
  return bar;
}

/** What became of it, in words, where that isn't simply that it is healthy. @param {Change} change @param {Tools} tools */
function storyOf(change, { t, format, now, link }) {
  const { rollback, supersededBy, id } = change;
  const taken = rollback && (rollback.at || rollback.of === id);
  const other = rollback ? (taken ? rollback.by : rollback.of) : supersededBy;
  const text = rollback
    ? taken
      ? wordOf("timeline.story.taken.", rollback.how, (key) => t(key, format.clock(rollback.at ?? change.endedAt, now())))
      : wordOf("timeline.story.", rollback.how, t)
    : supersededBy
      ? t("timeline.story.superseded")
      : "";
  if (!text) return undefined;
  const where = other && other !== id && h("a", { href: link({ page: "application", app: change.application, change: other }) }, t("timeline.story.which"));
  return h("p", { class: "story", "data-key": "story" }, text, where ? " " : "", where);
}
