/** A browser without a browser: tabs, their streams, locks and channels, and a clock that a test moves. */

class Stream {
  constructor(tab, url, { withCredentials }) {
    Object.assign(this, { tab, url, withCredentials, readyState: 0, listeners: {} });
    tab.world.streams.push(this);
  }

  addEventListener(name, listener) {
    this.listeners[name] = listener;
  }

  close() {
    this.readyState = 2;
  }

  get cursor() {
    return new URL(this.url).searchParams.get("lastEventId") ?? "";
  }

  /** The gateway says something. */
  say(name, data, id) {
    if (this.readyState === 2) throw new Error("nobody hears a closed stream");
    this.readyState = 1;
    if (id !== undefined) this.lastId = id;
    this.listeners[name]({ data: typeof data === "string" ? data : JSON.stringify(data), lastEventId: this.lastId ?? "" });
  }

  /** The connection breaks; or, given up, the answer was no stream. */
  fail({ gaveUp = false } = {}) {
    this.readyState = gaveUp ? 2 : 0;
    this.onerror();
  }
}

class Tab {
  alive = true;
  window = new EventTarget();
  document = Object.assign(new EventTarget(), { visibilityState: "visible" });

  constructor(world, how) {
    this.world = world;
    const tab = this;
    this.environment = {
      document: this.document,
      window: this.window,
      now: () => world.time,
      random: () => world.chance,
      reportError: (error) => world.reported.push(error),
      setTimeout: (act, wait) => world.schedule(tab, act, wait),
      clearTimeout: (timer) => world.timers.delete(timer),
      setInterval: (act, every) => world.schedule(tab, act, every, every),
      clearInterval: (timer) => world.timers.delete(timer),
      requestAnimationFrame: undefined,
      fetch: async (url) => world.answer(url),
      EventSource: class extends Stream {
        constructor(url, options) {
          super(tab, url, options);
        }
      },
      locks: { request: (name, options, act) => world.request(tab, name, options, act) },
      BroadcastChannel: class {
        constructor(name) {
          Object.assign(this, { name, tab });
          world.channels.add(this);
        }
        postMessage(data) {
          world.broadcast(this, structuredClone(data));
        }
        close() {
          world.channels.delete(this);
        }
      },
      ...how,
    };
  }

  show() {
    this.document.visibilityState = "visible";
    this.document.dispatchEvent(new Event("visibilitychange"));
  }

  hide() {
    this.document.visibilityState = "hidden";
    this.document.dispatchEvent(new Event("visibilitychange"));
  }

  /** The tab is gone, without a word. */
  crash() {
    this.freeze();
    for (const stream of this.world.streams) if (stream.tab === this) stream.readyState = 2;
    for (const channel of this.world.channels) if (channel.tab === this) this.world.channels.delete(channel);
    this.world.drop(this);
  }

  /** The tab does nothing any more, and keeps what it has. */
  freeze() {
    this.alive = false;
  }
}

export class World {
  time = 1_800_000_000_000;
  chance = 0.5;
  timers = new Set();
  streams = [];
  channels = new Set();
  locks = new Map();
  reported = [];
  answer = () => response(200, "application/json");

  tab(how) {
    return new Tab(this, how);
  }

  /** The streams that are open, or opening. */
  get open() {
    return this.streams.filter((stream) => stream.readyState !== 2);
  }

  get last() {
    return this.streams.at(-1);
  }

  schedule(tab, act, wait = 0, every) {
    const timer = { tab, act, at: this.time + wait, every };
    this.timers.add(timer);
    return timer;
  }

  broadcast(from, data) {
    for (const channel of this.channels) {
      if (channel === from || channel.name !== from.name) continue;
      this.schedule(channel.tab, () => this.channels.has(channel) && channel.onmessage?.({ data }));
    }
  }

  /** Let time pass, and all that is due happen, in its order. */
  async pass(milliseconds = 0) {
    const end = this.time + milliseconds;
    for (;;) {
      await settle();
      const due = [...this.timers].filter((timer) => timer.at <= end && timer.tab.alive).sort((one, other) => one.at - other.at)[0];
      if (!due) break;
      this.time = Math.max(this.time, due.at);
      if (due.every) due.at += due.every;
      else this.timers.delete(due);
      due.act();
    }
    this.time = end;
  }

  request(tab, name, { signal, steal }, act) {
    const queue = this.locks.get(name) ?? [];
    this.locks.set(name, queue);
    return new Promise((resolve, reject) => {
      const wish = { tab, act, resolve, reject, held: false };
      signal?.addEventListener("abort", () => {
        if (wish.held) return;
        this.#leave(name, wish);
        reject(new DOMException("aborted", "AbortError"));
      });
      if (steal && queue[0]?.held) queue.shift().reject(new DOMException("stolen", "AbortError"));
      if (steal) queue.unshift(wish);
      else queue.push(wish);
      this.#grant(name);
    });
  }

  drop(tab) {
    for (const [name, queue] of this.locks) for (const wish of [...queue]) if (wish.tab === tab) this.#leave(name, wish);
  }

  #leave(name, wish) {
    const queue = this.locks.get(name);
    if (queue.includes(wish)) queue.splice(queue.indexOf(wish), 1);
    this.#grant(name);
  }

  #grant(name) {
    const [wish] = this.locks.get(name);
    if (!wish || wish.held) return;
    wish.held = true;
    queueMicrotask(async () => {
      wish.resolve(await wish.act());
      this.#leave(name, wish);
    });
  }
}

export function response(status, type, more = {}) {
  return { status, type: "basic", headers: new Headers(type && { "Content-Type": type }), ...more };
}

/** Let every promise that can go on do so. */
export async function settle() {
  for (let turn = 0; turn < 30; turn += 1) await Promise.resolve();
}
