/** Changes, times and ages in words. Pure. */

/** @typedef {import("./fold.js").Application} Application */

const PHASES = {
  Running: "sync started",
  Terminating: "sync is being stopped",
  Succeeded: "sync succeeded",
  Failed: "sync failed",
  Error: "sync ended in an error",
};

const PLAIN_FIELDS = { project: "project", destination: "destination", sources: "sources", autoSync: "automatic sync", labels: "labels", owner: "owner" };

/** @param {Application} app @returns {string} */
export const healthOf = (app) => app.health?.status ?? "Unknown";

/** @param {Application} app @returns {string} */
export const syncOf = (app) => app.sync?.status ?? "Unknown";

/** @param {string} phase @returns {string} */
export const tellPhase = (phase) => PHASES[/** @type {keyof typeof PHASES} */ (phase)] ?? `sync: ${phase}`;

/**
 * Tell what changed, most telling first; nothing, if it is nothing that anybody would call a change.
 * @param {import("./fold.js").Change} change
 * @returns {string[]}
 */
export function tellChange({ before, after }) {
  if (!after) return ["is gone"];
  if (!before) return [`appeared: ${healthOf(after)}, ${syncOf(after)}`];
  const told = [];
  if (after.deletionTimestamp && !before.deletionTimestamp) told.push("is being deleted");
  if (healthOf(after) !== healthOf(before)) told.push(`${healthOf(before)} → ${healthOf(after)}`);
  if (syncOf(after) !== syncOf(before)) told.push(`${syncOf(before)} → ${syncOf(after)}`);
  const ran = after.operation;
  if (ran && (ran.phase !== before.operation?.phase || ran.startedAt !== before.operation?.startedAt)) told.push(tellOperation(ran));
  told.push(...tellImages(before.images ?? [], after.images ?? []));
  const revision = shortRevision(after);
  if (revision && revision !== shortRevision(before)) told.push(`revision ${revision}`);
  const types = (/** @type {Application} */ app) => (app.conditions ?? []).map((/** @type {any} */ each) => each.type);
  for (const type of new Set(types(after))) if (!types(before).includes(type)) told.push(`${type} came up`);
  for (const type of new Set(types(before))) if (!types(after).includes(type)) told.push(`${type} is over`);
  const plain = Object.entries(PLAIN_FIELDS).filter(([field]) => JSON.stringify(before[field]) !== JSON.stringify(after[field]));
  if (plain.length) told.push(`${plain.map(([, word]) => word).join(", ")} changed`);
  return told;
}

/** @param {any} operation */
function tellOperation(operation) {
  const who = operation.phase === "Running" && operation.initiatedBy?.username;
  return tellPhase(operation.phase) + (who ? ` by ${who}` : "");
}

/** @param {string[]} before @param {string[]} after */
function tellImages(before, after) {
  const gone = before.filter((image) => !after.includes(image));
  const come = after.filter((image) => !before.includes(image));
  if (!gone.length && !come.length) return [];
  if (gone.length === 1 && come.length === 1 && splitImage(gone[0])[0] === splitImage(come[0])[0]) {
    const [name, version] = splitImage(come[0]);
    return [`${name.slice(name.lastIndexOf("/") + 1)}: ${splitImage(gone[0])[1]} → ${version}`];
  }
  return [come.length ? `images: ${come.map((image) => image.slice(image.lastIndexOf("/") + 1)).join(", ")}` : "fewer images"];
}

/** @param {string} image @returns {[string, string]} */
function splitImage(image) {
  const [name, digest] = image.split("@");
  const colon = name.indexOf(":", name.lastIndexOf("/") + 1);
  const version = colon < 0 ? "latest" : name.slice(colon + 1);
  return [colon < 0 ? name : name.slice(0, colon), digest ? digest.replace("sha256:", "").slice(0, 12) : version];
}

/** The revisions that an application is compared with, short where they are hashes. @param {Application} app */
export function shortRevision(app) {
  const revisions = (app.sync?.revisions ?? []).map((/** @type {string} */ each) => (/^[0-9a-f]{40,}$/.test(each) ? each.slice(0, 7) : each));
  return revisions.filter(Boolean).join(", ");
}

/** What somebody should read about an application that isn't well; empty if it is. @param {Application} app */
export function tellTrouble(app) {
  const { health, operation, conditions = [] } = app;
  const errors = conditions.filter((/** @type {any} */ each) => each.type.endsWith("Error"));
  if (errors.length) return `${errors[0].type}: ${errors[0].message ?? ""}`;
  if (operation && ["Failed", "Error"].includes(operation.phase) && operation.message) return `${capital(tellPhase(operation.phase))}: ${operation.message}`;
  if (health?.message && health.status !== "Healthy") return health.message;
  return "";
}

/**
 * What is known to have happened before the page was opened, latest first.
 * @param {Iterable<Application>} applications
 * @param {number} limit
 * @returns {{ at: number, app: Application, told: string }[]}
 */
export function tellPast(applications, limit) {
  const events = [];
  for (const app of applications) {
    if (app.health?.since) events.push({ at: Date.parse(app.health.since), app, told: `became ${app.health.status}` });
    if (app.operation?.finishedAt) events.push({ at: Date.parse(app.operation.finishedAt), app, told: tellPhase(app.operation.phase) });
  }
  return events.filter(({ at }) => at).sort((one, other) => other.at - one.at).slice(0, limit);
}

/** An age in its largest unit. @param {number} at @param {number} now  both in milliseconds */
export function tellAge(at, now) {
  const seconds = Math.max(0, Math.round((now - at) / 1_000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** A time of day, with its date if that isn't today. @param {number} at @param {number} now */
export function tellTime(at, now) {
  const date = new Date(at);
  const time = date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  return date.toDateString() === new Date(now).toDateString() ? time : `${date.toLocaleDateString()} ${time}`;
}

/** @param {string} text */
function capital(text) {
  return text[0].toUpperCase() + text.slice(1);
}
