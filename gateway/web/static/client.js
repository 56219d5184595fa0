/**
 * The gateway's client: connects, folds, resumes, knows how old it is, and shares one stream among a browser's tabs.
 *
 * One module without imports: for pages, bundlers and Node. Types are in client.d.ts of the package
 * argocd-sse-gateway-client. Three parts that don't know each other: a fold (pure), a line (one stream that never gives
 * up), tabs (who of them leads); a connection puts them together.
 */

const EVENTS = ["snapshot", "delta", "heartbeat", "goodbye"];

/** Milliseconds that a usual reconnect may take before the state counts as disconnected. */
const GRACE = 8_000;
/** Milliseconds of silence after which a stream counts as dead, until the gateway's own heartbeat is known. */
const PATIENCE = { first: 45_000, least: 10_000, most: 600_000 };
/** Milliseconds: each wait is a random part of a window that doubles with each failure. */
const WINDOW = { least: 250, first: 3_000, most: 30_000 };
const REFUSED_WAIT = 30_000;
const PROBE_WAIT = 15_000;
const TICK = 1_000;
/** Tabs that speak another protocol use another lock and another channel: they never hear each other. */
const PROTOCOL = "argocd-sse-gateway/1";

/** The state of all applications, folded from snapshots and deltas. Pure. */
export class Fold {
  applications = new Map();
  /** Whether a first state has come. */
  known = false;

  /** Take an event; return what it changed: the first snapshot is where changes begin. Throws what no gateway sends. */
  take(name, data) {
    if (name === "snapshot") return this.#replace(data.applications);
    return name === "delta" ? this.#apply(data) : [];
  }

  #replace(documents) {
    const { applications: before, known } = this;
    const after = new Map();
    const changes = [];
    for (const fresh of documents) {
      if (typeof fresh.key !== "string") throw new TypeError("an application without a key");
      const old = before.get(fresh.key);
      const document = renew(old, fresh);
      after.set(fresh.key, document);
      if (document !== old) changes.push({ key: fresh.key, before: old, after: document });
    }
    for (const [key, old] of before) if (!after.has(key)) changes.push({ key, before: old, after: undefined });
    this.applications = after;
    this.known = true;
    return known ? changes : [];
  }

  #apply({ changed, removed }) {
    if (!Array.isArray(removed) || !Object.values(changed).every(isObject)) throw new TypeError("not a delta");
    const changes = [];
    for (const [key, fields] of Object.entries(changed)) {
      const before = this.applications.get(key);
      const after = assign(before, fields);
      this.applications.set(key, after);
      changes.push({ key, before, after });
    }
    for (const key of removed) {
      const before = this.applications.get(key);
      if (this.applications.delete(key)) changes.push({ key, before, after: undefined });
    }
    this.known = true;
    return changes;
  }

  /** What is held, as it is shown: a copy, for the fold itself changes. */
  show() {
    return { applications: new Map(this.applications) };
  }

  /** What is held, as a snapshot's data. */
  dump() {
    return { applications: [...this.applications.values()] };
  }
}

/** The state of one application in detail; null when it is gone. Pure. Changes are names of fields. */
export class DetailFold {
  detail = null;
  known = false;

  take(name, data) {
    if (name !== "snapshot" && name !== "delta") return [];
    const { detail: before, known } = this;
    if (name === "delta") this.detail = data.removed ? null : data.changed ? assign(before, data.changed) : before;
    else this.detail = data.detail ? renew(before ?? undefined, data.detail) : null;
    this.known = true;
    return known && before !== this.detail ? differing(before ?? {}, this.detail ?? {}) : [];
  }

  show() {
    return { detail: this.detail };
  }

  dump() {
    return { detail: this.detail };
  }
}

/** Assign fields, whole; null removes one. Spread defines properties, whatever their names, and never calls a setter. */
function assign(before, fields) {
  const after = { ...before, ...fields };
  for (const [field, value] of Object.entries(fields)) if (value === null) delete after[field];
  return Object.freeze(after);
}

/** Return the fresh document with all that is the same kept as it was: the old document itself if nothing differs. */
function renew(before, fresh) {
  const after = { ...fresh };
  if (!before) return Object.freeze(after);
  const names = Object.keys(fresh);
  let same = names.length === Object.keys(before).length;
  for (const name of names) {
    if (isSame(own(before, name), fresh[name])) after[name] = before[name];
    else same = false;
  }
  return same ? before : Object.freeze(after);
}

