/**
 * What the page says, in the reader's language: flat dictionaries of texts, and of functions where something is put in.
 *
 * Argo CD's own words (Healthy, OutOfSync, …) stay as they are in every language.
 *
 * @typedef {Record<string, string | ((...args: any[]) => string)>} Dictionary
 * @typedef {Record<string, Dictionary>} Words  by language, each with the same keys
 */

import { makeFormat } from "./format.js";

/** The languages by tag, as each calls itself. The first one is for everybody else. */
export const LANGUAGES = { en: "English", ko: "한국어" };
/** What the shell and the first page say; other pages bring their own. @type {Record<string, () => Promise<any>>} */
const LOADS = { en: () => import("./languages/en.js"), ko: () => import("./languages/ko.js") };
const KEPT = "argocd-sse-gateway.language";

export class Language {
  /** @type {Words} */
  #words = { en: {}, ko: {} };
  tag = "en";
  format = makeFormat("en");

  /** Load the language that the reader chose, or the browser's. */
  async start() {
    await this.#speak(choose());
  }

  /** Say something; arguments go to the dictionary's function. @type {Function} */
  t = (key, ...args) => {
    const text = this.#words[this.tag][key] ?? key;
    return typeof text === "function" ? text(...args) : text;
  };

  /** Take in the dictionary of a page. @param {Words} words */
  learn(words) {
    for (const [tag, dictionary] of Object.entries(words)) Object.assign((this.#words[tag] ??= {}), dictionary);
  }

  /** Speak another language from now on. @param {string} tag */
  async change(tag) {
    await this.#speak(tag);
    keep(tag);
  }

  /** @param {string} tag */
  async #speak(tag) {
    this.learn({ [tag]: (await LOADS[tag]()).words });
    this.tag = tag;
    this.format = makeFormat(tag);
  }

  /** Fill the fixed texts of the page: `data-t` is an element's text, `data-t-label` its name. @param {ParentNode} root */
  fill(root) {
    document.documentElement.lang = this.tag;
    for (const element of root.querySelectorAll("[data-t]")) element.textContent = this.t(element.getAttribute("data-t") ?? "");
    for (const element of root.querySelectorAll("[data-t-label]")) element.setAttribute("aria-label", this.t(element.getAttribute("data-t-label") ?? ""));
  }
}

function choose() {
  const tags = [read(), ...navigator.languages].filter(Boolean).map((each) => String(each).toLowerCase().split("-")[0]);
  return tags.find((each) => each in LANGUAGES) ?? "en";
}

// A browser may forbid storage; then the choice lasts as long as the page.
function read() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

/** @param {string} tag */
function keep(tag) {
  try {
    localStorage.setItem(KEPT, tag);
  } catch {
    // Nothing to do: it is only not remembered.
  }
}
