import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { connect, connectDetail } from "../../gateway/web/static/client.js";
import { document, Gateway } from "./play.js";
import { response, World } from "./world.js";

const URL_ = "https://gateway.test/api/stream/pipelines?projects=shop";
const opened = [];

/** A connection of a tab of its own, that shares nothing. */
function follow(world, options = {}, tab = world.tab()) {
  const connection = connect({ url: URL_, shared: false, environment: tab.environment, ...options });
  opened.push(connection);
  const told = [];
  connection.subscribe((state, changes, { away }) => told.push({ state, keys: changes.map(({ key }) => key), changes, away }));
  return { connection, told, tab };
}

afterEach(() => {
  for (const connection of opened.splice(0)) connection.close();
});

async function begin(...names) {
  const world = new World();
  const gateway = new Gateway(...names);
  const followed = follow(world);
  gateway.serve(world.last);
  await world.pass(1);
  return { world, gateway, ...followed };
}

test("a connection opens, knows, and is live", async () => {
  const world = new World();
  const gateway = new Gateway("a", "b");
  const { connection, told } = follow(world);
  const { state } = connection;
  assert.equal(world.last.url, URL_);
  assert.deepEqual([state.known, state.standing, state.link.phase, state.applications.size], [false, "connecting", "opening", 0]);
  gateway.serve(world.last);
  assert.equal(connection.state, state, "a state is published with the next frame, not before");
  await world.pass(1);
  assert.deepEqual([connection.state.known, connection.state.standing, connection.state.link.phase], [true, "live", "open"]);
  assert.deepEqual([...connection.state.applications.keys()], ["argocd/a", "argocd/b"]);
  assert.deepEqual(told.map(({ keys, away }) => [keys, away]), [[[], false]]);
  assert.equal(connection.state.cursor, "e-1-v");
  assert.ok(Object.isFrozen(connection.state) && Object.isFrozen(connection.state.link));
});

test("changes of one frame come as one batch, from what was first to what is last", async () => {
  const { world, gateway, connection, told } = await begin("a", "b");
  const before = connection.state;
  gateway.change({ "argocd/a": { health: { status: "Progressing" } } }, [], world.last);
  gateway.change({ "argocd/a": { health: { status: "Degraded" } }, "argocd/c": document("c") }, [], world.last);
  gateway.change({}, ["argocd/c"], world.last);
  await world.pass(1);
  assert.equal(told.length, 2);
  const { changes, away } = told[1];
  assert.deepEqual(changes.map(({ key, before, after }) => [key, before?.health.status, after?.health.status]), [["argocd/a", "Healthy", "Degraded"]]);
  assert.equal(away, false);
  assert.equal(before.applications.get("argocd/a").health.status, "Healthy", "an old state stays as it was");
  assert.equal(connection.state.applications.get("argocd/b"), before.applications.get("argocd/b"));
});

test("a state that says the same stays the same object", async () => {
  const { world, connection, told } = await begin("a");
  const { state } = connection;
  await world.pass(5_000);
  assert.equal(connection.state, state);
  assert.equal(told.length, 1);
});

test("a listener that fails harms no other, and one that left hears nothing", async () => {
  const { world, gateway, connection, told } = await begin("a");
  let heard = 0;
  connection.subscribe(() => {
    throw new Error("a page's own fault");
  });
  const leave = connection.subscribe(() => (heard += 1));
  connection.subscribe((_, changes) => told.push({ keys: changes.map(({ key }) => key) }));
  leave();
  gateway.change({ "argocd/a": { images: [] } }, [], world.last);
  await world.pass(1);
  assert.equal(heard, 0);
  assert.deepEqual(told.at(-1).keys, ["argocd/a"]);
  assert.deepEqual(world.reported.map(({ message }) => message), ["a page's own fault"]);
});

test("a lost stream is resumed where it ended, and the state stays", async () => {
  const { world, gateway, connection, told } = await begin("a", "b");
  world.last.fail();
  await world.pass(1);
  assert.deepEqual([connection.state.link.phase, connection.state.standing], ["lost", "live"], "a usual reconnect alarms nobody");
  gateway.change({ "argocd/a": { health: { status: "Missing" } } });
  await world.pass(1_600);
  assert.equal(world.streams.length, 2);
  assert.equal(world.last.cursor, "e-1-v");
  assert.equal(new URL(world.last.url).searchParams.get("projects"), "shop");
  assert.equal(connection.state.applications.size, 2);
  gateway.serve(world.last);
  await world.pass(1);
  assert.deepEqual(told.at(-1).keys, ["argocd/a"]);
  assert.equal(told.at(-1).away, true);
  assert.ok(told.every(({ state }) => state.applications.size === 2), "never a flash of empty");
});

