/** What whoever is refused sees: why, and the way in. */

import { makeButton } from "./dom.js";
import { makeEmpty } from "./parts.js";

/** @param {string} status  of HTTP @param {Function} t @param {string} name  of whoever was logged in until now */
export function makeRefusal(status, t, name) {
  const known = status === "401" || status === "403";
  const why = status === "401" && name ? "ended" : status;
  const title = known ? t(`refused.${why}`) : t("refused.other", status);
  // Asked for again as a page, a login in front of the gateway can show itself.
  const again = makeButton("button primary", () => location.reload(), t(status === "401" ? "action.login" : "action.reload"));
  return makeEmpty(title, t(known ? `refused.${why}.text` : "refused.other.text", name), again);
}
