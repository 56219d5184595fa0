/**
 * The tree on the page: one row for each resource to be seen, as a WAI-ARIA tree (https://www.w3.org/WAI/ARIA/apg/patterns/treeview/).
 * Rows are keyed by uid and touched only where they differ; what the reader opened or closed stays so, and a way that was
 * opened for him to something ill stays open when that is well again.
 */

import { splitImage } from "../shell/documents.js";
import { flash, foreign, h, morph, status, timeOf } from "./markup.js";
import { isOpenAtFirst, isRestless, linesOf } from "./tree.js";

/** @typedef {import("./tree.js").Branch} Branch */

const TYPING = 700;
/** What of a Pod's facts a row shows. */
const FACTS = new Set(["Status Reason", "Containers", "Revision", "Restart Count"]);

export class TreeView {
  element = h("div", { class: "tree", role: "tree" });
  #tools;
  /** @type {import("./tree.js").Tree} */
  #tree = { roots: [], branches: new Map() };
  /** @type {Map<string, boolean>} */
  #open = new Map();
  /** @type {Map<string, HTMLElement>} */
  #rows = new Map();
  /** @type {Map<string, string>} */
  #shown = new Map();
  #order = /** @type {string[]} */ ([]);
  #current = "";
  #typed = { text: "", at: 0 };