test("after a restart of the gateway only what differs is told", async () => {
  const { world, gateway, connection, told } = await begin("a", "b");
  world.last.fail();
  const kept = connection.state.applications.get("argocd/b");
  gateway.restart();
  gateway.change({ "argocd/a": { health: { status: "Missing" } } });
  await world.pass(3_000);
  gateway.serve(world.last);
  await world.pass(1);
  assert.deepEqual([told.at(-1).keys, told.at(-1).away], [["argocd/a"], true]);
  assert.equal(connection.state.applications.get("argocd/b"), kept);
  assert.equal(connection.state.cursor, gateway.cursor);
});

test("a stream that is lost for longer counts as disconnected, and waits grow, with full jitter, to a bound", async () => {
  const { world, connection } = await begin("a");
  const waits = [];
  for (let turn = 0; turn < 8; turn += 1) {
    const count = world.streams.length;
    const at = world.time;
    world.last.fail();
    while (world.streams.length === count) await world.pass(50);
    waits.push(Math.round((world.time - at) / 500) / 2);
  }
  assert.deepEqual(waits, [1.5, 3, 6, 12, 15, 15, 15, 15]);
  assert.equal(connection.state.standing, "disconnected");
  assert.equal(connection.state.applications.size, 1);
  world.chance = 0;
  world.last.fail();
  const count = world.streams.length;
  await world.pass(200);
  assert.equal(world.streams.length, count, "never at once");
});

test("a goodbye's wait is obeyed, whoever hurries", async () => {
  const { world, connection, tab } = await begin("a");
  world.last.say("goodbye", { reason: "drain", retryMs: 4_000 });
  await world.pass(1);
  assert.deepEqual([connection.state.link.phase, connection.state.link.goodbye, connection.state.standing], ["lost", "drain", "live"]);
  tab.window.dispatchEvent(new Event("online"));
  connection.retry();
  await world.pass(3_900);
  assert.equal(world.streams.length, 1);
  await world.pass(200);
  assert.equal(world.streams.length, 2);
});

test("goodbye upon goodbye is answered more and more slowly", async () => {
  const world = new World();
  follow(world);
  const waits = [];
  for (let turn = 0; turn < 5; turn += 1) {
    const at = world.time;
    world.last.say("goodbye", { reason: "overloaded", retryMs: 1_000 });
    const count = world.streams.length;
    while (world.streams.length === count) await world.pass(50);
    waits.push(Math.round((world.time - at) / 500) / 2);
  }
  assert.deepEqual(waits, [1, 3, 6, 12, 15]);
});

test("a stream that the browser gave up at a 503 is opened anew", async () => {
  const { world, connection } = await begin("a");
  world.answer = () => response(503, "application/problem+json");
  world.last.fail({ gaveUp: true });
  await world.pass(1);
  assert.equal(connection.state.link.phase, "lost");
  await world.pass(3_000);
  assert.equal(world.open.length, 1);
  assert.equal(world.last.cursor, "e-1-v");
});

for (const [what, answer, status] of [
  ["401", response(401, "application/problem+json"), 401],
  ["403", response(403, "text/html"), 403],
  ["404", response(404, "text/plain"), 404],
  ["400", response(400, "application/problem+json"), 400],
  ["redirect to a login page", response(0, undefined, { type: "opaqueredirect" }), 401],
  ["login page", response(200, "text/html; charset=utf-8"), 401],
]) {
  test(`a ${what} is told to the page at once, and tried again slowly`, async () => {
    const { world, connection, told, tab } = await begin("a");
    const asked = [];
    world.answer = (url) => (asked.push(url), answer);
    world.last.fail({ gaveUp: true });
    await world.pass(0);
    assert.deepEqual(asked, ["https://gateway.test/api/pipelines?projects=shop"]);
    const { link, standing, applications } = connection.state;
    assert.deepEqual([link.phase, link.status, standing, applications.size], ["refused", status, "refused", 1]);
    assert.equal(told.at(-1).state, connection.state);
    await world.pass(29_000);
    assert.equal(world.streams.length, 1);
    await world.pass(32_000);
    assert.equal(world.streams.length, 2);
    world.last.fail({ gaveUp: true });
    await world.pass(1);
    assert.equal(connection.state.link, link, "the same refusal is no news");
    tab.window.dispatchEvent(new Event("focus"));
    assert.equal(world.streams.length, 3, "whoever has logged in elsewhere and comes back is served at once");
    connection.retry();
    assert.equal(world.streams.length, 3);
    new Gateway("a").serve(world.last);
    await world.pass(1);
    assert.deepEqual([connection.state.link.phase, connection.state.link.status], ["open", undefined]);
  });
}

