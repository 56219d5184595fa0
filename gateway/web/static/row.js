/** One application as one row: made once, changed where it differs, its details made when somebody opens them. */

import { lookOf, make, makeIcon, setData, setIcon, setText } from "./dom.js";
import { healthOf, shortRevision, syncOf, tellAge, tellPhase, tellTime, tellTrouble } from "./words.js";

/** @typedef {import("./fold.js").Application} Application */

/** The worse, the further up. */
const RANKS = { Degraded: 0, Missing: 1, Unknown: 2, Progressing: 3, Suspended: 4, Healthy: 6 };

export class Row {
  health = "";
  sync = "";
  words = "";
  name = "";
  rank = 0;
  /** When it last changed before our eyes, in the gateway's milliseconds. */
  changedAt = 0;
  /** @type {Application | undefined} */
  #app;
  #icon = makeIcon("unknown");
  #name = make("span", "name");
  #place = make("span", "place");
  #healthWord = make("b");
  #age = make("time", "age");
  #syncIcon = makeIcon("unknown");
  #syncWord = make("span");
  #revision = make("span", "revision");
  #operation = make("span", "operation");
  #trouble = make("span", "trouble");
  #more = make("div", "more");
  #details = /** @type {HTMLDetailsElement} */ (make("details"));

  /** @param {string} key */
  constructor(key) {
    this.element = make("li", "row");
    this.element.dataset.key = key;
    const line = make(
      "span",
      "line",
      this.#icon,
      make("span", "who", this.#name, this.#place),
      make("span", "health", this.#healthWord, " ", this.#age),
      make("span", "sync", this.#syncIcon, this.#syncWord, " ", this.#revision),
      this.#operation,
      this.#trouble,
    );
    this.#details.append(make("summary", "", line), this.#more);
    this.#details.addEventListener("toggle", () => this.#showMore());
    this.element.append(this.#details);
  }

  /** @param {Application} app @param {number} now  the gateway's time in milliseconds */
  show(app, now) {
    this.#app = app;
    this.health = healthOf(app);
    this.sync = syncOf(app);
    this.name = app.name ?? app.key;
    const running = app.operation?.phase === "Running" || app.operation?.phase === "Terminating";
    const failed = app.operation?.phase === "Failed" || app.operation?.phase === "Error";
    const trouble = tellTrouble(app);
    this.rank = (RANKS[/** @type {keyof typeof RANKS} */ (this.health)] ?? 2) - (this.health === "Healthy" && (failed || this.sync !== "Synced") ? 1 : 0);
    this.words = wordsOf(app);
    setIcon(this.#icon, lookOf(this.health));
    setData(this.element, "health", lookOf(this.health));
    setData(this.element, "sync", lookOf(this.sync));
    setText(this.#name, this.name);
    setText(this.#place, [app.project, app.destination?.namespace ?? app.namespace].filter(Boolean).join(" · "));
    setText(this.#healthWord, this.health);
    setIcon(this.#syncIcon, lookOf(this.sync));
    setText(this.#syncWord, this.sync);
    setText(this.#revision, shortRevision(app));
    setText(this.#operation, running || failed ? tellPhase(app.operation.phase) : app.deletionTimestamp ? "being deleted" : "");
    setData(this.#operation, "phase", running ? "running" : failed ? "failed" : "");
    setText(this.#trouble, trouble);
    this.#trouble.hidden = !trouble;
    this.showAge(now);
    if (this.#details.open) this.#showMore();
  }

  /** @param {number} now */
  showAge(now) {
    const since = Date.parse(this.#app?.health?.since ?? "");
    setText(this.#age, since ? tellAge(since, now) : "");
    if (since) this.#age.setAttribute("datetime", this.#app?.health.since);
  }

  /** Draw the eye to what changed. */
  flash() {
    setData(this.element, "flash", this.element.dataset.flash === "a" ? "b" : "a");
  }

  #showMore() {
    const app = this.#app;
    if (!this.#details.open || !app) {
      this.#more.replaceChildren();
      return;
    }
    const { health, sync, operation } = app;
    const pairs = [
      ["Key", app.key],
      ["Health", [health?.status, health?.since && `since ${at(health.since)}`, health?.message].filter(Boolean).join(", ")],
      ["Sync", [sync?.status, sync?.since && `since ${at(sync.since)}${sync.atLeast ? " or longer" : ""}`].filter(Boolean).join(", ")],
      ["Operation", operation && [tellPhase(operation.phase), at(operation.finishedAt ?? operation.startedAt), operation.message].filter(Boolean).join(", ")],
      ["Revision", (sync?.revisions ?? []).join("\n")],
      ["Source", (app.sources ?? []).map((/** @type {any} */ each) => [each.repoURL, each.path ?? each.chart, each.targetRevision].filter(Boolean).join("  ")).join("\n")],
      ["Destination", [app.destination?.name ?? app.destination?.server, app.destination?.namespace].filter(Boolean).join("  ")],
      ["Images", (app.images ?? []).join("\n")],
      ["Conditions", (app.conditions ?? []).map((/** @type {any} */ each) => `${each.type}: ${each.message ?? ""}`).join("\n")],
      ["Labels", Object.entries(app.labels ?? {}).map(([name, value]) => `${name}=${value}`).join("\n")],
    ];
    const list = make("dl");
    for (const [term, text] of pairs) if (text) list.append(make("dt", "", term), make("dd", "", text));
    const links = (app.urls ?? []).filter((/** @type {string} */ url) => /^https?:\/\//i.test(url)).map(makeLink);
    if (links.length) list.append(make("dt", "", "Links"), make("dd", "", ...links));
    this.#more.replaceChildren(list);
  }
}

/** @param {string | undefined} text */
function at(text) {
  return text ? tellTime(Date.parse(text), Date.now()) : "";
}

/** Make a link to what an application serves; only http(s), for anybody can write such an address. @param {string} url */
function makeLink(url) {
  const link = /** @type {HTMLAnchorElement} */ (make("a", "", url));
  link.href = url;
  link.target = "_blank";
  link.rel = "noopener noreferrer";
  return link;
}

/** @param {Application} app */
function wordsOf(app) {
  const labels = Object.entries(app.labels ?? {}).map(([name, value]) => `${name}=${value}`);
  return [app.key, app.project, app.destination?.namespace, app.destination?.name, ...labels, ...(app.images ?? [])].join(" ").toLowerCase();
}
