/**
 * The gateway's log of changes, and what the page saw itself, as one history. Pure.
 *
 * @typedef {object} Item
 * @property {string} key
 * @property {number} at      in the gateway's milliseconds
 * @property {Record<string, any>} [before]  fields that differ, at least; absent if it came up
 * @property {Record<string, any>} [after]   fields that differ, at least; absent if it is gone
 * @property {string} epoch
 * @property {number} offset  at most that; what a tick brings has the tick's
 * @property {boolean} [away]  the page saw only that it had happened, not when
 * @property {boolean} [live]  the page saw it as it happened
 * @property {string} [name]
 * @property {"health" | "operation"} [past]  no change that anybody saw, but what a document tells of its past
 */

/** Split `epoch-offset`, or a cursor `epoch-offset-view`. @param {string | undefined} position */
export function parsePosition(position) {
  const [epoch = "", offset = ""] = (position ?? "").split("-");
  return { epoch, offset: offset === "" ? -1 : Number(offset) };
}

/**
 * Put what the log tells in place of what the page saw of the same; both newest first.
 * @param {Item[]} seen
 * @param {{ position: string, changes: any[] }} answer  of api/changes
 * @returns {Item[]}
 */
export function merge(seen, { position, changes }) {
  const { epoch, offset } = parsePosition(position);
  const told = changes.map((each) => ({ ...each, at: Date.parse(each.at), epoch, before: each.kind === "added" ? undefined : (each.before ?? {}), after: each.kind === "removed" ? undefined : (each.after ?? {}) }));
  const earliest = told.length ? told[told.length - 1].at : Infinity;
  const keys = new Set(told.map((each) => each.key));
  const kept = seen.filter((each) => {
    if (each.epoch !== epoch) return each.at < earliest || !keys.has(each.key);
    // A log that began anew doesn't know what happened between; then the page's own word stands.
    return each.offset > offset || (each.away && !keys.has(each.key));
  });
  return [...told, ...kept].sort((one, other) => other.at - one.at || other.offset - one.offset);
}

/**
 * What documents tell of the time that the log doesn't reach, newest first.
 * @param {Iterable<any>} applications
 * @param {number} until  in the gateway's milliseconds
 * @param {number} limit
 * @returns {Item[]}
 */
export function pastOf(applications, until, limit) {
  /** @type {Item[]} */
  const items = [];
  for (const app of applications) {
    const base = { key: app.key, epoch: "", offset: -1, before: {}, after: app };
    const times = { health: app.health?.since, operation: app.operation?.finishedAt };
    for (const past of /** @type {const} */ (["health", "operation"])) {
      const at = Date.parse(times[past] ?? "");
      if (at < until) items.push({ ...base, at, past });
    }
  }
  return items.sort((one, other) => other.at - one.at).slice(0, limit);
}
