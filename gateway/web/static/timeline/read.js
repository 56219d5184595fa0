/**
 * What is read from the lines of `/api/timeline`. Pure, and without words.
 *
 * @typedef {object} Item
 * @property {string} title
 * @property {string} [state]
 * @property {string} [kind]
 * @property {string} [startedAt]
 * @property {string} [finishedAt]
 * @property {string} [detail]
 * @property {string} [url]
 * @property {Record<string, number>} [counts]
 * @property {{ grade: string, evidence: string[] }} [link]
 *
 * @typedef {Item & { stage: string, state: string, items?: Item[] }} Stage
 *
 * @typedef {object} Change
 * @property {string} id
 * @property {string} application
 * @property {string} [project]
 * @property {string} [service]
 * @property {string} [environment]
 * @property {string} outcome
 * @property {string} kind
 * @property {boolean} [automated]
 * @property {string} [initiatedBy]
 * @property {string[]} [revisions]
 * @property {string[]} [images]
 * @property {string} [startedAt]
 * @property {string} [endedAt]
 * @property {boolean} [seeded]
 * @property {Stage[]} [stages]
 * @property {Record<string, number>} [durations]
 * @property {{ how: string, of?: string, by?: string, at?: string }} [rollback]
 * @property {string} [supersededBy]
 * @property {string[]} [remarks]
 *
 * @typedef {{ stage: string, state: string, span: number, since?: number }} Segment  milliseconds; `stage` is "" where
 * nothing was seen to be done
 */

export const STAGES = ["commit", "build", "image", "manifest", "sync", "rollout", "healthy"];

/** How a stage looks: an icon and a colour of the shell. @type {Record<string, string>} */
const LOOKS = { done: "healthy", running: "progressing", failed: "degraded", skipped: "gone", unknown: "unknown" };

/** @param {string | undefined} state */
export const lookOfState = (state) => LOOKS[state ?? ""] ?? "unknown";

/** @type {Record<string, string>} */
const OUTCOMES = { succeeded: "healthy", running: "progressing", progressing: "progressing", failed: "degraded", "rolled-back": "missing", superseded: "gone" };

/** @param {string} outcome */
export const lookOfOutcome = (outcome) => OUTCOMES[outcome] ?? "unknown";

/** Whether it is a deployment; all else is what happens beside them. @param {Change} change */
export const counts = ({ kind }) => kind === "deployment" || kind === "rollback";

/** @param {Change} change */
export const isOpen = ({ outcome }) => outcome === "running" || outcome === "progressing";

/** @param {Change} change */
export const isTrouble = ({ outcome }) => outcome === "failed" || outcome === "rolled-back";

/** @param {Change} change @param {string} name @returns {Stage} */
export function stageOf(change, name) {
  return (change.stages ?? []).find(({ stage }) => stage === name) ?? { stage: name, state: "unknown", title: "" };
}

/** @param {string | undefined} at @returns {number}  milliseconds, or NaN */
export const time = (at) => Date.parse(at ?? "");

/**
 * How long a stage or one of its items took, or has been taking.
 * @param {{ state?: string, startedAt?: string, finishedAt?: string }} part
 * @param {number} now
 * @returns {number}  milliseconds, or NaN
 */
export function spanOf({ state, startedAt, finishedAt }, now) {
  const span = (state === "running" ? now : time(finishedAt)) - time(startedAt);
  return span >= 0 ? span : NaN;
}

/** The commit that a change is about, as its stage tells: SHA, repository, author. @param {Change} change */
export function commitOf(change) {
  const { detail, title, url, link, startedAt } = stageOf(change, "commit");
  const [sha = "", repository = "", ...author] = (detail ?? "").split(" · ");
  const known = /^[0-9a-f]{4,64}$/.test(sha);
  return { sha: known ? sha : "", repository: known ? repository : "", author: known ? author.join(" · ") : "", title: known ? (title ?? "") : "", url, grade: link?.grade, committedAt: startedAt };
}

