/**
 * Services × environments: what runs where, and what one environment has that the next lacks. Pure.
 *
 * @typedef {import("../shell/documents.js").Application} Application
 * @typedef {{ path: string, name: string, version: string }} Version
 *
 * @typedef {object} Entry  one application of a service in an environment
 * @property {string} key
 * @property {string} name
 * @property {Version[]} versions  of its images; empty if it has none
 * @property {string} revision  short; of what Argo CD compares it with
 * @property {string} health
 * @property {string} sync
 * @property {number | undefined} deployedAt  when its last operation that succeeded ended, in milliseconds
 *
 * @typedef {object} Difference  to the next environment that has the service
 * @property {"ahead" | "behind" | "differs" | "arriving"} kind  arriving: the next one has this and, still, another
 * @property {string} next  that environment
 * @property {string} here
 * @property {string} there  what it has instead, or still has beside it
 *
 * @typedef {object} Cell
 * @property {string} environment
 * @property {Entry[]} entries
 * @property {Difference | undefined} difference
 * @property {boolean} missing  an earlier environment has the service, this one doesn't
 *
 * @typedef {{ service: string, groups: string[], cells: Cell[], differs: boolean, sick: boolean }} Row
 * @typedef {{ environments: string[], rows: Row[], unplaced: Application[] }} Matrix
 */

import { healthOf, nameOf, shortRevision, splitImage, syncOf } from "../shell/documents.js";
import { orderEnvironments } from "./environments.js";
import { compareVersions } from "./versions.js";

const byName = new Intl.Collator("en", { numeric: true }).compare;
const WELL = new Set(["Healthy", "Suspended", "Progressing"]);

/**
 * Compute the matrix of all applications that have a service and an environment.
 * @param {Iterable<Application>} applications
 * @param {(application: Application) => string} [groupOf]  what rows may be grouped by
 * @returns {Matrix}
 */
export function computeMatrix(applications, groupOf = () => "") {
  /** @type {Map<string, Map<string, Application[]>>} */
  const services = new Map();
  /** @type {Application[]} */
  const unplaced = [];
  const seen = new Set();
  for (const application of applications) {
    const { service, environment } = application;
    if (!service || !environment) {
      unplaced.push(application);
      continue;
    }
    seen.add(environment);
    const places = services.get(service) ?? new Map();
    services.set(service, places);
    places.set(environment, [...(places.get(environment) ?? []), application]);
  }
  const environments = orderEnvironments(seen);
  const rows = [...services].map(([service, places]) => makeRow(service, places, environments, groupOf));
  rows.sort((one, other) => byName(one.service, other.service));
  unplaced.sort((one, other) => byName(one.key, other.key));
  return { environments, rows, unplaced };
}

/** @param {string} service @param {Map<string, Application[]>} places @param {string[]} environments @param {(application: Application) => string} groupOf @returns {Row} */
function makeRow(service, places, environments, groupOf) {
  const cells = environments.map((environment) => {
    const entries = (places.get(environment) ?? []).map(makeEntry).sort((one, other) => byName(one.key, other.key));
    return /** @type {Cell} */ ({ environment, entries, difference: undefined, missing: false });
  });
  const held = cells.filter((cell) => cell.entries.length);
  for (const [index, cell] of held.entries()) cell.difference = compare(cell, held[index + 1], environments);
  const first = cells.indexOf(held[0]);
  for (const [index, cell] of cells.entries()) cell.missing = index > first && !cell.entries.length;
  const groups = new Set([...places.values()].flat().map(groupOf).filter(Boolean));
  return {
    service,
    groups: [...groups].sort(byName),
    cells,
    differs: cells.some((cell) => cell.difference || cell.missing),
    sick: cells.some((cell) => cell.entries.some((entry) => !WELL.has(entry.health))),
  };
}

/** @param {Application} application @returns {Entry} */
function makeEntry(application) {
  const { operation } = application;
  const finished = operation?.phase === "Succeeded" ? Date.parse(operation.finishedAt ?? "") : NaN;
  return {
    key: application.key,
    name: nameOf(application),
    versions: (application.images ?? []).map(splitImage),
    revision: shortRevision(application),
    health: healthOf(application),
    sync: syncOf(application),
    deployedAt: Number.isNaN(finished) ? undefined : finished,
  };
}

