/**
 * The state, folded from snapshots and deltas. Pure: no page, no network, no clock.
 *
 * @typedef {Record<string, any> & { key: string }} Application  a status document, see /api/openapi.json
 * @typedef {{ key: string, before?: Application, after?: Application }} Change  of one application
 */

export class Fold {
  /** @type {Map<string, Application>} */
  applications = new Map();
  /** Whether a first state has come. */
  known = false;

  /**
   * Take a whole state; return in what it differs from the one before. The first one differs in nothing.
   * @param {{ applications: Application[] }} data
   * @returns {Change[]}
   */
  takeSnapshot({ applications }) {
    const before = this.applications;
    this.applications = new Map(applications.map((each) => [each.key, each]));
    const first = !this.known;
    this.known = true;
    if (first) return [];
    /** @type {Change[]} */
    const changes = [];
    for (const [key, after] of this.applications) {
      const old = before.get(key);
      if (!old || !isSame(old, after)) changes.push({ key, before: old, after });
    }
    for (const [key, old] of before) if (!this.applications.has(key)) changes.push({ key, before: old });
    return changes;
  }

  /**
   * Take a delta: assign fields (null removes one), then drop the removed.
   * @param {{ changed: Record<string, Record<string, any>>, removed: string[] }} data
   * @returns {Change[]}
   */
  takeDelta({ changed, removed }) {
    /** @type {Change[]} */
    const changes = [];
    for (const [key, fields] of Object.entries(changed)) {
      const before = this.applications.get(key);
      /** @type {Application} */
      const after = { ...before, key };
      for (const [field, value] of Object.entries(fields)) {
        if (value === null) delete after[field];
        else after[field] = value;
      }
      this.applications.set(key, after);
      changes.push({ key, before, after });
    }
    for (const key of removed) {
      const before = this.applications.get(key);
      if (this.applications.delete(key)) changes.push({ key, before });
    }
    return changes;
  }
}

/** @param {Application} one @param {Application} other */
function isSame(one, other) {
  const fields = new Set([...Object.keys(one), ...Object.keys(other)]);
  for (const field of fields) if (JSON.stringify(one[field]) !== JSON.stringify(other[field])) return false;
  return true;
}
