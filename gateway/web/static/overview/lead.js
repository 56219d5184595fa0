/** What was deployed just before an application came to be as it is, and by whom. Pure. */

import { tellImages } from "../changes/tell.js";
import { parseInstant } from "../shell/format.js";
import { shortRevision, shorten } from "../shell/documents.js";

/** Milliseconds by which clocks may differ. */
const SLACK = 60_000;
/** What was deployed longer before than this is no explanation. */
const REACH = 3_600_000;

/**
 * @param {any} app
 * @param {import("../changes/history.js").Item[]} items  its changes, newest first
 * @param {{ t: Function, format: import("../shell/format.js").Format }} language
 * @returns {string}  empty if nothing is known
 */
export function tellLead(app, items, { t, format }) {
  const { operation, health } = app;
  const troubleAt = parseInstant(health?.since) || parseInstant(operation?.finishedAt);
  if (!troubleAt) return "";
  const fits = (/** @type {number} */ at) => at <= troubleAt + SLACK && at > troubleAt - REACH;
  const deployed = items.find(({ at, before, after, past }) => !past && before && after && fits(at) && (brings(before, after) || (after.operation?.startedAt && after.operation.startedAt !== before.operation?.startedAt)));
  const startedAt = parseInstant(operation?.startedAt);
  const what = deployed?.before && brings(deployed.before, deployed.after) ? tellImages(deployed.before.images, deployed.after?.images, t)[0] : "";
  const at = fits(startedAt) ? startedAt : deployed?.at;
  if (!at) return "";
  const revision = (operation?.revisions ?? []).map(shorten).join(", ") || shortRevision(app);
  const who = operation?.initiatedBy?.username || (operation?.initiatedBy?.automated ? t("lead.automatic") : "");
  const before = troubleAt > at ? t("lead.before", format.span(troubleAt - at)) : t("lead.then");
  return t("lead", [what || revision, before, who && t("lead.by", who)].filter(Boolean).join(", "));
}

/** Whether new images came, for those of pods that ended go without anybody's doing. @param {any} before @param {any} after */
function brings(before, after) {
  return (after?.images ?? []).some((/** @type {string} */ image) => !before.images?.includes(image));
}
