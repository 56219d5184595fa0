/** Revisions with whom and what they came from. */

import { shorten } from "../shell/documents.js";
import { foreign, h, outward, timeOf } from "./markup.js";

/**
 * A revision: its short form, linked to its commit where that is known.
 * @param {string} revision
 * @param {any} [metadata]
 */
export function shortOf(revision, metadata) {
  const short = shorten(revision);
  const element = outward(metadata?.url, short, "sha");
  if (short !== revision) element.title = revision;
  return element;
}

/**
 * What a commit says: its first line, author and age; nothing where Argo CD hasn't told it (yet).
 * @param {any} metadata
 * @param {import("./sections.js").Tools} tools
 */
export function commitOf(metadata, tools) {
  if (!metadata) return undefined;
  const [title, ...rest] = String(metadata.message ?? "").trim().split("\n");
  const more = rest.join("\n").trim();
  return h(
    "div",
    { class: "commit" },
    title && h("p", { class: "subject", dir: "auto", title: more || false }, title),
    h("p", { class: "by" }, metadata.author && foreign(authorOf(metadata.author)), timeOf(metadata.date, tools), ...(metadata.tags ?? []).map((/** @type {string} */ tag) => foreign(tag, "chip mono"))),
  );
}

/** The name of "Name <address>". @param {string} author */
export function authorOf(author) {
  return author.replace(/\s*<[^<>]*>\s*$/, "") || author;
}

/**
 * Who began an operation: a person, a token, or Argo CD by itself.
 * @param {any} initiatedBy
 * @param {(key: string, ...args: any[]) => string} t
 */
export function tellInitiator(initiatedBy, t) {
  if (initiatedBy?.username) return t("application.by", initiatedBy.username);
  return initiatedBy?.automated ? t("application.by.argocd") : "";
}
