/** What whoever is refused sees: why, and the way in. */

import { makeButton } from "./dom.js";
import { makeEmpty } from "./parts.js";

/** @param {string} status  of HTTP @param {Function} t */
export function makeRefusal(status, t) {
  const known = status === "401" || status === "403";
  const title = known ? t(`refused.${status}`) : t("refused.other", status);
  // Asked for again as a page, a login in front of the gateway can show itself.
  const again = makeButton("button primary", () => location.reload(), t(status === "401" ? "action.login" : "action.reload"));
  return makeEmpty(title, t(known ? `refused.${status}.text` : "refused.other.text"), again);
}
