import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { connect } from "../../gateway/web/static/client.js";
import { document, Gateway } from "./play.js";
import { response, World } from "./world.js";

const URL_ = "https://gateway.test/api/stream/pipelines";
const opened = [];

afterEach(() => {
  for (const connection of opened.splice(0)) connection.close();
});

/** Open a tab that shares; what it is told is noted. */
async function open(world, options = {}, how = {}) {
  const tab = world.tab(how);
  const connection = connect({ url: URL_, environment: tab.environment, ...options });
  opened.push(connection);
  const told = [];
  connection.subscribe((state, changes, { away }) => told.push({ state, keys: changes.map(({ key }) => key), away }));
  await world.pass(1);
  return { tab, connection, told, close: () => (tab.window.dispatchEvent(new Event("pagehide")), tab.crash()) };
}

async function openAll(count, ...names) {
  const world = new World();
  const gateway = new Gateway(...names);
  const tabs = [await open(world)];
  gateway.serve(world.last);
  await world.pass(1);
  while (tabs.length < count) tabs.push(await open(world));
  await world.pass(5);
  return { world, gateway, tabs };
}

const held = ({ connection }) => Object.fromEntries([...connection.state.applications].map(([key, each]) => [key, each.health.status]));
const standing = ({ connection }) => connection.state.standing;
const never = (tabs, what) => assert.ok(tabs.every(({ told }) => !told.some(({ state }) => what(state))));
const forgetTold = (tabs) => tabs.forEach(({ told }) => told.splice(0));

test("seven tabs have one stream, and all see the same", async () => {
  const { world, gateway, tabs } = await openAll(7, "a", "b");
  assert.equal(world.streams.length, 1);
  assert.deepEqual(new Set(tabs.map(standing)), new Set(["live"]));
  forgetTold(tabs);
  gateway.change({ "argocd/a": { health: { status: "Degraded" } } }, [], world.last);
  await world.pass(5);
  for (const tab of tabs) {
    assert.deepEqual(held(tab), { "argocd/a": "Degraded", "argocd/b": "Healthy" });
    assert.deepEqual(tab.told.map(({ keys, away }) => [keys, away]), [[["argocd/a"], false]]);
    assert.equal(tab.connection.state.cursor, gateway.cursor);
  }
});

for (const [how, end] of [["is closed", (tab) => tab.close()], ["crashes", ({ tab }) => tab.crash()]]) {
  test(`when the leading tab ${how}, another goes on from where it was, without a lost change or a flash`, async () => {
    const { world, gateway, tabs } = await openAll(4, "a", "b");
    forgetTold(tabs);
    const rest = tabs.slice(1);
    end(tabs[0]);
    gateway.change({ "argocd/a": { health: { status: "Missing" } } }, ["argocd/b"]);
    await world.pass(5);
    assert.equal(world.open.length, 1);
    assert.equal(world.last.cursor, "e-1-v");
    gateway.serve(world.last);
    await world.pass(5);
    for (const tab of rest) assert.deepEqual([held(tab), standing(tab)], [{ "argocd/a": "Missing" }, "live"]);
    never(rest, ({ applications, standing }) => applications.size === 0 || standing !== "live");
    for (const { told } of rest) assert.deepEqual(told.flatMap(({ keys }) => keys).sort(), ["argocd/a", "argocd/b"]);
  });
}

test("a tab that knows more than the new leader doesn't take its delta for its own", async () => {
  const { world, gateway, tabs } = await openAll(3, "a");
  // The last word of the old leader reaches only one of the two; then the value goes back to what it was.
  const [, second] = tabs;
  const [channel] = [...world.channels].filter(({ tab }) => tab === second.tab);
  const { onmessage } = channel;
  channel.onmessage = undefined;
  gateway.change({ "argocd/a": { health: { status: "Degraded" } } }, [], world.last);
  await world.pass(1);
  assert.deepEqual(tabs.map(held).map((all) => all["argocd/a"]), ["Degraded", "Healthy", "Degraded"]);
  channel.onmessage = onmessage;
  tabs[0].tab.crash();
  gateway.change({ "argocd/a": { health: { status: "Healthy" } } }, []);
  gateway.log = [{ cursor: gateway.cursor, changed: {}, removed: [] }];
  await world.pass(5);
  assert.equal(world.last.tab, second.tab);
  assert.deepEqual(held(tabs[2]), { "argocd/a": "Degraded" }, "nor does it go back to what the new leader still holds");
  gateway.serve(world.last);
  await world.pass(2_000);
  assert.deepEqual(held(tabs[2]), { "argocd/a": "Healthy" });
});

