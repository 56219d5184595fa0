/**
 * What a line of `/api/timeline` consists of. Types only: nobody loads this.
 *
 * @typedef {object} Item
 * @property {string} title
 * @property {string} [state]
 * @property {string} [kind]
 * @property {string} [startedAt]
 * @property {string} [finishedAt]
 * @property {string} [detail]
 * @property {string} [url]
 * @property {Record<string, number>} [counts]
 * @property {{ grade: string, evidence: string[] }} [link]
 *
 * @typedef {Item & { stage: string, state: string, items?: Item[] }} Stage
 *
 * @typedef {object} Change
 * @property {string} id
 * @property {string} application
 * @property {string} [project]
 * @property {string} [service]
 * @property {string} [environment]
 * @property {string} outcome
 * @property {string} kind
 * @property {boolean} [automated]
 * @property {string} [initiatedBy]
 * @property {string[]} [revisions]
 * @property {string[]} [images]
 * @property {string} [startedAt]
 * @property {string} [endedAt]
 * @property {boolean} [seeded]
 * @property {Stage[]} [stages]
 * @property {Record<string, number>} [durations]
 * @property {{ how: string, of?: string, by?: string, at?: string }} [rollback]
 * @property {string} [supersededBy]
 * @property {string[]} [remarks]
 *
 * @typedef {{ stage: string, state: string, span: number, since?: number }} Segment  milliseconds; `stage` is "" where
 * nothing was seen to be done
 */

export {};