  /** @param {import("./sections.js").Tools} tools */
  constructor(tools) {
    this.#tools = tools;
    this.element.setAttribute("aria-label", tools.t("application.resources"));
    this.element.addEventListener("keydown", (event) => this.#press(event));
    this.element.addEventListener("click", (event) => this.#click(event));
    this.element.addEventListener("focusin", (event) => this.#setCurrent(uidAt(event.target)));
  }

  /** @param {import("./tree.js").Tree} tree */
  show(tree) {
    this.#tree = tree;
    for (const branch of tree.branches.values()) {
      if (!this.#open.has(branch.uid) && isOpenAtFirst(branch, tree.branches.size)) this.#open.set(branch.uid, true);
    }
    this.#draw();
  }

  /** Open or close everything. @param {boolean} open */
  setAll(open) {
    for (const branch of this.#tree.branches.values()) if (branch.children.length) this.#open.set(branch.uid, open);
    this.#draw();
  }

  /** Go to the next resource that isn't calm, after the current one, around the end. */
  goToNext() {
    const all = linesOf(this.#tree, () => true).map((line) => line.branch);
    const from = all.findIndex((branch) => branch.uid === this.#current) + 1;
    const found = [...all.slice(from), ...all.slice(0, from)].find(isRestless);
    if (!found) return;
    for (let each = found.parent; each; each = each.parent) this.#open.set(each.uid, true);
    this.#draw();
    this.#focus(found.uid);
  }

  #draw() {
    const focused = this.element.contains(document.activeElement) ? uidAt(document.activeElement) : "";
    const lines = linesOf(this.#tree, (branch) => this.#open.get(branch.uid) === true);
    const first = this.#rows.size === 0;
    this.#order = lines.map((line) => line.branch.uid);
    if (!this.#order.includes(this.#current)) this.#current = this.#nearest();
    const seen = new Set(this.#order);
    for (const [uid, row] of this.#rows) if (!seen.has(uid)) this.#drop(uid, row);
    let next = this.element.firstChild;
    for (const line of lines) {
      const row = this.#row(line, first);
      if (row === next) next = next.nextSibling;
      else this.element.insertBefore(row, next);
    }
    if (focused && this.#rows.get(this.#current) !== document.activeElement) this.#focus(this.#current);
  }

  /** Where the current row went: to what owned it, as far as that is to be seen; else to the beginning. */
  #nearest() {
    let branch = this.#tree.branches.get(this.#current);
    while (branch && !this.#order.includes(branch.uid)) branch = branch.parent;
    return branch?.uid ?? this.#order[0] ?? "";
  }

  /** @param {string} uid @param {HTMLElement} row */
  #drop(uid, row) {
    row.remove();
    this.#rows.delete(uid);
    this.#shown.delete(uid);
  }

  /** @param {import("./tree.js").Line} line @param {boolean} first */
  #row(line, first) {
    const { branch } = line;
    const { uid } = branch;
    const open = this.#open.get(uid) === true;
    const { t } = this.#tools;
    const state = JSON.stringify([line.level, line.place, line.among, open, this.#current === uid, branch.node, branch.health, branch.sync, branch.below, branch.restless, branch.worst]);
    const row = this.#rows.get(uid);
    if (row && this.#shown.get(uid) === state) return row;
    const before = row?.dataset.news;
    this.#shown.set(uid, state);
    const fresh = makeRow(line, open, this.#current === uid, this.#tools);
    fresh.dataset.news = [branch.health, branch.sync, t("application.tree.count", String(branch.below))].join("|");
    if (!row) {
      this.#rows.set(uid, fresh);
      fresh.style.setProperty("--level", String(Math.min(line.level, 12)));
      if (!first && !branch.parent) flash(fresh);
      return fresh;
    }
    row.dataset.quiet = "";
    fresh.dataset.quiet = "";
    morph(row, fresh);
    delete row.dataset.quiet;
    row.style.setProperty("--level", String(Math.min(line.level, 12)));
    if (before !== row.dataset.news) flash(row);
    return row;
  }

  /** @param {string} uid */
  #setCurrent(uid) {
    if (!uid || uid === this.#current) return;
    this.#rows.get(this.#current)?.setAttribute("tabindex", "-1");
    this.#rows.get(uid)?.setAttribute("tabindex", "0");
    for (const each of [uid, this.#current]) this.#shown.delete(each);
    this.#current = uid;
  }

  /** @param {string} uid */
  #focus(uid) {
    this.#setCurrent(uid);
    const row = this.#rows.get(uid);
    row?.focus({ preventScroll: true });
    row?.scrollIntoView({ block: "nearest" });
  }

  /** @param {Branch} branch @param {boolean} open */
  #set(branch, open) {
    if (!branch.children.length) return;
    this.#open.set(branch.uid, open);
    this.#draw();
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const branch = this.#tree.branches.get(uidAt(event.target));
    if (!branch || String(getSelection())) return;
    this.#focus(branch.uid);
    this.#set(branch, !this.#open.get(branch.uid));
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    const branch = this.#tree.branches.get(this.#current);
    if (!branch || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!this.#act(event.key, branch) && !this.#type(event)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {string} key @param {Branch} branch @returns {boolean} whether the key means something here */
  #act(key, branch) {
    const open = this.#open.get(branch.uid) === true && branch.children.length > 0;
    const index = this.#order.indexOf(branch.uid);
    const go = (/** @type {string | undefined} */ uid) => uid && this.#focus(uid);
    switch (key) {
      case "ArrowDown": go(this.#order[index + 1]); return true;
      case "ArrowUp": go(this.#order[index - 1]); return true;
      case "Home": go(this.#order[0]); return true;
      case "End": go(this.#order.at(-1)); return true;
      case "ArrowRight": open ? go(branch.children[0]?.uid) : this.#set(branch, true); return true;
      case "ArrowLeft": open ? this.#set(branch, false) : go(branch.parent?.uid); return true;
      case "Enter": case " ": this.#set(branch, !open); return true;
      case "*": for (const each of branch.parent?.children ?? this.#tree.roots) this.#set(each, true); return true;
      default: return false;
    }
  }

  /** Go to the next row whose name begins with what is typed. Keys of the page stay the page's. @param {KeyboardEvent} event */
  #type(event) {
    if (event.key.length !== 1 || /[\s/?]/.test(event.key)) return false;
    const going = event.timeStamp - this.#typed.at < TYPING ? this.#typed.text : "";
    this.#typed = { text: going + event.key.toLowerCase(), at: event.timeStamp };
    const index = this.#order.indexOf(this.#current) + (going ? 0 : 1);
    const around = [...this.#order.slice(index), ...this.#order.slice(0, index)];
    const found = around.find((uid) => String(this.#tree.branches.get(uid)?.node.name).toLowerCase().startsWith(this.#typed.text));
    if (found) this.#focus(found);
    return Boolean(found);
  }
}

/** @param {EventTarget | Element | null} target */
function uidAt(target) {
  const row = target instanceof Element ? target.closest("[role='treeitem']") : null;
  return row instanceof HTMLElement ? (row.dataset.uid ?? "") : "";
}

/** @param {import("./tree.js").Line} line @param {boolean} open @param {boolean} current @param {import("./sections.js").Tools} tools */
function makeRow({ branch, level, place, among }, open, current, tools) {
  const { t, format } = tools;
  const { node } = branch;
  const parent = branch.children.length > 0;
  const attributes = {
    role: "treeitem",
    class: "node",
    tabindex: current ? "0" : "-1",
    "aria-level": level,
    "aria-posinset": place,
    "aria-setsize": among,
    "aria-expanded": parent ? String(open) : undefined,
    "data-uid": branch.uid,
    "data-restless": isRestless(branch),
  };
  const below = parent && !open && h("span", { class: "below muted" }, t("application.tree.below", format.count(branch.below)), branch.restless > 0 && status(branch.worst));
  return h(
    "div",
    attributes,
    h("span", { class: "twisty", "aria-hidden": "true" }, parent ? "▸" : ""),
    h("span", { class: "node-mark" }, branch.health ? status(branch.health, branch.health === "Healthy" ? "status calm" : "status") : h("span", { class: "dot", "aria-hidden": "true" }, "·")),
    h("span", { class: "what" }, foreign(node.kind, "kind"), " ", foreign(node.name, "node-name"), below),
    h(
      "span",
      { class: "about muted" },
      branch.sync && branch.sync !== "Synced" && status(branch.sync),
      ...(node.info ?? []).filter((/** @type {any} */ each) => FACTS.has(each.name)).map((/** @type {any} */ each) => foreign(each.name === "Restart Count" ? t("application.tree.restarts", each.value) : each.value, "fact")),
      ...imagesOf(node).map((image) => foreign(image, "mono fact")),
      timeOf(node.createdAt, tools, "age"),
    ),
    isRestless(branch) && node.health?.message && h("span", { class: "said", dir: "auto" }, node.health.message),
  );
}

/** The versions of a Pod's images. @param {any} node @returns {string[]} */
function imagesOf(node) {
  if (node.kind !== "Pod") return [];
  return [...new Set((node.images ?? []).map((/** @type {string} */ image) => splitImage(image).version))].map(String);
}
