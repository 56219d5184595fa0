/** Folds what comes as lines, and answers each sequence of events with what is held: for comparison with another fold. */

import { createInterface } from "node:readline";

import { DetailFold, Fold } from "../../gateway/web/static/client.js";

for await (const line of createInterface({ input: process.stdin })) {
  const { detail, events } = JSON.parse(line);
  const fold = detail ? new DetailFold() : new Fold();
  const changes = events.map(([name, data]) => fold.take(name, data).map((change) => change.key ?? change));
  const held = detail ? fold.detail : [...fold.applications.entries()];
  process.stdout.write(`${JSON.stringify({ held, changes })}\n`);
}
