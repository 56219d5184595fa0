/**
 * What is read from the lines of `/api/timeline`. Pure, and without words.
 *
 * @typedef {import("./types.js").Item} Item
 * @typedef {import("./types.js").Stage} Stage
 * @typedef {import("./types.js").Change} Change
 * @typedef {import("./types.js").Segment} Segment
 */

export const STAGES = ["commit", "build", "image", "manifest", "sync", "rollout", "healthy"];

/** How a stage looks: an icon and a colour of the shell. @type {Record<string, string>} */
const LOOKS = { done: "healthy", running: "progressing", failed: "degraded", skipped: "gone", unknown: "unknown" };

/** @param {string | undefined} state */
export const lookOfState = (state) => LOOKS[state ?? ""] ?? "unknown";

/** @type {Record<string, string>} */
const OUTCOMES = { succeeded: "healthy", running: "progressing", progressing: "progressing", failed: "degraded", "rolled-back": "missing", superseded: "gone" };

/**
 * What became of a change as we say it. What succeeded, but wasn't seen to become healthy, is not called so.
 * @param {Change} change
 * @returns {{ word: string, look: string, icon?: string }}
 */
export function outcomeOf(change) {
  const { outcome } = change;
  if (outcome === "succeeded" && !counts(change)) return { word: "done", look: "synced" };
  if (outcome === "succeeded" && stageOf(change, "healthy").state !== "done") return { word: "deployed", look: "unknown", icon: "synced" };
  return { word: outcome, look: OUTCOMES[outcome] ?? "unknown" };
}

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
    .filter(({ state, begin, end }) => state !== "skipped" && end >= begin)
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
 * What is said of a rollout while it moves, or where it stopped.
 * @param {any[] | undefined} rollouts  of the detail
 * @returns {{ weight?: number, desired?: number, step?: number, steps: any[], paused?: string, ends?: string, name: string }[]}
 */
export function weightsOf(rollouts) {
  return (rollouts ?? [])
    .filter((each) => each && (each.steps?.length || Number.isFinite(each.weight)))
    .map((each) => ({ name: String(each.name ?? ""), weight: each.weight, desired: each.desiredWeight, step: each.step, steps: each.steps ?? [], paused: each.pausedSince, ends: each.pauseEndsAt }));
}