const BAD = { failed: 0, running: 1, unknown: 2 };

/** Failed ones first, then those that run; otherwise as they came. @param {Item[] | undefined} items @returns {Item[]} */
export function inOrder(items) {
  const rank = (/** @type {Item} */ { state }) => BAD[/** @type {keyof BAD} */ (state)] ?? 3;
  return [...(items ?? [])].sort((one, other) => rank(one) - rank(other));
}

/** From the worst: scanners write them in their own ways. */
const SEVERITIES = ["critical", "high", "medium", "moderate", "low", "negligible", "unknown"];

/** @param {Record<string, number> | undefined} found @returns {[string, number][]}  the worst first */
export function bySeverity(found) {
  const rank = (/** @type {string} */ name) => (SEVERITIES.indexOf(name.toLowerCase()) + 1 || SEVERITIES.length + 1);
  return Object.entries(found ?? {}).sort(([one], [other]) => rank(one) - rank(other));
}

/** @param {string} severity */
export const isSevere = (severity) => ["critical", "high"].includes(severity.toLowerCase());

/**
 * Where the time went: what was done one after the other, with the gaps between. A rollback's commit and build had
 * their time before, and so had those of a change to which they belong only perhaps.
 * @param {Change} change
 * @param {number} now
 * @returns {Segment[]}
 */
export function segmentsOf(change, now) {
  const own = change.kind === "deployment" && stageOf(change, "commit").link?.grade !== "weak";
  const shown = own ? ["commit", "build", "manifest", "sync", "rollout"] : ["manifest", "sync", "rollout"];
  const parts = shown
    .map((name) => stageOf(change, name))
    .map(({ stage, state, startedAt, finishedAt }) => ({ stage, state, begin: time(startedAt), end: state === "running" ? now : time(finishedAt) }))
    .filter(({ begin, end }) => end >= begin)
    .sort((one, other) => one.begin - other.begin || one.end - other.end);
  /** @type {Segment[]} */
  const segments = [];
  let at = parts[0]?.begin ?? 0;
  for (const { stage, state, begin, end } of parts) {
    if (begin > at) segments.push({ stage: "", state: "waiting", span: begin - at });
    if (end > at || state === "running") segments.push({ stage, state, span: Math.max(0, end - Math.max(at, begin)), since: state === "running" ? begin : undefined });
    at = Math.max(at, end);
  }
  return segments;
}

/**
 * The latest change of each application in each environment, for a commit that is followed.
 * @param {Change[]} changes  newest first
 * @returns {{ environments: Set<string>, rows: Map<string, Map<string, Change[]>> }}  rows by service, else by application
 */
export function follow(changes) {
  /** @type {Map<string, Map<string, Change[]>>} */
  const rows = new Map();
  const environments = new Set();
  const seen = new Set();
  for (const change of changes) {
    if (!counts(change) || seen.has(change.application)) continue;
    seen.add(change.application);
    const environment = change.environment ?? "";
    environments.add(environment);
    const row = change.service ?? change.application.slice(change.application.indexOf("/") + 1);
    const cells = rows.get(row) ?? new Map();
    rows.set(row, cells.set(environment, [...(cells.get(environment) ?? []), change]));
  }
  return { environments, rows };
}

/**
 * What is said of a rollout while it moves, or where it stopped.
 * @param {any[] | undefined} rollouts  of the detail
 * @returns {{ weight?: number, desired?: number, step?: number, steps: any[], paused?: string, ends?: string, name: string }[]}
 */
export function weightsOf(rollouts) {
  return (rollouts ?? [])
    .filter((each) => each && (each.steps?.length || Number.isFinite(each.weight)))
    .map((each) => ({ name: String(each.name ?? ""), weight: each.weight, desired: each.desiredWeight, step: each.step, steps: each.steps ?? [], paused: each.pausedSince, ends: each.pauseEndsAt }));
}
