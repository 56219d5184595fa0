/** The page: events in, at most one drawing per frame out. Knows all parts; they don't know each other. */

import { find, setData, setIcon, setText } from "./dom.js";
import { Feed } from "./feed.js";
import { Filters } from "./filters.js";
import { Fold } from "./fold.js";
import { List } from "./list.js";
import { judge } from "./state.js";
import { Stream } from "./stream.js";
import { healthOf, tellChange, tellPast } from "./words.js";

const AGES_EVERY = 5_000;
const SAY_EVERY = 8_000;
const PAST = 12;

const fold = new Fold();
const feed = new Feed();
const list = new List();
const filters = new Filters(() => ask({ order: true, choice: true }));
const stream = new Stream(new URL("api/stream/pipelines", document.baseURI).href, { onEvent: take, onLink: showStanding });

/** @type {import("./state.js").Upstream | undefined} */
let upstream;
/** The gateway's clock minus ours, in milliseconds. */
let ahead = 0;
/** @type {Set<string>} */
const changedKeys = new Set();
/** @type {Set<string>} */
const flashKeys = new Set();
const asked = { frame: 0, order: false, choice: false };
let agesShownAt = 0;

const now = () => Date.now() + ahead;

/** @param {string} name @param {any} data */
function take(name, data) {
  if (name === "heartbeat") {
    upstream = data.upstream;
    ahead = Date.parse(data.at) - Date.now();
    showStanding();
    return;
  }
  if (name === "goodbye") return;
  const first = !fold.known;
  const changes = name === "snapshot" ? fold.takeSnapshot(data) : fold.takeDelta(data);
  const away = name === "snapshot" || data.reason === "resumed";
  if (first) {
    for (const key of fold.applications.keys()) changedKeys.add(key);
    for (const past of tellPast(fold.applications.values(), PAST).reverse()) feed.add(past);
  }
  for (const change of changes) note(change, away);
  ask({ order: true });
}

/** @param {import("./fold.js").Change} change @param {boolean} away */
function note(change, away) {
  const { key, before, after } = change;
  changedKeys.add(key);
  const told = tellChange(change);
  const app = after ?? before;
  if (!told.length || !app) return;
  flashKeys.add(key);
  const icon = after ? (before ? undefined : "new") : "gone";
  feed.add({ at: now(), app, told: told.join(", "), icon, away });
  if (after && healthOf(after) === "Degraded" && before && healthOf(before) !== "Degraded") say(`${app.name} is degraded`);
}

/** Ask for a drawing with the next frame. @param {{ order?: boolean, choice?: boolean }} what */
function ask({ order = false, choice = false }) {
  asked.order ||= order;
  asked.choice ||= choice;
  asked.frame ||= requestAnimationFrame(draw);
}

function draw() {
  asked.frame = 0;
  const time = now();
  for (const key of changedKeys) list.put(key, fold.applications.get(key), time);
  for (const key of flashKeys) list.markChanged(key, time);
  changedKeys.clear();
  flashKeys.clear();
  if (asked.order) {
    const shown = list.arrange(filters);
    showEmptiness(shown);
    if (asked.choice) say(`${shown} of ${list.size} applications shown`);
    showTotals();
  }
  asked.order = asked.choice = false;
  feed.show(time);
}

/** @param {number} shown */
function showEmptiness(shown) {
  const empty = find("empty");
  empty.hidden = shown > 0;
  find("clear").hidden = !filters.active;
  if (shown > 0) return;
  const nothing = fold.known ? "Argo CD shows no applications to the gateway." : "Waiting for the first state…";
  setText(find("empty-text"), filters.active && list.size ? "No application matches." : nothing);
}

function showTotals() {
  if (fold.known) setText(find("total"), String(list.size));
}

/** Show how true the page is. */
function showStanding() {
  const local = Date.now();
  const standing = judge(stream.link, upstream, fold.known, { local, server: local + ahead });
  const root = document.documentElement;
  if (root.dataset.state !== standing.kind) {
    setData(root, "state", standing.kind);
    setIcon(/** @type {Element} */ (find("state").firstElementChild), standing.kind);
    say(`${standing.title} ${standing.kind === "live" ? "" : standing.detail}. ${standing.banner}`);
  }
  setText(find("state-title"), standing.title);
  setText(find("state-detail"), standing.detail);
  const banner = find("banner");
  setText(banner, standing.banner);
  banner.hidden = !standing.banner;
  const degraded = countDegraded();
  const title = degraded ? `${degraded} degraded · Applications` : "Applications";
  const whole = standing.kind === "live" ? title : `${standing.title} · ${title}`;
  if (document.title !== whole) document.title = whole;
}

function countDegraded() {
  let count = 0;
  for (const app of fold.applications.values()) if (healthOf(app) === "Degraded") count += 1;
  return count;
}

/** @type {string[]} */
let toSay = [];
let saidAt = 0;
/** @type {number | undefined} */
let sayTimer;

/** Tell screen readers, politely: seldom, and the latest only where there is much. @param {string} text */
function say(text) {
  toSay.push(text);
  sayTimer ??= setTimeout(speak, Math.max(700, saidAt + SAY_EVERY - Date.now()));
}

function speak() {
  sayTimer = undefined;
  saidAt = Date.now();
  const [last, before] = toSay.reverse();
  const more = toSay.length - 2;
  setText(find("announcer"), [before, last, more > 0 ? `and ${more} more` : ""].filter(Boolean).join("; "));
  toSay = [];
}

function everySecond() {
  stream.check();
  showStanding();
  if (document.hidden || Date.now() - agesShownAt < AGES_EVERY) return;
  agesShownAt = Date.now();
  list.showAges(now());
  feed.showAges(now());
}

find("clear").addEventListener("click", () => filters.clear());
addEventListener("online", () => stream.hurry());
document.addEventListener("visibilitychange", everySecond);
document.addEventListener("keydown", (event) => {
  const typing = event.target instanceof Element && event.target.closest("input, select, textarea");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  find("search").focus();
});
setInterval(everySecond, 1_000);
stream.open();