/**
 * Compare what two environments have. Names of environments inside of names and tags are passed over: an image that is
 * `core-stage-9f1c2d3e` here and `core-prod-9f1c2d3e` there is the same. Nobody but a tag that counts says which is the
 * newer; else the one that was deployed later is called ahead, for changes travel this way.
 * @param {Cell} here
 * @param {Cell | undefined} next
 * @param {string[]} environments
 * @returns {Difference | undefined}
 */
function compare(here, next, environments) {
  if (!next) return undefined;
  const plain = plainer(environments);
  const [ours, theirs] = [componentsOf(here, plain), componentsOf(next, plain)];
  if (!ours.size || !theirs.size) return undefined;
  const differing = [...ours].filter(([component, versions]) => theirs.has(component) && !sameKeys(versions, theirs.get(component)));
  const onlyHere = [...ours.keys()].some((component) => !theirs.has(component));
  const onlyThere = [...theirs.keys()].some((component) => !ours.has(component));
  if (!differing.length && !onlyHere && !onlyThere) return undefined;
  const [component, versions] = differing[0] ?? [];
  const rest = component && versions && leftOver(versions, theirs.get(component));
  if (rest) return { kind: "arriving", next: next.environment, here: [...versions.values()].join(", "), there: rest };
  const tell = (/** @type {Map<string, Map<string, string>>} */ all) => (component ? [...(all.get(component)?.values() ?? [])].slice(0, 2).join(", ") : listNames(all));
  const [hereVersion, thereVersion] = [tell(ours), tell(theirs)];
  return { kind: judge(here, next, component ? [hereVersion, thereVersion] : undefined), next: next.environment, here: hereVersion, there: thereVersion };
}

/** @param {Cell} here @param {Cell} next @param {[string, string] | undefined} versions @returns {Difference["kind"]} */
function judge(here, next, versions) {
  const order = versions && compareVersions(...versions);
  if (order !== undefined) return order > 0 ? "ahead" : "behind";
  const [ours, theirs] = [latest(here), latest(next)];
  return ours !== undefined && theirs !== undefined && ours > theirs ? "ahead" : "differs";
}

/** @param {Cell} cell */
function latest(cell) {
  const times = cell.entries.map((entry) => entry.deployedAt).filter((at) => at !== undefined);
  return times.length ? Math.max(...times) : undefined;
}

/**
 * The versions of a cell by component, each by what it is compared by; no images at all: its revisions are no versions
 * to compare, for every commit to the manifests' repository moves them.
 * @param {Cell} cell
 * @param {(text: string) => string} plain
 * @returns {Map<string, Map<string, string>>}
 */
function componentsOf(cell, plain) {
  /** @type {Map<string, Map<string, string>>} */
  const components = new Map();
  for (const { name, version } of cell.entries.flatMap((entry) => entry.versions)) {
    const component = plain(name);
    const versions = components.get(component) ?? new Map();
    components.set(component, versions.set(plain(version), version));
  }
  return components;
}

/** What another has beside all of ours, as while it is rolled out; nothing if it lacks one. @param {Map<string, string>} ours @param {Map<string, string> | undefined} theirs */
function leftOver(ours, theirs) {
  if (!theirs || ![...ours.keys()].every((key) => theirs.has(key))) return undefined;
  return [...theirs].filter(([key]) => !ours.has(key)).map(([, version]) => version).slice(0, 2).join(", ");
}

/** @param {Map<string, string>} ours @param {Map<string, string> | undefined} theirs */
function sameKeys(ours, theirs) {
  return theirs !== undefined && ours.size === theirs.size && [...ours.keys()].every((key) => theirs.has(key));
}

/** @param {Map<string, Map<string, string>>} all */
function listNames(all) {
  return [...all.keys()].join(", ");
}

/** A function that leaves the words of environments out of a text. @param {string[]} environments */
function plainer(environments) {
  const words = new Set(environments.map((each) => each.toLowerCase()));
  return (/** @type {string} */ text) => {
    const kept = text.split(/([-_.])/).reduce((/** @type {string[]} */ parts, part, index, all) => {
      if (index % 2) return parts;
      if (words.has(part.toLowerCase())) return parts;
      return parts.length ? [...parts, all[index - 1], part] : [part];
    }, []);
    return kept.join("") || text;
  };
}
