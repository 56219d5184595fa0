/**
 * Sums about `/api/kpis`: axes, days without anything, order of groups. Pure.
 *
 * @typedef {{ p50: number, p90: number, p99?: number, count?: number }} Spread  seconds
 * @typedef {{ start: string, deployments: number, failed: number, lead?: Spread, sync?: Spread }} Bucket
 * @typedef {{ slo: string, objective: number, count: number, breaches: number, target?: number, spent: number, remaining: number }} Budget
 *
 * @typedef {object} Group
 * @property {string} name
 * @property {number} deployments
 * @property {number} succeeded
 * @property {number} failed
 * @property {number} rolledBack
 * @property {number} [builds]
 * @property {Record<string, Spread>} durations
 * @property {{ builds?: number, deployments?: number }} successRate
 * @property {{ deploymentFrequency?: number, leadTime?: number, changeFailureRate?: number, timeToRestore?: number }} dora
 * @property {Budget[]} budgets
 * @property {Bucket[]} buckets
 */

const DAY = 86_400_000;

/**
 * All days or weeks of a time in their order, also those without a deployment: those have none, and no durations.
 * @param {Bucket[]} buckets
 * @param {{ since: string, until: string, bucket: string }} asked
 * @returns {Bucket[]}
 */
export function fill(buckets, { since, until, bucket }) {
  const length = bucket === "week" ? 7 * DAY : DAY;
  const known = new Map(buckets.map((each) => [Date.parse(each.start), each]));
  const origin = bucket === "week" ? 4 * DAY : 0;
  const begin = Date.parse(since);
  const filled = [];
  for (let at = begin - ((begin - origin) % length); at < Date.parse(until); at += length) {
    filled.push(known.get(at) ?? { start: new Date(at).toISOString(), deployments: 0, failed: 0 });
  }
  return filled;
}

const SPANS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 43_200, 86_400, 172_800, 345_600, 604_800];

/**
 * Round values of an axis from 0 to at least the highest value, some four of them.
 * @param {number} highest
 * @param {"count" | "span"} kind  spans are seconds: round in minutes and hours
 * @returns {number[]}
 */
export function ticks(highest, kind) {
  const wanted = Math.max(highest, 1) / 4;
  let step = SPANS.find((each) => each >= wanted);
  if (kind === "count" || step === undefined) {
    const power = 10 ** Math.floor(Math.log10(wanted));
    step = Math.max(1, [1, 2, 5, 10].map((each) => each * power).find((each) => each >= wanted) ?? 1);
  }
  const count = Math.max(1, Math.ceil(highest / step));
  return Array.from({ length: count + 1 }, (_, index) => index * /** @type {number} */ (step));
}

/**
 * What a column of the comparison holds.
 * @type {Record<string, (group: Group) => number | string | undefined>}
 */
export const COLUMNS = {
  name: ({ name }) => name,
  deployments: ({ deployments }) => deployments,
  failed: ({ failed }) => failed,
  rolledBack: ({ rolledBack }) => rolledBack,
  success: ({ successRate }) => successRate?.deployments,
  lead: ({ durations }) => durations?.lead?.p50,
  lead90: ({ durations }) => durations?.lead?.p90,
  sync: ({ durations }) => durations?.sync?.p50,
  sync90: ({ durations }) => durations?.sync?.p90,
  build: ({ durations }) => durations?.build?.p50,
  restore: ({ dora }) => dora?.timeToRestore,
};

/**
 * Order groups by a column: its name, with a minus before it from the highest. What isn't known comes last.
 * @param {Group[]} groups
 * @param {string} sort
 * @param {string} tag  the language
 */
export function order(groups, sort, tag) {
  const descending = sort.startsWith("-");
  const read = COLUMNS[sort.replace("-", "")] ?? COLUMNS.deployments;
  const names = new Intl.Collator(tag, { numeric: true });
  return [...groups].sort((one, other) => {
    const [a, b] = [read(one), read(other)];
    if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined) || names.compare(one.name, other.name);
    const by = typeof a === "string" ? names.compare(a, String(b)) : a - Number(b);
    return (descending ? -by : by) || names.compare(one.name, other.name);
  });
}

/** How an objective stands, by its budget: icon and colour, and a word's key. @param {Budget} budget */
export function judge({ spent }) {
  if (spent > 1) return { look: "degraded", word: "missed" };
  return spent > 0.75 ? { look: "missing", word: "near" } : { look: "healthy", word: "met" };
}

/** How often, in the unit that makes it a number to speak of. @param {number} perDay @returns {["day" | "week" | "month", number]} */
export function frequency(perDay) {
  if (perDay >= 1) return ["day", perDay];
  return perDay >= 1 / 7 ? ["week", perDay * 7] : ["month", perDay * 30];
}
