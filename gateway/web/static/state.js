/**
 * What the page says of its own truth: is it live, how old is it, and why. Pure.
 *
 * @typedef {{ state: string, since: string, reason?: string, verifiedAt?: string }} Upstream
 * @typedef {object} Standing
 * @property {"live" | "stale" | "down" | "connecting" | "disconnected"} kind
 * @property {string} title   two or three words
 * @property {string} detail  since when
 * @property {string} banner  what that means for what is shown; empty if it is live
 */

import { tellAge, tellTime } from "./words.js";

/** Milliseconds that a usual reconnect may take before the page calls itself disconnected. */
export const GRACE = 8_000;

const GOODBYES = {
  lifetime: "The gateway ended the stream as it does now and then.",
  drain: "The gateway is shutting down or restarting.",
  overloaded: "The gateway has no room at the moment.",
};

/**
 * Judge how true the page is.
 * @param {import("./stream.js").Link} link
 * @param {Upstream | undefined} upstream  as last heard
 * @param {boolean} known  whether any state has come
 * @param {{ local: number, server: number }} now  in milliseconds, by this machine's clock and by the gateway's
 * @returns {Standing}
 */
export function judge(link, upstream, known, now) {
  if (link.phase !== "open" && now.local - link.since >= GRACE) return tellDisconnected(link, upstream, known, now);
  if (!upstream) {
    return { kind: "connecting", title: "Connecting", detail: "to the gateway…", banner: "" };
  }
  const since = Date.parse(upstream.since);
  const age = `since ${tellTime(since, now.server)} (${tellAge(since, now.server)})`;
  const reason = upstream.reason ? ` ${sentence(upstream.reason)}` : "";
  const verified = upstream.verifiedAt
    ? `verified ${tellAge(Date.parse(upstream.verifiedAt), now.server)} ago`
    : "not yet verified";
  const old = known ? "What you see may be old" : "There is nothing to show yet";
  switch (upstream.state) {
    case "live":
      return { kind: "live", title: "Live", detail: link.phase === "open" ? verified : "reconnecting…", banner: "" };
    case "stale":
      return { kind: "stale", title: "Stale", detail: age, banner: `${old}: the watch on Argo CD is lost.${reason} ${sentence(verified)}` };
    case "down":
      return { kind: "down", title: "Argo CD down", detail: age, banner: `${old}: Argo CD can't be reached.${reason} ${sentence(verified)}` };
    default:
      return { kind: "connecting", title: "Connecting", detail: `to Argo CD ${age}`, banner: reason.trim() };
  }
}

/** @type {(...args: Parameters<typeof judge>) => Standing} */
function tellDisconnected(link, upstream, known, now) {
  const goodbye = GOODBYES[/** @type {keyof typeof GOODBYES} */ (link.goodbye)] ?? "";
  const kind = "disconnected";
  const title = "Disconnected";
  if (!known) {
    return { kind, title, detail: "from the gateway", banner: `The gateway doesn't answer; the page keeps trying. ${goodbye}` };
  }
  const worse = upstream && upstream.state !== "live" ? ` Even then it was ${upstream.state}.` : "";
  return {
    kind,
    title,
    detail: `from the gateway for ${tellAge(link.heardAt, now.local)}`,
    banner: `What you see is as of ${tellTime(link.heardAt, now.local)}.${worse} ${goodbye} The page keeps trying.`.replace("  ", " "),
  };
}

/** @param {string} text */
function sentence(text) {
  const whole = text[0].toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(whole) ? whole : `${whole}.`;
}
