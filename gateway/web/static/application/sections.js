/**
 * The sections of an application's page: a registry, in reading order. A further one is a module and a line here.
 *
 * @typedef {Record<string, any>} Detail  the document of the detail stream, or, while that loads, the list's
 *
 * @typedef {object} Tools  what a section gets from the page
 * @property {(key: string, ...args: any[]) => string} t
 * @property {import("../shell/format.js").Format} format
 * @property {string} tag  the language
 * @property {() => number} now  the gateway's time in milliseconds
 * @property {(patch: import("../shell/address.js").Patch) => string} link
 * @property {(text: string) => void} say
 *
 * @typedef {object} Part  a section at work
 * @property {HTMLElement} element
 * @property {(detail: Detail) => boolean} show  whether there is anything to show; else the section is hidden
 * @property {(now: number) => void} [tick]  now and then; times made by `timeOf` are kept by the page
 * @property {() => void} [leave]
 *
 * @typedef {object} Section
 * @property {string} id
 * @property {string} title  a key of the dictionary
 * @property {"main" | "side"} place
 * @property {string[]} fields  of the detail; it is shown anew when one of them changed
 * @property {(tools: Tools) => Part} create
 */

import { conditions } from "./conditions.js";
import { facts } from "./facts.js";
import { history } from "./history.js";
import { operation } from "./operation.js";
import { outOfSync } from "./outofsync.js";
import { later } from "./rendered.js";
import { rollout } from "./rollout.js";
import { running } from "./running.js";
import { why } from "./why.js";

/** @type {Section} */
const resources = {
  id: "resources",
  title: "application.resources",
  place: "main",
  fields: ["tree", "resources", "parts"],
  create: later(
    () => import("./resources.js"),
    (detail) => Boolean(detail.tree) || ["loading", "failed"].includes(detail.parts?.tree?.state),
  ),
};

/** @type {Section} */
const timeline = {
  id: "timeline",
  title: "application.timeline",
  place: "main",
  fields: ["key", "timeline", "rollouts", "revisions", "operation", "health", "images"],
  create: later(
    () => import("../timeline/section.js"),
    () => true,
  ),
};

/** @type {Section[]} */
export const SECTIONS = [why, rollout, timeline, operation, conditions, outOfSync, resources, running, history, facts];
