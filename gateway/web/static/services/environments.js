/** The order of environments, as a change travels through them. Pure. */

const ORDER = [
  ["local"],
  ["dev", "develop", "development"],
  ["ci", "integration", "int"],
  ["test", "testing", "tst"],
  ["qa", "sit"],
  ["uat", "acceptance", "acc"],
  ["stage", "staging", "stg"],
  ["preprod", "pre-prod", "preproduction", "pre-production", "pre"],
  ["prod", "production", "prd", "live"],
];
const RANKS = new Map(ORDER.flatMap((names, rank) => names.map((name) => /** @type {[string, number]} */ ([name, rank]))));
const UNKNOWN = ORDER.length - 1.5;

const byName = new Intl.Collator("en", { numeric: true }).compare;

/** @param {string} environment */
function rankOf(environment) {
  const name = environment.toLowerCase();
  const known = RANKS.get(name);
  if (known !== undefined) return known;
  const [first, last] = [RANKS.get(name.split(/[-_.]/)[0]), RANKS.get(name.split(/[-_.]/).at(-1) ?? "")];
  return first ?? last ?? UNKNOWN;
}

/**
 * Order environments from the first that a change reaches to the last; what no name tells comes before production.
 * `prod-eu` stands beside `prod`, for its first or last word is known.
 * @param {Iterable<string>} environments
 * @returns {string[]}
 */
export function orderEnvironments(environments) {
  return [...new Set(environments)].sort((one, other) => rankOf(one) - rankOf(other) || byName(one, other));
}
