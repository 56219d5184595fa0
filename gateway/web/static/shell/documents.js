/**
 * What is read from a status document, for every page alike. Pure, and without words of its own.
 *
 * @typedef {Record<string, any> & { key: string }} Application  a status document, see api/openapi.json
 */

/** @param {Application} app @returns {string} */
export const healthOf = (app) => app.health?.status || "Unknown";

/** @param {Application} app @returns {string} */
export const syncOf = (app) => app.sync?.status || "Unknown";

/** @param {Application} app @returns {string} */
export const nameOf = (app) => app.name ?? app.key;

const LOOKS = new Set(["healthy", "progressing", "degraded", "missing", "suspended", "unknown", "synced", "outofsync"]);

/** The icon and colour for one of Argo CD's words; one that we don't know looks like Unknown. @param {string} word */
export function lookOf(word) {
  const look = word.toLowerCase();
  return LOOKS.has(look) ? look : "unknown";
}

/** Health from worst to best. */
export const HEALTH = ["Degraded", "Missing", "Unknown", "Progressing", "Suspended", "Healthy"];
export const SYNC = ["OutOfSync", "Unknown", "Synced"];

/** How bad a health is: 0 is the worst. An unknown word counts as Unknown. @param {string} health */
export function severityOf(health) {
  const index = HEALTH.indexOf(health);
  return index < 0 ? 2 : index;
}

/** @param {Application} app */
export const isRunning = (app) => ["Running", "Terminating"].includes(app.operation?.phase);

/** @param {Application} app */
export const isFailed = (app) => ["Failed", "Error"].includes(app.operation?.phase);

/** The first condition that is an error. @param {Application} app */
export const errorOf = (app) => (app.conditions ?? []).find((/** @type {any} */ each) => String(each.type).endsWith("Error"));

/** How much an application asks to be looked at: 0 most, 6 not at all. @param {Application} app */
export function rankOf(app) {
  const health = healthOf(app);
  if (health !== "Healthy") return severityOf(health);
  if (isFailed(app) || errorOf(app)) return 3;
  return syncOf(app) === "Synced" ? 6 : 5;
}

/**
 * An image's name without its registry, and its version: a tag, or the beginning of a digest.
 * @param {string} image
 * @returns {{ path: string, name: string, version: string }}
 */
export function splitImage(image) {
  const [tagged, digest] = image.split("@");
  const colon = tagged.indexOf(":", tagged.lastIndexOf("/") + 1);
  const path = colon < 0 ? tagged : tagged.slice(0, colon);
  const tag = colon < 0 ? "latest" : tagged.slice(colon + 1);
  return { path, name: path.slice(path.lastIndexOf("/") + 1), version: digest && colon < 0 ? digest.replace("sha256:", "").slice(0, 12) : tag };
}

/**
 * The version that an application runs: that of the image named like it or like its service, else of the first one.
 * Without images, what its sources are pinned to: a chart's version, or a short revision.
 * @param {Application} app
 * @returns {string}  empty if unknown
 */
export function versionOf(app) {
  const images = (app.images ?? []).map(splitImage);
  const own = images.find((/** @type {any} */ each) => each.name === app.service || each.name === app.name) ?? images[0];
  return own ? own.version : shortRevision(app);
}

/** A revision, short where it is a hash. @param {string} revision */
export const shorten = (revision) => (/^[0-9a-f]{40,}$/.test(revision) ? revision.slice(0, 7) : revision);

/** The revisions that an application is compared with. @param {Application} app */
export function shortRevision(app) {
  return (app.sync?.revisions ?? []).map(shorten).filter(Boolean).join(", ");
}

/** When an application last changed, in milliseconds, as far as its document tells. @param {Application} app */
export function changedAt(app) {
  const { health, sync, operation, createdAt } = app;
  const times = [health?.since, sync?.atLeast ? "" : sync?.since, operation?.finishedAt, operation?.startedAt, createdAt];
  return Math.max(0, ...times.map((each) => Date.parse(each ?? "") || 0));
}

/**
 * The message to be read first of an application that isn't well.
 * @param {Application} app
 * @returns {string}  empty if there is none
 */
export function troubleOf(app) {
  const { health, operation } = app;
  const error = errorOf(app);
  if (error) return `${error.type}: ${error.message ?? ""}`;
  if (isFailed(app) && operation.message) return operation.message;
  return health?.message && health.status !== "Healthy" ? health.message : "";
}
