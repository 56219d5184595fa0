/** One delivery as a row: when, from whom, what, what became of it and why. */

import { foreign, h, timeOf } from "../application/markup.js";
import { makeIcon } from "../shell/dom.js";

/**
 * @typedef {object} Delivery
 * @property {number} id
 * @property {string} sender
 * @property {string} [deliveryId]
 * @property {string} [event]
 * @property {string} receivedAt
 * @property {string} outcome
 * @property {string} [why]
 * @property {number} [size]
 * @property {number} [facts]
 * @property {number} [matched]
 * @property {number} [repeats]
 * @property {boolean} [redeliverable]
 */

/** Icon and colour of what became of a delivery. @type {Record<string, string>} */
const LOOKS = { accepted: "progressing", processed: "healthy", ignored: "gone", rejected: "degraded", failed: "degraded" };

export const OUTCOMES = Object.keys(LOOKS);
export const SENDERS = ["argo-workflows", "argocd", "cdevents", "github", "gitlab", "registry", "trivy"];

/** @param {Delivery} delivery @param {any} tools */
export function rowOf(delivery, tools) {
  const { t } = tools;
  const { id, sender, event, outcome, why, deliveryId, redeliverable } = delivery;
  const look = LOOKS[outcome] ?? "unknown";
  const known = Object.hasOwn(LOOKS, outcome);
  const again = h("button", { type: "button", class: "button again", "data-again": id, "aria-label": t("deliveries.redeliver.what", [sender, event].filter(Boolean).join(" ")) }, t("deliveries.redeliver"));
  return h(
    "li",
    { class: "received-row", "data-key": String(id), "data-outcome": outcome },
    h("span", { class: "received-time" }, timeOf(delivery.receivedAt, tools)),
    h("span", { class: "received-sender" }, foreign(sender)),
    h("span", { class: "received-event" }, event ? foreign(event, "mono") : h("span", { class: "muted" }, "—"), deliveryId && h("span", { class: "received-id", title: t("deliveries.id") }, foreign(deliveryId))),
    h("span", { class: "status received-outcome", "data-look": look }, makeIcon(look), h("span", null, known ? t(`deliveries.outcome.${outcome}`) : outcome)),
    h("div", { class: "received-what" }, ...tellTaken(delivery, tools).map((each) => h("p", { class: "muted" }, each)), why && h("p", null, foreign(why))),
    h("span", { class: "received-act" }, redeliverable && outcome !== "accepted" && again),
  );
}

/** @param {Delivery} delivery @param {any} tools */
function tellTaken({ outcome, facts, matched, repeats }, { t }) {
  const told = [];
  if (outcome === "processed" && facts !== undefined) {
    // Where none is about a known deployment, the gateway itself says which it waits for.
    const about = matched ? t("deliveries.matched", matched) : "";
    told.push([facts ? t("deliveries.facts", facts) : t("deliveries.facts.none"), about].filter(Boolean).join(": "));
  }
  if (repeats) told.push(t("deliveries.repeats", repeats));
  return told;
}

/** How each sender is set up: where it posts to, and whether it has a secret. @param {string[] | undefined} on  undefined where that isn't known @param {any} tools */
export function sendersOf(on, { t }) {
  const rows = SENDERS.map((name) => {
    const variable = `GATEWAY_WEBHOOK_${name.toUpperCase().replaceAll("-", "_")}_SECRET`;
    const state = on && (on.includes(name) ? h("span", { class: "status", "data-look": "healthy" }, makeIcon("healthy"), h("span", null, t("deliveries.senders.on"))) : h("span", { class: "status muted", "data-look": "gone" }, makeIcon("gone"), h("span", null, t("deliveries.senders.off"))));
    return h("tr", null, h("th", { scope: "row" }, name), h("td", null, h("code", null, new URL(`api/webhooks/${name}`, document.baseURI).href)), h("td", null, h("code", null, variable)), h("td", null, state));
  });
  const head = ["sender", "senders.path", "senders.secret", "outcome"].map((each, index) => h("th", { scope: "col" }, index < 3 ? t(`deliveries.${each}`) : h("span", { class: "unseen" }, t("deliveries.outcome"))));
  return h("div", { class: "senders card", tabindex: 0, role: "region", "aria-label": t("deliveries.senders") }, h("table", null, h("thead", null, h("tr", null, ...head)), h("tbody", null, ...rows)));
}