test("a refusal that became a failure is no refusal", async () => {
  const { world, connection } = await begin("a");
  world.answer = () => response(401);
  world.last.fail({ gaveUp: true });
  await world.pass(61_000);
  world.answer = () => {
    throw new TypeError("Failed to fetch");
  };
  world.last.fail({ gaveUp: true });
  await world.pass(1);
  assert.deepEqual([connection.state.link.phase, connection.state.link.status], ["lost", undefined]);
});

test("a question that is never answered holds nobody up", async () => {
  const { world } = await begin("a");
  world.answer = () => new Promise(() => {});
  world.last.fail({ gaveUp: true });
  await world.pass(16_000);
  assert.equal(world.open.length, 1);
});

test("silence is a loss, of more than three heartbeats", async () => {
  const { world, gateway, connection } = await begin("a");
  await world.pass(44_000);
  assert.equal(world.streams.length, 1);
  await world.pass(2_000);
  assert.equal(world.streams.length, 2);
  assert.equal(connection.state.standing, "disconnected", "what nobody vouches for is never called live");
  gateway.serve(world.last);
  await world.pass(1);
  assert.equal(connection.state.standing, "live");
});

test("the gateway's own heartbeat is learnt", async () => {
  const { world, gateway } = await begin("a");
  for (let beat = 0; beat < 6; beat += 1) {
    await world.pass(5_000);
    gateway.beat(world.last);
  }
  await world.pass(14_000);
  assert.equal(world.streams.length, 1);
  await world.pass(2_000);
  assert.equal(world.streams.length, 2);
});

test("a gateway that beats slowly is understood after a while", async () => {
  const { world, gateway } = await begin("a");
  for (let beat = 0; beat < 12; beat += 1) {
    const stream = world.last;
    await world.pass(120_000);
    if (stream.readyState !== 2) gateway.beat(stream);
    else gateway.serve(world.last);
  }
  const count = world.streams.length;
  for (let beat = 0; beat < 5; beat += 1) {
    await world.pass(120_000);
    gateway.beat(world.last);
  }
  assert.equal(world.streams.length, count);
});

test("upstream's states are shown as they are told", async () => {
  const { world, gateway, connection } = await begin("a");
  for (const [state, standing] of [["stale", "stale"], ["down", "down"], ["connecting", "connecting"], ["new-word", "connecting"], ["live", "live"]]) {
    gateway.beat(world.last, state);
    await world.pass(1);
    assert.equal(connection.state.standing, standing);
  }
});

test("the gateway's clock is known", async () => {
  const { world, connection } = await begin("a");
  world.last.say("heartbeat", { at: new Date(world.time + 60_000).toISOString(), upstream: { state: "live", since: "" } });
  await world.pass(1);
  assert.equal(connection.state.ahead, 60_000);
  assert.equal(connection.state.cursor, "e-1-v", "an event without an id keeps the cursor");
});

test("what can't be understood is asked for anew, and what is held stays", async (context) => {
  const { world, connection, told } = await begin("a");
  const warn = context.mock.method(console, "warn", () => {});
  world.last.say("delta", "{", "e-2-v");
  assert.equal(warn.mock.callCount(), 1);
  await world.pass(3_000);
  assert.equal(world.last.cursor, "");
  assert.equal(connection.state.applications.size, 1);
  assert.ok(told.every(({ state }) => state.applications.size === 1));
});

test("a goodbye that can't be understood is a goodbye", async () => {
  const { world } = await begin("a");
  world.last.say("goodbye", "[");
  await world.pass(3_000);
  assert.equal(world.open.length, 1);
});

