/** How long something took, in words. Pure. */

/** A span of up to two units: "1m 16s". @param {number} milliseconds @param {import("../shell/format.js").Format} format */
export function tellSpan(milliseconds, format) {
  const seconds = Math.round(milliseconds / 1_000);
  const [size, unit] = /** @type {[number, number]} */ ([[86_400, 3_600], [3_600, 60], [60, 1]].find(([each]) => seconds >= each) ?? [1, 0]);
  const rest = unit ? Math.floor((seconds % size) / unit) * unit : 0;
  return [format.span(seconds * 1_000), rest ? format.span(rest * 1_000) : ""].filter(Boolean).join(" ");
}