test("a tab that misses a message asks for the state", async () => {
  const { world, gateway, tabs } = await openAll(2, "a");
  const [channel] = [...world.channels].filter(({ tab }) => tab === tabs[1].tab);
  const { onmessage } = channel;
  channel.onmessage = undefined;
  gateway.change({ "argocd/a": { health: { status: "Degraded" } } }, [], world.last);
  await world.pass(1);
  channel.onmessage = onmessage;
  gateway.change({ "argocd/b": document("b") }, [], world.last);
  await world.pass(2_000);
  assert.deepEqual(held(tabs[1]), held(tabs[0]));
  assert.equal(tabs[1].connection.state.applications.size, 2);
});

test("a tab that comes before there is any state gets it with the others", async () => {
  const world = new World();
  const gateway = new Gateway("a");
  const tabs = [await open(world), await open(world)];
  world.last.say("heartbeat", { at: "2026-11-20T23:00:00Z", upstream: { state: "connecting", since: "2026-11-20T23:00:00Z" } });
  await world.pass(5);
  assert.deepEqual(tabs.map(({ connection: { state } }) => [state.known, state.link.phase]), [[false, "open"], [false, "open"]]);
  gateway.serve(world.last);
  await world.pass(5);
  assert.deepEqual(tabs.map(held), [{ "argocd/a": "Healthy" }, { "argocd/a": "Healthy" }]);
});

test("a leader that says nothing any more is replaced by who is looked at", async () => {
  const { world, gateway, tabs } = await openAll(3, "a");
  tabs[0].tab.freeze();
  const closed = world.last;
  await world.pass(40_000);
  assert.notEqual(world.last, closed);
  assert.notEqual(world.last.tab, tabs[0].tab);
  gateway.serve(world.last);
  await world.pass(5);
  assert.deepEqual(tabs.slice(1).map(standing), ["live", "live"]);
  never(tabs.slice(1), ({ applications }) => applications.size === 0);
  // When it wakes up it finds that it doesn't lead any more.
  tabs[0].tab.alive = true;
  await world.pass(6_000);
  assert.equal(world.open.length, 1);
  gateway.change({ "argocd/a": { health: { status: "Degraded" } } }, [], world.last);
  await world.pass(5);
  assert.deepEqual(tabs.map(held), Array(3).fill({ "argocd/a": "Degraded" }));
});

test("a quiet gateway is no reason to replace a leader", async () => {
  const { world, tabs } = await openAll(3, "a");
  await world.pass(44_000);
  assert.equal(world.streams.length, 1);
  assert.deepEqual(new Set(tabs.map(standing)), new Set(["live"]));
});

test("only when all tabs are hidden for long is the stream closed; any that is seen opens it", async () => {
  const world = new World();
  const gateway = new Gateway("a");
  const tabs = [await open(world, { hiddenAfter: 60_000 }), await open(world, { hiddenAfter: 60_000 })];
  gateway.serve(world.last);
  const hours = async (count) => {
    for (let beat = 0; beat < count * 360; beat += 1) {
      await world.pass(10_000);
      if (world.open.length) gateway.beat(world.last);
    }
  };
  tabs[0].tab.hide();
  await hours(0.1);
  assert.equal(world.open.length, 1, "one is still looked at");
  tabs[1].tab.hide();
  await hours(0.1);
  assert.equal(world.open.length, 0);
  assert.deepEqual(tabs.map(({ connection }) => connection.state.link.phase), ["resting", "resting"]);
  forgetTold(tabs);
  gateway.change({ "argocd/a": { health: { status: "Degraded" } } });
  tabs[1].tab.show();
  await world.pass(5);
  assert.equal(world.last.cursor, "e-1-v");
  gateway.serve(world.last);
  await world.pass(5);
  assert.deepEqual(tabs.map(held), Array(2).fill({ "argocd/a": "Degraded" }));
  never(tabs, ({ applications }) => applications.size === 0);
});

test("a tab that is opened while all others rest wakes them", async () => {
  const { world, tabs } = await openAll(1, "a");
  tabs[0].tab.hide();
  await world.pass(400_000);
  assert.equal(world.open.length, 0);
  const fresh = await open(world);
  await world.pass(5);
  assert.equal(world.open.length, 1);
  assert.deepEqual(held(fresh), { "argocd/a": "Healthy" });
  assert.equal(standing(fresh), "connecting", "what rested for long is not called live before it is heard");
});

