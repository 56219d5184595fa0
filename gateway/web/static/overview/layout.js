/**
 * Where everything stands in the overview: groups' heads and applications, as rows or as cards. Pure; lengths in rem.
 *
 * @typedef {object} Slot
 * @property {string} id        of the group, or the application's key
 * @property {import("./collection.js").Group} [group]  a head
 * @property {boolean} [closed]
 * @property {import("./collection.js").Entry} [entry]
 * @property {number} top
 * @property {number} height
 * @property {number} column
 *
 * @typedef {object} Measures
 * @property {number} columns    1 for rows
 * @property {number} head
 * @property {number} plain      the height of one that is well
 * @property {number} troubled   and of one that has more to say
 * @property {number} gap        between cards; 0 for rows
 */

/** @type {Record<string, Omit<Measures, "columns">>} */
export const MEASURES = {
  table: { head: 2.75, plain: 2.5, troubled: 3.9, gap: 0 },
  grid: { head: 2.75, plain: 5.1, troubled: 8.9, gap: 0.5 },
};

/** Whether an entry has something to say beyond its status. @param {import("./collection.js").Entry} entry */
export const isTroubled = (entry) => entry.trouble !== "" || entry.lead !== "";

/**
 * @param {import("./collection.js").Group[]} groups
 * @param {{ grouped: boolean, closed: ReadonlySet<string> }} how
 * @param {Measures} measures
 * @returns {{ slots: Slot[], height: number }}
 */
export function layOut(groups, { grouped, closed }, { columns, head, plain, troubled, gap }) {
  /** @type {Slot[]} */
  const slots = [];
  let top = 0;
  for (const group of groups) {
    const folded = grouped && closed.has(group.name);
    if (grouped) {
      slots.push({ id: `group:${group.name}`, group, closed: folded, top, height: head, column: 0 });
      top += head;
    }
    const { entries } = group;
    for (let first = 0; !folded && first < entries.length; first += columns) {
      const last = Math.min(first + columns, entries.length);
      let height = plain;
      for (let index = first; index < last; index += 1) if (isTroubled(entries[index])) height = troubled;
      for (let index = first; index < last; index += 1) {
        slots.push({ id: entries[index].key, entry: entries[index], top, height, column: index - first });
      }
      top += height + gap;
    }
  }
  return { slots, height: top };
}

/** The first slot that ends below a line. @param {Slot[]} slots  by their tops @param {number} line */
export function findSlot(slots, line) {
  let [low, high] = [0, slots.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (slots[middle].top + slots[middle].height <= line) low = middle + 1;
    else high = middle;
  }
  return low;
}
