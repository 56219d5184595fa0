/** Versions side by side: which is newer, and how a long one is shortened. Pure. */

/** What comes before a release; other endings (`-sha1234`) name a build, and say nothing of order. */
const PRERELEASE = /-(?:rc|alpha|beta|pre|preview|snapshot|m)[.-]?\d*.*$/i;
const byNumber = new Intl.Collator("en", { numeric: true }).compare;

/** A long version with its middle left out: beginnings name the line, ends name the build. @param {string} version @param {number} [room] */
export function abbreviate(version, room = 30) {
  const letters = [...version];
  if (letters.length <= room) return version;
  const end = Math.floor((room - 1) / 2);
  return `${letters.slice(0, room - 1 - end).join("")}…${letters.slice(-end).join("")}`;
}

/**
 * Say which of two versions is newer, if both say it themselves (`v1.2.3`, `2026.11.1`): negative, 0, positive.
 * @param {string} one
 * @param {string} other
 * @returns {number | undefined} undefined where they can't be compared
 */
export function compareVersions(one, other) {
  const [first, second] = [numbersOf(one), numbersOf(other)];
  if (!first || !second) return undefined;
  for (const [index, number] of first.entries()) {
    const difference = number - second[index];
    if (difference) return difference;
  }
  const [early, later] = [one, other].map((each) => PRERELEASE.exec(each)?.[0] ?? "");
  if (early && later) return byNumber(early, later);
  if (early || later) return early ? -1 : 1;
  return one === other ? 0 : undefined;
}

/** @param {string} version */
function numbersOf(version) {
  const found = /^v?(\d+)\.(\d+)(?:\.(\d+))?(?![\d.])/.exec(version);
  return found?.slice(1).map((each) => Number(each ?? 0));
}
