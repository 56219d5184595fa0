/** What a gateway says, in short. */

export function document(name, more = {}) {
  return { key: `argocd/${name}`, name, namespace: "argocd", health: { status: "Healthy" }, ...more };
}

export class Gateway {
  constructor(...names) {
    this.documents = new Map(names.map((name) => [`argocd/${name}`, document(name)]));
    this.offset = 1;
    this.epoch = "e";
    this.log = [];
  }

  get cursor() {
    return `${this.epoch}-${this.offset}-v`;
  }

  /** Answer a new stream as a gateway does: with what leads on from its cursor. */
  serve(stream) {
    const from = this.log.findLastIndex(({ cursor }) => cursor === stream.cursor);
    const known = stream.cursor === this.cursor || stream.cursor === `${this.epoch}-1-v` || from >= 0;
    if (known && stream.cursor) {
      const later = this.log.slice(from + 1);
      const keys = [...new Set(later.flatMap(({ changed, removed }) => [...Object.keys(changed), ...removed]))];
      const present = keys.filter((key) => this.documents.has(key));
      const changed = Object.fromEntries(present.map((key) => [key, this.documents.get(key)]));
      stream.say("delta", { reason: "resumed", changed, removed: keys.filter((key) => !this.documents.has(key)) }, this.cursor);
    } else {
      const reason = stream.cursor ? "epoch" : "new";
      stream.say("snapshot", { reason, position: `${this.epoch}-${this.offset}`, applications: [...this.documents.values()] }, this.cursor);
    }
    this.beat(stream);
    return stream;
  }

  beat(stream, state = "live") {
    const at = new Date(stream.tab.world.time).toISOString();
    stream.say("heartbeat", { at, upstream: { state, since: "2026-11-20T23:00:00Z" } }, this.cursor);
  }

  /** Something changes; tell the streams. */
  change(changed, removed = [], ...streams) {
    this.offset += 1;
    for (const [key, fields] of Object.entries(changed)) {
      const after = { ...this.documents.get(key), ...fields };
      for (const [field, value] of Object.entries(fields)) if (value === null) delete after[field];
      this.documents.set(key, after);
    }
    for (const key of removed) this.documents.delete(key);
    this.log.push({ cursor: this.cursor, changed, removed });
    for (const stream of streams) stream.say("delta", { changed, removed }, this.cursor);
  }

  restart() {
    this.epoch = `${this.epoch}f`;
    this.log = [];
    this.offset = 1;
  }
}