test("a state that a server rendered is continued, and connects without being called live", async () => {
  const world = new World();
  const gateway = new Gateway("a", "b");
  const from = { cursor: gateway.cursor, applications: [...gateway.documents.values()], upstream: { state: "live", since: "" }, position: "e-1" };
  gateway.change({ "argocd/a": { images: ["i"] } });
  const { connection, told } = follow(world, { from });
  assert.deepEqual([connection.state.known, connection.state.applications.size, connection.state.standing], [true, 2, "connecting"]);
  assert.equal(world.last.cursor, "e-1-v");
  gateway.serve(world.last);
  await world.pass(1);
  assert.deepEqual([told.at(-1).keys, told.at(-1).away, connection.state.standing], [["argocd/a"], true, "live"]);
});

test("hidden for long, the stream is closed; seen again, it goes on from where it was", async () => {
  const { world, gateway, connection, told, tab } = await begin("a");
  tab.hide();
  for (let minute = 0; minute < 6; minute += 1) {
    await world.pass(30_000);
    if (world.open.length) gateway.beat(world.last);
    await world.pass(30_000);
    if (world.open.length) gateway.beat(world.last);
  }
  assert.equal(world.open.length, 0);
  assert.deepEqual([connection.state.link.phase, connection.state.standing], ["resting", "disconnected"]);
  await world.pass(3_600_000);
  assert.equal(world.open.length, 0);
  gateway.change({ "argocd/a": { images: ["i"] } });
  tab.show();
  assert.equal(world.last.cursor, "e-1-v");
  await world.pass(1);
  assert.equal(connection.state.standing, "connecting");
  gateway.serve(world.last);
  await world.pass(1);
  assert.deepEqual([told.at(-1).keys, told.at(-1).away, connection.state.standing], [["argocd/a"], true, "live"]);
  assert.ok(told.every(({ state }) => state.applications.size === 1));
});

test("a page that is put away holds no stream, and goes on when it comes back", async () => {
  const { world, tab, connection } = await begin("a");
  tab.window.dispatchEvent(new Event("pagehide"));
  assert.equal(world.open.length, 0);
  await world.pass(60_000);
  assert.equal(world.open.length, 0);
  tab.window.dispatchEvent(new Event("pageshow"));
  assert.equal(world.last.cursor, "e-1-v");
  assert.equal(connection.state.applications.size, 1);
});

test("a closed connection leaves nothing behind", async () => {
  const { world, connection, told, tab } = await begin("a");
  const count = told.length;
  connection.close();
  assert.deepEqual([world.open.length, world.timers.size], [0, 0]);
  for (const name of ["online", "focus", "pageshow"]) tab.window.dispatchEvent(new Event(name));
  await world.pass(60_000);
  assert.deepEqual([world.streams.length, told.length], [1, count]);
});

test("without an EventSource, as on a server, it holds what it was given and opens nothing", () => {
  const world = new World();
  const tab = world.tab({ EventSource: undefined });
  const { connection } = follow(world, { from: { cursor: "c", applications: [document("a")] } }, tab);
  assert.equal(connection.state.applications.size, 1);
  assert.equal(world.timers.size, 0);
  connection.close();
});

test("a detail has its own address, without a list's parameters, and is asked for as JSON there", async () => {
  const world = new World();
  const asked = [];
  world.answer = (url) => (asked.push(url), response(404));
  const detail = connectDetail("argocd/a b", { url: URL_, shared: false, environment: world.tab().environment });
  opened.push(detail);
  const told = [];
  detail.subscribe((state, fields) => told.push([state.detail?.health.status, fields]));
  assert.equal(world.last.url, "https://gateway.test/api/stream/pipelines/argocd/a%20b");
  world.last.say("snapshot", { reason: "new", position: "e-1", detail: document("a") }, "e-1-d");
  await world.pass(1);
  world.last.say("delta", { changed: { health: { status: "Degraded" } } }, "e-2-d");
  world.last.say("delta", { changed: { images: ["i"] } }, "e-3-d");
  await world.pass(1);
  world.last.say("delta", { changed: {}, removed: true }, "e-4-d");
  await world.pass(1);
  assert.deepEqual(told, [["Healthy", []], ["Degraded", ["health", "images"]], [undefined, ["key", "name", "namespace", "health", "images"]]]);
  assert.deepEqual([detail.state.detail, detail.state.known, detail.state.cursor], [null, true, "e-4-d"]);
  world.last.fail({ gaveUp: true });
  await world.pass(1);
  assert.deepEqual(asked, ["https://gateway.test/api/pipelines/argocd/a%20b"]);
  assert.equal(detail.state.link.status, 404);
});