test("a resting leader that is closed leaves a resting one", async () => {
  const { world, tabs } = await openAll(2, "a");
  tabs.forEach(({ tab }) => tab.hide());
  await world.pass(400_000);
  tabs[0].close();
  await world.pass(5);
  assert.equal(world.open.length, 0);
  tabs[1].tab.show();
  assert.equal(world.open.length, 1);
});

test("a refusal is known in all tabs at once, and any of them can have it tried again", async () => {
  const { world, gateway, tabs } = await openAll(3, "a");
  world.answer = () => response(401);
  world.last.fail({ gaveUp: true });
  await world.pass(5);
  assert.deepEqual(tabs.map(({ connection: { state } }) => [state.standing, state.link.status]), Array(3).fill(["refused", 401]));
  assert.equal(world.open.length, 0);
  tabs[2].connection.retry();
  await world.pass(5);
  assert.equal(world.open.length, 1);
  gateway.serve(world.last);
  await world.pass(5);
  assert.deepEqual(tabs.map(standing), ["live", "live", "live"]);
});

test("a hidden leader whose timers are throttled is moved by who is looked at", async () => {
  const { world, tabs } = await openAll(2, "a");
  const throttled = tabs[0].tab;
  throttled.hide();
  for (const timer of world.timers) if (timer.tab === throttled) world.timers.delete(timer);
  world.last.fail();
  for (const timer of world.timers) if (timer.tab === throttled && timer.at > world.time + 300) world.timers.delete(timer);
  await world.pass(7_000);
  assert.equal(world.streams.length, 2);
  assert.equal(world.last.tab, throttled);
});

for (const [what, lacking] of [["locks", { locks: undefined }], ["channels", { BroadcastChannel: undefined }]]) {
  test(`without ${what} each tab has its own stream`, async () => {
    const world = new World();
    await open(world, {}, lacking);
    await open(world, {}, lacking);
    assert.equal(world.open.length, 2);
  });
}

test("where locks may not be used each tab has its own stream", async () => {
  const world = new World();
  const locks = { request: async () => Promise.reject(new DOMException("opaque origin", "SecurityError")) };
  await open(world, {}, { locks });
  await open(world, {}, { locks });
  assert.equal(world.open.length, 2);
});

test("other parameters, and other credentials, are other streams", async () => {
  const world = new World();
  await open(world);
  await open(world, { url: `${URL_}?projects=shop` });
  await open(world, { withCredentials: true });
  await open(world, { shared: false });
  assert.equal(world.open.length, 4);
});

test("what is no message of ours is passed over, and a broken one is asked for anew", async () => {
  const { world, gateway, tabs } = await openAll(2, "a");
  const [channel] = [...world.channels].filter(({ tab }) => tab === tabs[1].tab);
  const ours = { protocol: "argocd-sse-gateway/1", from: "x", count: 7, link: { phase: "open" } };
  const strange = [null, 7, "text", {}, { protocol: "argocd-sse-gateway/2", kind: "state" }, { ...ours, from: 7 }, { ...ours, link: null }];
  for (const data of [...strange, { ...ours, kind: "state", data: { applications: [1] } }, { ...ours, kind: "event", name: "delta", text: "{" }]) {
    channel.onmessage({ data });
  }
  await world.pass(6_000);
  gateway.change({ "argocd/a": { health: { status: "Degraded" } } }, [], world.last);
  await world.pass(2_000);
  assert.deepEqual(tabs.map(held), Array(2).fill({ "argocd/a": "Degraded" }));
  assert.deepEqual(tabs.map(standing), ["live", "live"]);
});

test("a tab that was put away and comes back follows again", async () => {
  const { world, gateway, tabs } = await openAll(3, "a");
  tabs[0].tab.window.dispatchEvent(new Event("pagehide"));
  await world.pass(5);
  gateway.serve(world.last);
  gateway.change({ "argocd/a": { health: { status: "Degraded" } } }, [], world.last);
  await world.pass(5);
  assert.deepEqual(held(tabs[0]), { "argocd/a": "Healthy" });
  tabs[0].tab.window.dispatchEvent(new Event("pageshow"));
  await world.pass(5);
  assert.equal(world.open.length, 1);
  assert.deepEqual([held(tabs[0]), standing(tabs[0])], [{ "argocd/a": "Degraded" }, "live"]);
});
