/** The page's composition root: one connection, one page at a time, and what they share. Knows all parts; they don't know each other. */

import { connect } from "../client.js";
import { ChangeLog } from "../changes/log.js";
import { Address } from "./address.js";
import { Announcer } from "./announcer.js";
import { healthOf } from "./documents.js";
import { find } from "./dom.js";
import { fillHead, Header } from "./header.js";
import { Keys } from "./keys.js";
import { Language, LANGUAGES } from "./language.js";
import { PAGES } from "./pages.js";
import { Router } from "./router.js";

const AGES_EVERY = 5_000;

const language = new Language();
const speaking = language.start();
const connection = connect();
const announcer = new Announcer(find("announcer"), (count) => language.t("announcer.more", count));
const changes = new ChangeLog(new URL("api/changes", document.baseURI));

/** The time by the gateway's clock, in milliseconds. */
const now = () => Date.now() + (connection.state.ahead ?? 0);

const context = {
  address: () => router.address,
  /** @type {Router["go"]} */
  go: (patch, options) => router.go(patch, options),
  /** @param {import("./address.js").Patch} patch */
  link: (patch) => new Address().with(patch).href,
  t: language.t,
  get format() {
    return language.format;
  },
  get tag() {
    return language.tag;
  },
  /** @param {string} text */
  say: (text) => announcer.say(text),
  now,
  connection,
  changes,
};

/** Loaded when the first state is there. @type {import("./me.js").Me | undefined} */
let me;
let letIn = false;

const header = new Header(context, () => me?.name ?? "");
const keys = new Keys([
  { keys: ["g o"], label: "help.overview", run: () => router.go({ page: "overview" }) },
  { keys: ["g s"], label: "help.services", run: () => router.go({ page: "services" }) },
  { keys: ["?"], label: "help.help", run: openHelp },
]);
const router = new Router({
  context,
  language,
  onEnter: () => {
    keys.page = router.page?.keys ?? [];
    router.page?.update(connection.state, null, now());
    showHead();
  },
});

let degraded = 0;
let tickedAt = 0;

/** @param {any} state @param {import("./pages.js").Change[]} changed @param {{ away: boolean }} told */
function take(state, changed, told = { away: false }) {
  if (changed.length) changes.note(changed, { at: now(), cursor: state.cursor, away: told.away });
  changes.follow(state, told.away);
  degraded = countDegraded(state);
  router.page?.update(state, changed, now(), told);
  router.settle();
  followLogin(state);
  showHead();
}

/** Whoever comes in, or comes in again, may be somebody else. @param {any} state */
async function followLogin({ known, standing }) {
  const now = known && standing !== "refused";
  if (now === letIn) return;
  letIn = now;
  if (!now) return me?.show(false);
  const loaded = await import("./me.js").catch(() => undefined);
  if (!loaded) {
    // The gateway has gone meanwhile; when the next state comes, it may be there again.
    letIn = false;
    return;
  }
  me ??= new loaded.Me(context, find("me"));
  if (letIn) await me.ask();
}

/** @param {any} state */
function countDegraded(state) {
  let count = 0;
  for (const app of state.applications.values()) if (healthOf(app) === "Degraded") count += 1;
  return count;
}

function showHead() {
  const title = router.page?.title?.() ?? language.t(PAGES[router.address.page]?.label ?? "page.unknown");
  header.show(connection.state, degraded, title);
}

function everySecond() {
  showHead();
  if (document.hidden || Date.now() - tickedAt < AGES_EVERY) return;
  tickedAt = Date.now();
  router.page?.tick(now());
}

async function openHelp() {
  const help = await import("./help.js");
  help.openHelp(keys.all, language.t);
}

function speak() {
  language.fill(document);
  me?.show(letIn);
  fillHead(context, LANGUAGES, Object.entries(PAGES), async (tag) => {
    await language.change(tag);
    speak();
    router.restart();
  });
}

await speaking;
speak();
find("help").addEventListener("click", openHelp);
document.addEventListener("visibilitychange", everySecond);
setInterval(everySecond, 1_000);
connection.subscribe(take);
router.start();
take(connection.state, []);
// Those are for when the gateway is away or refuses: they have to be there before.
setTimeout(() => Promise.allSettled([import("./help.js"), import("./refusal.js")]), 2_000);
