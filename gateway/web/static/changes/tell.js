/** A change in words. Pure. Takes whole documents, or only the fields that differ. */

import { healthOf, shortRevision, splitImage, syncOf } from "../shell/documents.js";

/** @typedef {Function} T */
/** @typedef {{ before?: Record<string, any>, after?: Record<string, any> }} Change */

const PLAIN_FIELDS = ["project", "destination", "sources", "autoSync", "labels", "owner"];
const PHASES = ["Running", "Terminating", "Succeeded", "Failed", "Error"];

/** @param {string} phase @param {T} t */
export const tellPhase = (phase, t) => (PHASES.includes(phase) ? t(`phase.${phase}`) : t("phase.other", phase));

/**
 * Tell what changed, most telling first; nothing, if it is nothing that anybody would call a change.
 * @param {Change} change
 * @param {T} t
 * @returns {string[]}
 */
export function tellChange({ before, after }, t) {
  if (!after) return [t("change.gone")];
  if (!before) return [t("change.appeared", healthOf(/** @type {any} */ (after)), syncOf(/** @type {any} */ (after)))];
  const one = /** @type {any} */ (before);
  const other = /** @type {any} */ (after);
  const told = [];
  if (other.deletionTimestamp && !one.deletionTimestamp) told.push(t("change.deleting"));
  if (healthOf(one) !== healthOf(other)) told.push(`${healthOf(one)} → ${healthOf(other)}`);
  if (syncOf(one) !== syncOf(other)) told.push(`${syncOf(one)} → ${syncOf(other)}`);
  const ran = other.operation;
  if (ran && (ran.phase !== one.operation?.phase || ran.startedAt !== one.operation?.startedAt)) told.push(tellOperation(ran, t));
  told.push(...tellImages(one.images, other.images, t));
  const revision = shortRevision(other);
  if (revision && revision !== shortRevision(one)) told.push(t("change.revision", revision));
  told.push(...tellConditions(one.conditions, other.conditions, t));
  const plain = PLAIN_FIELDS.filter((field) => JSON.stringify(one[field]) !== JSON.stringify(other[field]));
  if (plain.length) told.push(t("change.fields", plain.map((field) => t(`field.${field}`)).join(", ")));
  return told;
}

/** @param {any} operation @param {T} t */
function tellOperation(operation, t) {
  const who = operation.phase === "Running" && operation.initiatedBy?.username;
  return who ? t("change.by", tellPhase(operation.phase, t), who) : tellPhase(operation.phase, t);
}

/** @param {any[] | undefined} before @param {any[] | undefined} after @param {T} t */
function tellConditions(before = [], after = [], t) {
  const old = new Set(before.map(({ type }) => type));
  const fresh = new Set(after.map(({ type }) => type));
  return [
    ...[...fresh].filter((type) => !old.has(type)).map((type) => t("change.condition", type)),
    ...[...old].filter((type) => !fresh.has(type)).map((type) => t("change.condition-over", type)),
  ];
}

/**
 * Tell of other images; one that only got another version is told as such.
 * @param {string[] | undefined} before
 * @param {string[] | undefined} after
 * @param {T} t
 * @returns {string[]}
 */
export function tellImages(before = [], after = [], t) {
  const gone = before.filter((image) => !after.includes(image)).map(splitImage);
  const come = after.filter((image) => !before.includes(image)).map(splitImage);
  if (!gone.length && !come.length) return [];
  if (gone.length === 1 && come.length === 1 && gone[0].path === come[0].path) {
    return [`${come[0].name}: ${gone[0].version} → ${come[0].version}`];
  }
  const names = come.map(({ name, version }) => `${name}:${version}`).join(", ");
  return [names ? t("change.images", names) : t("change.images-fewer")];
}
