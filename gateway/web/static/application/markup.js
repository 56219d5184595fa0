/**
 * Elements made anew and brought into those on the page: only what differs is touched, so that focus, selection, what
 * the reader opened and where he reads stay; what changed is marked for the eye. Text is only ever text.
 */

import { lookOf } from "../shell/documents.js";
import { makeIcon, setText } from "../shell/dom.js";
import { parseInstant } from "../shell/format.js";
import { flash as mark } from "../shell/parts.js";

/** The reader's own: what he opened, and marks that fade by themselves. */
const KEPT = new Set(["open", "data-flash"]);

/** @typedef {Node | string | undefined | null | false} Child */

/**
 * Make an element.
 * @param {string} tag
 * @param {Record<string, string | number | boolean | undefined> | null} [attributes]  false and undefined are left out
 * @param {...Child} children
 * @returns {HTMLElement}
 */
export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) if (child !== undefined && child !== null && child !== false && child !== "") element.append(child);
  return element;
}

/** A word of health or sync with its icon. @param {string} word @param {string} [className] */
export function status(word, className = "status") {
  return h("span", { class: className, "data-look": lookOf(word) }, makeIcon(lookOf(word)), h("span", { dir: "auto" }, word));
}

/** Text that others wrote: it runs in its own direction and disturbs no neighbour's. @param {unknown} text @param {string} [className] */
export function foreign(text, className) {
  return h("bdi", { class: className }, String(text ?? ""));
}

/** A link to somewhere else, if the address is of the web, for anybody can write one; else only its text. @param {unknown} url @param {string} text @param {string} [className] */
export function outward(url, text, className) {
  if (!/^https?:\/\//i.test(String(url))) return foreign(text, className);
  return h("a", { class: className, href: String(url), target: "_blank", rel: "noopener noreferrer" }, foreign(text));
}

/**
 * A time that `showAges` keeps current.
 * @param {import("../shell/format.js").Instant} at
 * @param {import("./sections.js").Tools} tools
 * @param {"age" | "ago" | "clock"} [how]
 */
export function timeOf(at, { now, format }, how = "ago") {
  const instant = parseInstant(at);
  if (Number.isNaN(instant)) return undefined;
  const attributes = { class: "age", datetime: new Date(instant).toISOString(), title: format.moment(instant), "data-at": instant, "data-how": how };
  return h("time", { ...attributes, "data-quiet": true }, format[how](instant, now()));
}

/** Bring all times below an element up to date. @param {Element} root @param {Pick<import("./sections.js").Tools, "now" | "format">} tools */
export function showAges(root, { now, format }) {
  for (const time of root.querySelectorAll("time[data-at]")) {
    const { at, how = "ago" } = /** @type {HTMLElement} */ (time).dataset;
    setText(time, format[/** @type {"ago"} */ (how)](Number(at), now()));
  }
}

/** Draw the eye to an element, unless it or what it is in is of no news. @param {Element} element */
export function flash(element) {
  if (!(element instanceof HTMLElement) || element.closest("[data-quiet]")) return;
  mark(element);
}

/**
 * Bring one element's attributes and children to those of another that was made anew, which is used up.
 * @param {Element} old
 * @param {Element} fresh
 */
export function morph(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && !KEPT.has(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value && !KEPT.has(name)) old.setAttribute(name, value);
  }
  morphChildren(old, [...fresh.childNodes]);
}

/** Bring the children of an element to those wanted, each matched by its `data-key`, else by place and kind. @param {Element} box @param {Node[]} wanted */
export function morphChildren(box, wanted) {
  const keyed = new Map();
  for (const child of box.children) if (keyOf(child)) keyed.set(keyOf(child), child);
  /** @type {ChildNode | null} */
  let next = box.firstChild;
  let moved = false;
  for (const fresh of wanted) {
    const key = keyOf(fresh);
    /** @type {ChildNode | undefined} */
    const match = key ? keyed.get(key) : next && !keyOf(next) && next.nodeName === fresh.nodeName ? next : undefined;
    // Two may have one key, for others chose it: then the second is made anew.
    if (key) keyed.delete(key);
    if (!match || match.nodeName !== fresh.nodeName) {
      box.insertBefore(fresh, next);
      flash(fresh instanceof Element ? fresh : box);
      continue;
    }
    if (match === next) next = next?.nextSibling ?? null;
    else if (next && match === next.nextSibling && keyOf(next) && !wanted.some((each) => keyOf(each) === keyOf(/** @type {Node} */ (next)))) {
      next.remove();
      next = match.nextSibling;
    } else {
      moved = true;
      box.insertBefore(match, next);
    }
    if (match instanceof Element) morph(match, /** @type {Element} */ (fresh));
    else if (match.nodeValue !== fresh.nodeValue) {
      match.nodeValue = fresh.nodeValue;
      flash(box);
    }
  }
  while (next) {
    const gone = next;
    next = next.nextSibling;
    gone.remove();
  }
  return moved;
}

/** @param {Node} node */
function keyOf(node) {
  return node instanceof HTMLElement ? node.dataset.key : undefined;
}
