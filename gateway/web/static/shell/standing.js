/**
 * What the page says of its own truth: is it live, how old is it, and why. Pure.
 *
 * @typedef {object} Standing
 * @property {"live" | "stale" | "down" | "connecting" | "disconnected" | "refused"} kind
 * @property {string} title   two or three words
 * @property {string} detail  since when
 * @property {string} banner  what that means for what is shown; empty if it is live
 * @property {number} asOf    when what is shown was last known to be true, in the gateway's milliseconds; 0 if never
 */

/**
 * Say how true the page is.
 * @param {any} state  the connection's
 * @param {number} local  this machine's time in milliseconds
 * @param {Function} t
 * @param {import("./format.js").Format} format
 * @returns {Standing}
 */
export function judge(state, local, t, format) {
  const { link, upstream, known, ahead = 0 } = state;
  const server = local + ahead;
  const kind = state.standing;
  const base = { kind, title: t(`standing.${kind}`), asOf: asOf(state) };
  if (kind === "refused") return { ...base, detail: String(link.status ?? ""), banner: t("standing.refused.banner", known) };
  if (kind === "disconnected") return { ...base, ...tellDisconnected(state, local, t, format) };
  const verifiedAgo = format.ago(upstream?.verifiedAt, server);
  const verified = verifiedAgo ? t("standing.verified", verifiedAgo) : t("standing.unverified");
  if (kind === "live") return { ...base, detail: link.phase === "open" ? verified : t("standing.reconnecting"), banner: "" };
  if (!upstream || (kind === "connecting" && link.phase !== "open")) return { ...base, detail: t("standing.to-gateway"), banner: "" };
  const since = t("standing.since", format.clock(upstream.since, server), format.age(upstream.since, server));
  const reason = tellReason(upstream.reason ?? "", t);
  if (kind === "connecting") return { ...base, detail: t("standing.to-argocd", since), banner: reason };
  const old = known ? t(`standing.${kind}.banner`, format.clock(base.asOf, server)) : t("standing.nothing");
  return { ...base, detail: since, banner: [old, reason, sentence(verified)].filter(Boolean).join(" ") };
}

/** When what is shown was last known to be true, in the gateway's milliseconds; 0 if never. @param {any} state */
export function asOf({ link, upstream, ahead = 0 }) {
  // While the watch is live, what was heard was true; without it only what was last compared is known to have been.
  const verifiedAt = (upstream?.state !== "live" && Date.parse(upstream?.verifiedAt ?? "")) || Infinity;
  const heardAt = link.heardAt ? link.heardAt + ahead : Infinity;
  const earlier = Math.min(heardAt, verifiedAt);
  return Number.isFinite(earlier) ? earlier : 0;
}

/** @param {any} state @param {number} local @param {Function} t @param {import("./format.js").Format} format */
function tellDisconnected({ link, upstream, known, ahead = 0 }, local, t, format) {
  const goodbye = link.goodbye ? tellGoodbye(link.goodbye, t) : "";
  if (!known) return { detail: t("standing.from-gateway"), banner: [t("standing.no-answer"), goodbye].filter(Boolean).join(" ") };
  const worse = upstream && upstream.state !== "live" ? t("standing.even-then", t(`standing.${upstream.state}`)) : "";
  const detail = t("standing.for", format.age(link.heardAt, local));
  const banner = [t("standing.disconnected.banner", format.clock(asOf({ link, upstream, ahead }), local + ahead)), worse, goodbye, t("standing.trying")];
  return { detail, banner: banner.filter(Boolean).join(" ") };
}

/** One that we don't know is shown as it is. @param {string} reason @param {Function} t */
function tellReason(reason, t) {
  const told = t(`reason.${reason}`);
  return sentence(told === `reason.${reason}` ? reason : told);
}

/** Of one that we don't know nothing is said. @param {string} reason @param {Function} t */
function tellGoodbye(reason, t) {
  const told = t(`goodbye.${reason}`);
  return told === `goodbye.${reason}` ? "" : told;
}

/** @param {string} text */
function sentence(text) {
  if (!text) return "";
  const whole = text[0].toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(whole) ? whole : `${whole}.`;
}
