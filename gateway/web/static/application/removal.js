/** When an application that isn't there was removed, as far as the gateway's log of changes tells. */

const BACK = "24h";

/** @param {string} key @returns {Promise<string | undefined>}  RFC 3339 */
export async function findRemoval(key) {
  const url = new URL("api/changes", document.baseURI);
  url.search = String(new URLSearchParams({ since: BACK, names: key.slice(key.lastIndexOf("/") + 1) }));
  try {
    const response = await fetch(url);
    if (!response.ok) return undefined;
    const { changes } = await response.json();
    return changes.find((/** @type {any} */ each) => each.key === key && each.kind === "removed")?.at;
  } catch {
    // It would have been good to know.
    return undefined;
  }
}