function differing(one, other) {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].filter((name) => !isSame(own(one, name), own(other, name)));
}

function isObject(value) {
  return typeof value === "object" && value !== null;
}

function own(object, name) {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

function isSame(one, other) {
  if (one === other) return true;
  if (!isObject(one) || !isObject(other) || Array.isArray(one) !== Array.isArray(other)) return false;
  const names = Object.keys(one);
  if (names.length !== Object.keys(other).length) return false;
  return names.every((name) => Object.hasOwn(other, name) && isSame(one[name], other[name]));
}

/** One stream: opened, resumed where it ended, and never given up. */
class Line {
  link;
  #to;
  #env;
  #source;
  #timer;
  #attempt = 0;
  #failures = 0;
  #openedAt = 0;
  #dueAt = 0;
  #notBefore = 0;
  #patience = PATIENCE.first;
  #gaps = [];

  /** @param to  { url, withCredentials, cursor(), onEvent(name, text, id), onLink() } */
  constructor(to, env) {
    this.#to = to;
    this.#env = env;
    this.link = Object.freeze({ phase: "opening", since: env.now(), heardAt: 0, goodbye: "" });
  }

  open() {
    this.stop();
    if (!this.#env.EventSource) return;
    this.#openedAt = this.#env.now();
    const url = new URL(this.#to.url);
    if (this.#to.cursor()) url.searchParams.set("lastEventId", this.#to.cursor());
    const source = new this.#env.EventSource(url.href, { withCredentials: this.#to.withCredentials });
    this.#source = source;
    const mine = (act) => (event) => source === this.#source && act(event);
    for (const name of EVENTS) source.addEventListener(name, mine((event) => this.#hear(name, event)));
    // 2 is CLOSED: the browser gave up, as it does on any status but 200.
    source.onerror = mine(() => this.#lose(source.readyState === 2));
  }

  /** Close what is open and wait for nothing. */
  stop() {
    this.#attempt += 1;
    this.#source?.close();
    this.#source = undefined;
    this.#dueAt = 0;
    this.#env.clearTimeout(this.#timer);
  }

  rest() {
    this.stop();
    this.enter("resting");
  }

  /** Begin anew: what came could not be understood. */
  fail() {
    this.#lose(false);
  }

  /** Look at the clock: for waits that timers of hidden tabs overslept, and for silence. */
  check() {
    const now = this.#env.now();
    if (this.#dueAt) return now >= this.#dueAt ? this.open() : undefined;
    const silentSince = Math.max(this.link.heardAt, this.#openedAt);
    if (!this.#source || now - silentSince < this.#patience) return undefined;
    // It may be that the gateway was told to beat more slowly.
    this.#patience = Math.min(2 * this.#patience, PATIENCE.most);
    this.#gaps = [];
    if (this.link.phase === "open") this.enter("lost", { since: this.link.heardAt });
    return this.open();
  }

  /** Don't wait any longer, unless the gateway asked for it. */
  hurry() {
    const now = this.#env.now();
    if (this.#dueAt ? now >= this.#notBefore : this.#source && this.link.phase !== "open" && now - this.#openedAt > 5_000) this.open();
    else this.check();
  }

  enter(phase, more = {}) {
    const { status, ...link } = this.link;
    this.link = Object.freeze({ ...link, phase, since: this.#env.now(), ...more });
    this.#to.onLink();
  }

  #hear(name, { data, lastEventId }) {
    const heardAt = this.#env.now();
    const { phase } = this.link;
    if (name === "goodbye") return this.#leave(data, heardAt);
    if (name === "heartbeat" && phase === "open") this.#learn(heardAt - this.link.heardAt);
    this.#failures = 0;
    if (phase === "open") this.link = Object.freeze({ ...this.link, heardAt });
    else this.enter("open", { heardAt, goodbye: "" });
    return this.#to.onEvent(name, data, lastEventId);
  }

  /** Heartbeats come after a certain silence, or earlier: the longest of the last few tells how long it is. */
  #learn(gap) {
    this.#gaps = [...this.#gaps.slice(-4), gap];
    if (this.#gaps.length < 5) return;
    this.#patience = Math.min(Math.max(3 * Math.max(...this.#gaps), PATIENCE.least), PATIENCE.most);
  }

  #leave(text, heardAt) {
    const { reason, retryMs } = read(text) ?? {};
    const told = Math.max(Number(retryMs) || 0, 0);
    this.stop();
    // The gateway's own wait is random already; more than that is polite where goodbye follows on goodbye.
    this.#wait(Math.max(told, told && !this.#failures ? 0 : this.#backOff()));
    this.#notBefore = heardAt + told;
    this.#failures += 1;
    const { phase, since } = this.link;
    this.enter(phase === "open" ? "lost" : phase, { since: phase === "open" ? heardAt : since, heardAt, goodbye: String(reason ?? "") });
  }

  #lose(gaveUp) {
    this.stop();
    this.#notBefore = 0;
    if (this.link.phase === "open") this.enter("lost");
    if (gaveUp) this.#probe();
    else this.#again();
  }

  #again() {
    this.#wait(this.#backOff());
    this.#failures += 1;
  }

  #backOff() {
    return Math.max(WINDOW.least, this.#env.random() * Math.min(WINDOW.first * 2 ** this.#failures, WINDOW.most));
  }

  /** Ask for what EventSource doesn't tell: the status, of the same as JSON. */
  async #probe() {
    this.#wait(PROBE_WAIT);
    const attempt = this.#attempt;
    const status = await ask(this.#env, this.#to).catch(() => 0);
    if (attempt !== this.#attempt) return;
    this.stop();
    if (status) {
      this.#wait(REFUSED_WAIT * (1 + this.#env.random()));
      if (this.link.phase !== "refused" || this.link.status !== status) this.enter("refused", { status });
    } else {
      this.#again();
      if (this.link.phase === "refused") this.enter("lost");
    }
  }

  #wait(milliseconds) {
    this.#dueAt = this.#env.now() + milliseconds;
    this.#timer = this.#env.setTimeout(() => this.check(), milliseconds);
  }
}

/** Return the status of a refusal; 0 if it is none, or none that stays. A login page instead of an answer is a 401. */
async function ask({ fetch }, { url, withCredentials }) {
  const sibling = new URL(url);
  sibling.pathname = sibling.pathname.replace(/\/stream\/(pipelines(\/[^/]+){0,2})$/, "/$1");
  const credentials = withCredentials ? "include" : "same-origin";
  const answer = await fetch(sibling.href, { credentials, cache: "no-store", redirect: "manual", headers: { Accept: "application/json" } });
  answer.body?.cancel().catch(() => {});
  if (answer.type === "opaqueredirect") return 401;
  if (answer.status === 200 && !/json|event-stream/.test(answer.headers.get("Content-Type") ?? "")) return 401;
  return answer.status >= 400 && answer.status < 500 && ![408, 425, 429].includes(answer.status) ? answer.status : 0;
}

/** Return the object that a text is; undefined if it is none. */
function read(text) {
  try {
    const data = JSON.parse(text);
    return isObject(data) ? data : undefined;
  } catch {
    return undefined;
  }
}

/** How true what is shown is, for people. */
function judge({ phase, since }, upstream, now) {
  if (phase === "refused") return "refused";
  if (phase === "resting" || (phase !== "open" && now - since >= GRACE)) return "disconnected";
  const words = ["live", "stale", "down"];
  return phase !== "opening" && words.includes(upstream?.state) ? upstream.state : "connecting";
}

/** Who of a browser's tabs leads: the holder of a lock; and what they tell each other. */
class Tabs {
  #name;
  #env;
  #to;
  #channel;
  #queue;
  #release;

  /** @param to  { lead(), follow(), hear(message), alone() } */
  constructor(name, to, env) {
    this.#name = name;
    this.#to = to;
    this.#env = env;
  }

  join() {
    try {
      this.#channel = new this.#env.BroadcastChannel(this.#name);
      this.#channel.onmessage = ({ data }) => data?.protocol === PROTOCOL && this.#to.hear(data);
      this.#request();
    } catch {
      this.leave();
      this.#to.alone();
    }
  }

  leave() {
    this.#channel?.close();
    this.#channel = undefined;
    this.#queue?.abort();
    this.#release?.();
  }

  post(message) {
    this.#channel?.postMessage({ protocol: PROTOCOL, ...message });
  }

  /** Take the lead from a tab that says nothing any more. */
  steal() {
    this.#queue?.abort();
    this.#request({ steal: true });
  }

  async #request(how) {
    const queue = new AbortController();
    this.#queue = queue;
    try {
      await this.#env.locks.request(this.#name, how ?? { signal: queue.signal }, () => {
        if (queue.signal.aborted) return undefined;
        const held = new Promise((resolve) => (this.#release = resolve));
        this.#to.lead();
        return held;
      });
    } catch (error) {
      if (queue.signal.aborted) return;
      this.#release?.();
      if (error?.name === "AbortError") {
        this.#to.follow();
        this.#request();
      } else {
        this.leave();
        this.#to.alone();
      }
    }
  }
}

class Connection {
  #fold;
  #options;
  #env;
  #line;
  #tabs;
  #listeners = new Set();
  #undo = [];
  #state;
  #shown;
  #cursor = "";
  #upstream;
  #ahead = 0;
  #batch = new Map();
  #away = false;
  /** How to take back what was asked for: to publish with the next frame. */
  #unask;
  #moved = true;
  #joined = false;
  #leads = false;
  #id = Math.random().toString(36).slice(2);
  /** Of the tab that leads: who it is, how many events it has passed on, and whether we follow them without a gap. */
  #leader = { from: "", count: 0, followed: false, heardAt: 0, unanswered: 0 };
  #helloAt = 0;
  #helloed = false;
  /** When somebody was last seen to look at any of our tabs; in a tab that follows, when it last said so of itself. */
  #seenAt = 0;

  constructor(fold, url, { from, shared = true, hiddenAfter = 300_000, withCredentials = false, environment }) {
    this.#fold = fold;
    this.#options = { shared, hiddenAfter };
    const env = { ...surroundings(), ...environment };
    this.#env = env;
    const cursor = () => this.#cursor;
    const onEvent = (name, text, id) => this.#pass(name, text, id);
    this.#line = new Line({ url, withCredentials, cursor, onEvent, onLink: () => this.#relink() }, env);
    if (shared && env.locks && env.BroadcastChannel && env.EventSource) {
      const lead = () => this.#lead();
      const to = { lead, alone: lead, follow: () => this.#follow(), hear: (message) => this.#hear(message) };
      this.#tabs = new Tabs(`${PROTOCOL} ${withCredentials ? "with" : "without"} ${url}`, to, env);
    }
    if (from) this.#continue(from);
    this.#publish();
    if (env.EventSource) this.#begin();
  }

  /** Frozen; another object whenever something changed. */
  get state() {
    return this.#state;
  }

  /** Hear of each batch of changes; returns how to hear no more. */
  subscribe(listener) {
    const each = (...told) => listener(...told);
    this.#listeners.add(each);
    return () => void this.#listeners.delete(each);
  }

  /** Try again now, if there is a wait. */
  retry() {
    if (this.#leads) this.#line.hurry();
    else this.#greet(true);
  }

  /** End it: no stream, no timer, no listener stays. */
  close() {
    this.#leave();
    this.#unask?.();
    this.#listeners.clear();
    for (const undo of this.#undo.splice(0)) undo();
  }

  #continue({ cursor, upstream, ...data }) {
    this.#fold.take("snapshot", data);
    this.#cursor = cursor ?? "";
    this.#upstream = upstream;
  }

  #begin() {
    const { document, window } = this.#env;
    const on = (target, name, act) => {
      target?.addEventListener(name, act);
      this.#undo.push(() => target?.removeEventListener(name, act));
    };
    const hurry = () => this.#isVisible() && (this.#tick(), this.retry());
    for (const name of ["online", "focus"]) on(window, name, hurry);
    on(document, "visibilitychange", hurry);
    // A page that is put away for "back" must hold neither a lock nor a stream.
    on(window, "pagehide", () => this.#leave());
    on(window, "pageshow", () => (this.#joined ? hurry() : this.#join()));
    const ticking = this.#env.setInterval(() => this.#tick(), TICK);
    this.#undo.push(() => this.#env.clearInterval(ticking));
    this.#join();
  }

  #join() {
    this.#joined = true;
    this.#seenAt = this.#leader.heardAt = this.#env.now();
    if (!this.#tabs) {
      this.#lead();
      return;
    }
    this.#tabs.join();
    this.#hello();
    if (this.#isVisible()) this.#greet(false);
  }

  #leave() {
    this.#joined = this.#leads = false;
    this.#line.stop();
    this.#tabs?.leave();
    if (this.#line.link.phase === "open") this.#line.enter("lost");
  }

  #lead() {
    if (!this.#joined) return;
    this.#leads = true;
    this.#leader = { from: this.#id, count: 0, followed: true, heardAt: 0, unanswered: 0 };
    this.#seenAt = this.#env.now();
    const { phase } = this.#line.link;
    if (phase === "resting" && !this.#isVisible()) return this.#announce("lead");
    if (phase === "open") this.#line.enter("lost");
    else this.#announce("lead");
    if (phase === "resting") this.#line.enter("opening");
    return this.#line.open();
  }

  #follow() {
    this.#leads = false;
    this.#line.stop();
    this.#leader = { from: "", count: 0, followed: false, heardAt: this.#env.now(), unanswered: 0 };
    this.#hello();
  }

  #isVisible() {
    return this.#env.document?.visibilityState !== "hidden";
  }

  #tick() {
    if (!this.#joined) return;
    const now = this.#env.now();
    const visible = this.#isVisible();
    if (this.#leads) {
      if (visible) this.#see(now);
      else if (now - this.#seenAt >= this.#options.hiddenAfter && this.#line.link.phase !== "resting") this.#line.rest();
      this.#line.check();
    } else {
      if (!this.#leader.followed && now - this.#helloAt >= TICK) this.#hello();
      if (visible) this.#watch(now);
    }
    if (judge(this.#line.link, this.#upstream, now) !== this.#state.standing) this.#ask();
  }

  /** Somebody looks at one of the tabs. */
  #see(now) {
    this.#seenAt = now;
    if (this.#line.link.phase !== "resting") return;
    this.#line.enter("opening");
    this.#line.open();
  }

  /** Say that somebody looks at this tab; and don't believe for ever in a leader that doesn't answer. */
  #watch(now) {
    const { heardAt, unanswered } = this.#leader;
    if (unanswered >= 3 && now - heardAt >= 10_000) {
      this.#leader.unanswered = 0;
      this.#tabs.steal();
    } else if (now - this.#seenAt >= Math.min(5_000, this.#options.hiddenAfter / 3)) this.#greet(false);
  }

  #greet(hurry) {
    this.#seenAt = this.#env.now();
    this.#leader.unanswered += 1;
    this.#tabs?.post({ kind: "seen", hurry });
  }

  #hello() {
    this.#helloAt = this.#env.now();
    this.#tabs.post({ kind: "hello", known: this.#fold.known });
  }

  /** Tell the other tabs how the leader stands. */
  #announce(kind, more) {
    if (!this.#leads || !this.#tabs) return;
    const { from, count } = this.#leader;
    const [cursor, upstream, ahead] = [this.#cursor, this.#upstream, this.#ahead];
    this.#tabs.post({ kind, from, count, cursor, upstream, ahead, link: this.#line.link, ...more });
  }

  /** Take a message of another tab. */
  #hear(message) {
    const { kind } = message;
    if (this.#leads) {
      // Who knows something may know more than a leader that has just begun: it asks again once that has caught up.
      if (kind === "hello" && (!message.known || this.#line.link.phase === "open")) this.#answer();
      if (kind !== "seen") return;
      this.#see(this.#env.now());
      if (message.hurry) this.#line.hurry();
      else this.#line.check();
      this.#announce("lead");
    } else if (typeof message.from === "string" && typeof message.link?.phase === "string") this.#mirror(message);
  }

  /** One state answers all who ask at about the same time. */
  #answer() {
    if (this.#helloed) return;
    this.#helloed = true;
    this.#env.setTimeout(() => {
      this.#helloed = false;
      if (this.#fold.known) this.#announce("state", { data: this.#fold.dump() });
      else this.#announce("lead");
    }, 0);
  }

  /** Follow the leader: what it heard is heard here, and how its line is, is how ours is. */
  #mirror({ kind, from, count, cursor, upstream, ahead, link, name, text, id, data }) {
    const now = this.#env.now();
    const leader = this.#leader;
    const refused = link.phase === "refused" && this.#line.link.phase !== "refused";
    const same = leader.from === from && leader.followed;
    this.#line.link = renew(this.#line.link, link);
    let follows = same && count === leader.count;
    if (kind === "event") {
      follows = (same && count === leader.count + 1) || name === "snapshot";
      if (follows || name === "heartbeat") follows = this.#take(name, read(text), follows ? id : "") && follows;
    } else {
      this.#upstream = upstream && renew(this.#upstream, upstream);
      this.#ahead = ahead;
      follows ||= this.#fold.known && cursor !== "" && cursor === this.#cursor;
      if (!follows && kind === "state") follows = this.#take("snapshot", data, cursor);
    }
    this.#leader = { from, count, followed: follows, heardAt: now, unanswered: 0 };
    if (!follows && (from !== leader.from || now - this.#helloAt >= TICK)) this.#hello();
    if (refused) this.#publish();
    else this.#ask();
  }

  /** Take an event of our own line, and pass it on. */
  #pass(name, text, id) {
    if (this.#take(name, read(text), id)) {
      this.#leader.count += 1;
      this.#announce("event", { name, text, id });
    } else {
      // Without it the state is not what it should be: a new stream without a cursor begins with a snapshot.
      console.warn(`The gateway sent a ${name} that can't be understood; asking for everything anew.`);
      this.#cursor = "";
      this.#line.fail();
    }
  }

  /** Take an event; return whether it could be understood. */
  #take(name, data, id) {
    const { known } = this.#fold;
    try {
      if (name === "heartbeat") {
        this.#upstream = Object.freeze({ ...data.upstream });
        this.#ahead = Date.parse(data.at) - this.#env.now() || 0;
      } else {
        const changes = this.#fold.take(name, data);
        for (const change of changes) this.#gather(change);
        this.#away ||= known && (name === "snapshot" || data.reason === "resumed");
        this.#moved ||= changes.length > 0 || !known;
      }
    } catch {
      return false;
    }
    if (id) this.#cursor = id;
    this.#ask();
    return true;
  }

  /** Of several changes of one thing within a batch the first tells what was, the last what is. */
  #gather(change) {
    const key = change.key ?? change;
    const earlier = this.#batch.get(key);
    this.#batch.set(key, earlier?.key ? { ...change, before: earlier.before } : change);
  }

  #relink() {
    this.#announce("lead");
    if (this.#line.link.phase === "refused") this.#publish();
    else this.#ask();
  }

  /** Publish with the next frame; hidden tabs have no frames, Node has none at all. */
  #ask() {
    if (this.#unask) return;
    const { requestAnimationFrame: frame, cancelAnimationFrame, setTimeout, clearTimeout } = this.#env;
    const publish = () => this.#publish();
    const timer = setTimeout(publish, frame ? 250 : 0);
    const framed = frame?.(publish);
    this.#unask = () => {
      clearTimeout(timer);
      if (frame) cancelAnimationFrame(framed);
    };
  }

  #publish() {
    this.#unask?.();
    this.#unask = undefined;
    if (this.#moved) this.#shown = this.#fold.show();
    this.#moved = false;
    const { link } = this.#line;
    const [known, upstream, cursor, ahead] = [this.#fold.known, this.#upstream, this.#cursor, this.#ahead];
    const standing = judge(link, upstream, this.#env.now());
    const state = { known, ...this.#shown, upstream, link, cursor, ahead, standing };
    if (this.#state && Object.keys(state).every((name) => state[name] === this.#state[name])) return;
    this.#state = Object.freeze(state);
    const changes = [...this.#batch.values()].filter((change) => !change.key || change.before || change.after);
    const away = this.#away;
    this.#batch.clear();
    this.#away = false;
    for (const listener of this.#listeners) {
      try {
        listener(this.#state, changes, { away });
      } catch (error) {
        // The page's own fault: it shall be seen, and harm no other listener.
        this.#env.reportError(error);
      }
    }
  }
}

/** Follow the applications. See client.d.ts for the options. */
export function connect(options = {}) {
  return new Connection(new Fold(), resolve(options.url), options);
}

/** Follow one application in detail, by its key; parameters of the URL are for lists, and left out. */
export function connectDetail(key, options = {}) {
  const url = new URL(resolve(options.url));
  url.search = "";
  url.pathname += `/${key.split("/").map(encodeURIComponent).join("/")}`;
  return new Connection(new DetailFold(), url.href, options);
}

/** Without a page (on a server that renders it) nothing is opened, and the base matters to nobody. */
function resolve(url = "api/stream/pipelines") {
  return new URL(url, globalThis.document?.baseURI ?? "http://localhost/").href;
}

function surroundings() {
  const { document, navigator, EventSource, BroadcastChannel } = globalThis;
  const bound = (name) => globalThis[name]?.bind(globalThis);
  const names = ["fetch", "setTimeout", "clearTimeout", "setInterval", "clearInterval", "requestAnimationFrame", "cancelAnimationFrame"];
  return {
    document,
    window: document && globalThis,
    locks: navigator?.locks,
    EventSource,
    BroadcastChannel,
    now: () => Date.now(),
    random: () => Math.random(),
    reportError: bound("reportError") ?? ((error) => console.error(error)),
    ...Object.fromEntries(names.map((name) => [name, bound(name)])),
  };
}
