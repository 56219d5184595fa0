/** Why an application isn't well: the gateway's explanations, what to do, and what was deployed just before. */

import { healthOf, syncOf } from "../shell/documents.js";
import { message } from "./conditions.js";
import { foreign, h, timeOf } from "./markup.js";
import { rendered } from "./rendered.js";
import { commitOf, shortOf, tellInitiator } from "./revisions.js";

const SUBJECTS = 8;
const BAD = /^(degraded|missing|operation-failed)$|-error$/;
/** What the panel below says better: with the commit's author and message, and times in the reader's own clock. */
const DEPLOYED = / Deployed last before that: .*$/s;

/** @type {import("./sections.js").Section} */
export const why = {
  id: "why",
  title: "application.why",
  place: "main",
  fields: ["explanations", "health", "sync", "operation", "history", "revisions", "conditions"],
  create,
};

/** Explanations in other languages than the gateway's. @type {Record<string, () => Promise<{ explanations: Explanations }>>} */
const TRANSLATIONS = { ko: () => import("./explanations.ko.js") };

/** @typedef {Record<string, [string, string]>} Explanations */

/** @param {import("./sections.js").Tools} tools @returns {import("./sections.js").Part} */
function create(tools) {
  /** @type {Explanations} */
  let own = {};
  /** @type {import("./sections.js").Detail | undefined} */
  let latest;
  const part = rendered((detail) => render(detail, tools, own))(tools);
  const show = (/** @type {import("./sections.js").Detail} */ detail) => part.show((latest = detail));
  TRANSLATIONS[tools.tag]?.().then(
    ({ explanations }) => {
      own = explanations;
      if (latest) show(latest);
    },
    () => {}, // Then the gateway's own sentences do.
  );
  return { ...part, show };
}

/** @param {import("./sections.js").Detail} detail @param {import("./sections.js").Tools} tools @param {Explanations} own */
function render(detail, tools, own) {
  const { t } = tools;
  const explanations = detail.explanations ?? [];
  const [health, sync] = [healthOf(detail), syncOf(detail)];
  if (!explanations.length && health === "Healthy" && sync === "Synced") {
    return [h("p", { class: "calm", "data-key": "calm" }, t("application.why.calm"))];
  }
  const articles = explanations.map((/** @type {any} */ each) => explain(each, detail, tools, own));
  const unexplained = !explanations.length && detail.health?.message ? message(detail.health.message, tools) : undefined;
  const nothing = !explanations.length && !unexplained ? h("p", { class: "none", "data-key": "none" }, t("application.why.none", health, sync)) : undefined;
  return [...articles, unexplained, nothing, culprit(detail, tools)];
}

/** @param {any} explanation @param {import("./sections.js").Detail} detail @param {import("./sections.js").Tools} tools @param {Explanations} own */
function explain(explanation, detail, tools, own) {
  const { t } = tools;
  const { code, text, since, atLeast, advice, command, deployment, subjects = [] } = explanation;
  const said = deployment ? String(text ?? "").replace(DEPLOYED, "") : text;
  const translated = Object.hasOwn(own, code);
  const [told, advised] = translated ? own[code] : [said ?? "", advice];
  const age = timeOf(since, tools, "age");
  return h(
    "article",
    { class: "why", "data-key": `why-${code}`, "data-code": code, "data-bad": BAD.test(code) },
    h("p", { class: "told", lang: translated ? false : "en", dir: "auto" }, told),
    translated && h("p", { class: "original", lang: "en", dir: "auto" }, [said, advice].filter(Boolean).join(" ")),
    age && h("p", { class: "by" }, ...around(t(atLeast ? "application.since.least" : "application.since", "\u0000"), age)),
    code === "degraded" && detail.health?.message && detail.health.message !== text && message(detail.health.message, tools),
    subjects.length > 0 && listSubjects(subjects, t),
    advised && h("p", { class: "advice", lang: translated ? false : "en" }, advised),
    command && h("div", { class: "command" }, h("code", { tabindex: "0", role: "group", "aria-label": t("application.command") }, command), copyButton(command, t)),
  );
}

/** @param {string} command @param {(key: string) => string} t */
function copyButton(command, t) {
  return h("button", { type: "button", class: "button copy", "data-copy": command }, t("application.copy"));
}

/** Put an element where a sentence has its mark. @param {string} sentence @param {Node} element */
function around(sentence, element) {
  const [before, after] = sentence.split("\u0000");
  return [before, element, after ?? ""].filter((each) => each !== "");
}

/** @param {string[]} subjects @param {(key: string, ...args: any[]) => string} t */
function listSubjects(subjects, t) {
  const items = subjects.map((each) => h("li", { "data-key": each }, foreign(each, "mono")));
  if (items.length <= SUBJECTS) return h("ul", { class: "subjects" }, ...items);
  const rest = h("details", { "data-key": "rest" }, h("summary", null, t("application.more", items.length - SUBJECTS)), h("ul", { class: "subjects" }, ...items.slice(SUBJECTS)));
  return h("div", null, h("ul", { class: "subjects" }, ...items.slice(0, SUBJECTS)), rest);
}

/** What was deployed just before it became ill, and by whom. @param {import("./sections.js").Detail} detail @param {import("./sections.js").Tools} tools */
function culprit(detail, tools) {
  const { t, format } = tools;
  // A failed operation is its own deployment, and has a section of its own.
  const explained = (detail.explanations ?? []).find((/** @type {any} */ each) => each.deployment && each.code !== "operation-failed");
  if (!explained) return undefined;
  const { revisions = [], startedAt, initiatedBy } = explained.deployment;
  const revision = revisions.find(Boolean);
  const metadata = detail.revisions?.[revision];
  const gap = Date.parse(explained.since) - Date.parse(startedAt);
  return h(
    "aside",
    { class: "culprit", "data-key": "culprit", "aria-label": t("application.before") },
    h("p", { class: "line" }, h("b", null, t("application.before")), revision && shortOf(revision, metadata), timeOf(startedAt, tools), gap >= 0 && h("span", { class: "muted" }, t("application.before.gap", format.span(gap)))),
    commitOf(metadata, tools),
    h("p", { class: "by" }, foreign(tellInitiator(initiatedBy, t))),
  );
}
