/** Times, ages and numbers as the reader's language writes them. Pure: what time it is comes as an argument. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** @type {[number, string][]} */
const UNITS = [
  [DAY, "day"],
  [HOUR, "hour"],
  [MINUTE, "minute"],
  [SECOND, "second"],
];

/**
 * Make the formats of one language. Instants are milliseconds since 1970, or the text of a document's field.
 * @param {string} tag  BCP 47
 */
export function makeFormat(tag) {
  const ages = new Map(UNITS.map(([, unit]) => [unit, new Intl.NumberFormat(tag, { style: "unit", unit, unitDisplay: "narrow" })]));
  const relative = new Intl.RelativeTimeFormat(tag, { numeric: "always", style: "short" });
  const time = new Intl.DateTimeFormat(tag, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const dayTime = new Intl.DateTimeFormat(tag, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const moment = new Intl.DateTimeFormat(tag, { dateStyle: "medium", timeStyle: "long" });
  const number = new Intl.NumberFormat(tag);
  const list = new Intl.ListFormat(tag, { style: "short", type: "conjunction" });

  return Object.freeze({
    /** A span in its largest unit: "5m". @param {number} milliseconds */
    span(milliseconds) {
      const [value, unit] = split(milliseconds);
      return /** @type {Intl.NumberFormat} */ (ages.get(unit)).format(value);
    },
    /** How long ago: "5m", or empty if unknown. @param {Instant} at @param {number} now */
    age(at, now) {
      const instant = parseInstant(at);
      return Number.isNaN(instant) ? "" : this.span(now - instant);
    },
    /** "5 min. ago". @param {Instant} at @param {number} now */
    ago(at, now) {
      const instant = parseInstant(at);
      if (Number.isNaN(instant)) return "";
      const [value, unit] = split(now - instant);
      return relative.format(-value, /** @type {Intl.RelativeTimeFormatUnit} */ (unit));
    },
    /** A time of day, with its date if that isn't today: "12:03". @param {Instant} at @param {number} now */
    clock(at, now) {
      const date = new Date(parseInstant(at));
      if (Number.isNaN(date.getTime())) return "";
      return (date.toDateString() === new Date(now).toDateString() ? time : dayTime).format(date);
    },
    /** A whole date and time with its zone. @param {Instant} at */
    moment(at) {
      const date = new Date(parseInstant(at));
      return Number.isNaN(date.getTime()) ? "" : moment.format(date);
    },
    /** @param {number} count */
    count: (count) => number.format(count),
    /** "a, b, and c". @param {string[]} words */
    list: (words) => list.format(words),
  });
}

/** @typedef {number | string | undefined} Instant */
/** @typedef {ReturnType<typeof makeFormat>} Format */

/** @param {Instant} at @returns {number}  NaN if unknown */
export function parseInstant(at) {
  return typeof at === "number" ? at : Date.parse(at ?? "");
}

/** @param {number} milliseconds @returns {[number, string]} */
function split(milliseconds) {
  const span = Math.max(0, milliseconds);
  const [size, unit] = UNITS.find(([each]) => span >= each) ?? [SECOND, "second"];
  return [Math.floor(span / size), unit];
}
