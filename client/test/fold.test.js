import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { DetailFold, Fold } from "../../gateway/web/static/client.js";
import { document } from "./play.js";

const recorded = JSON.parse(readFileSync(new URL("recorded.json", import.meta.url), "utf8"));

const snapshot = (...applications) => ({ reason: "new", position: "e-1", applications });

test("a recorded gateway folds into what it lists, over a reconnect", () => {
  const fold = new Fold();
  for (const { name, data } of recorded.connections.flat()) fold.take(name, JSON.parse(data));
  const held = [...fold.applications.values()].sort((one, other) => (one.key < other.key ? -1 : 1));
  assert.deepEqual(held, recorded.final);
});

test("the first snapshot changes nothing, a later one what it differs in", () => {
  const fold = new Fold();
  assert.deepEqual(fold.take("snapshot", snapshot(document("a"), document("b"), document("c"))), []);
  const [a, b, c] = ["a", "b", "c"].map((name) => fold.applications.get(`argocd/${name}`));
  const fresh = document("b", { health: { status: "Missing" } });
  const changes = fold.take("snapshot", snapshot(document("a"), fresh, document("d")));
  assert.deepEqual(changes, [
    { key: "argocd/b", before: b, after: fresh },
    { key: "argocd/d", before: undefined, after: document("d") },
    { key: "argocd/c", before: c, after: undefined },
  ]);
  assert.equal(fold.applications.get("argocd/a"), a, "who stays the same is the same object");
});

test("what stays the same within a document is the same object, whatever the order of its fields", () => {
  const fold = new Fold();
  fold.take("snapshot", snapshot(document("a", { labels: { x: "1", y: "2" }, images: ["i"] })));
  const before = fold.applications.get("argocd/a");
  fold.take("snapshot", snapshot(document("a", { labels: { y: "2", x: "1" }, images: ["j"] })));
  const after = fold.applications.get("argocd/a");
  assert.notEqual(after, before);
  assert.equal(after.labels, before.labels);
  assert.equal(after.health, before.health);
});

test("null removes a field, an unknown key begins empty, documents are frozen", () => {
  const fold = new Fold();
  fold.take("snapshot", snapshot(document("a", { images: ["i"] })));
  const before = fold.applications.get("argocd/a");
  fold.take("delta", { changed: { "argocd/a": { images: null }, "argocd/b": document("b") }, removed: [] });
  assert.deepEqual(fold.applications.get("argocd/a"), document("a"));
  assert.deepEqual(before.images, ["i"], "what was held before is as it was");
  assert.deepEqual(fold.applications.get("argocd/b"), document("b"));
  assert.ok(Object.isFrozen(fold.applications.get("argocd/b")));
});

test("names that mean something to JavaScript mean nothing here", () => {
  const fold = new Fold();
  const fields = JSON.parse('{"key":"__proto__","__proto__":{"polluted":true},"constructor":1}');
  const changed = JSON.parse('{"__proto__":null}');
  changed["argocd/a"] = fields;
  delete changed.__proto__;
  fold.take("delta", { changed, removed: ["constructor"] });
  const held = fold.applications.get("argocd/a");
  assert.equal(Object.getPrototypeOf(held), Object.prototype);
  assert.equal(held.polluted, undefined);
  assert.equal({}.polluted, undefined);
  fold.take("delta", JSON.parse('{"changed":{"argocd/a":{"__proto__":null}},"removed":[]}'));
  assert.ok(!Object.hasOwn(fold.applications.get("argocd/a"), "__proto__"));
});

test("what no gateway sends is an error, and unknown events say nothing", () => {
  for (const data of [{}, { changed: {} }, { changed: { a: 1 }, removed: [] }, { changed: {}, removed: 7 }, undefined]) {
    assert.throws(() => new Fold().take("delta", data), TypeError);
  }
  for (const data of [{}, { applications: [1] }, { applications: 7 }]) assert.throws(() => new Fold().take("snapshot", data), TypeError);
  assert.deepEqual(new Fold().take("dance", { new: true }), []);
});

test("a detail tells the names of the fields that changed", () => {
  const fold = new DetailFold();
  const tree = { nodes: [] };
  assert.deepEqual(fold.take("snapshot", { detail: { ...document("a"), tree } }), []);
  assert.deepEqual(fold.take("delta", { changed: { health: { status: "Degraded" }, tree: null } }).sort(), ["health", "tree"]);
  assert.deepEqual(fold.detail, document("a", { health: { status: "Degraded" } }));
  const { health } = fold.detail;
  assert.deepEqual(fold.take("snapshot", { detail: document("a", { health: { status: "Degraded" }, images: [] }) }), ["images"]);
  assert.equal(fold.detail.health, health);
  assert.deepEqual(fold.take("delta", { reason: "resumed", changed: {} }), []);
});

test("an application that goes leaves no detail, and may come back", () => {
  const fold = new DetailFold();
  fold.take("snapshot", { detail: document("a") });
  assert.deepEqual(fold.take("delta", { changed: {}, removed: true }).sort(), ["health", "key", "name", "namespace"]);
  assert.equal(fold.detail, null);
  assert.ok(fold.known);
  fold.take("delta", { changed: document("a") });
  assert.deepEqual(fold.detail, document("a"));
});
