/** The page of timelines: what was deployed of late, or one commit or image followed through all environments. */

import { foreign, h, morphChildren, outward, showAges, timeOf } from "../application/markup.js";
import { makeEmpty } from "../shell/parts.js";
import { Asker } from "./ask.js";
import { ChangeList } from "./list.js";
import { commitOf, counts, isOpen, isTrouble, stageOf } from "./read.js";

export { words } from "./words.js";

const SINCE = ["1h", "24h", "7d", "30d"];
const DEFAULT_SINCE = "24h";
const LIMIT = 200;
const KINDS = ["deployment", "rollback", "restart", "self-heal", "partial", "dry-run", "refresh"];
const MOVING = 5_000;
const RESTING = 30_000;
/** Fields of an application that change when something is deployed. */
const FIELDS = ["operation", "health", "images"];

/** @param {any} context */
export function createPage(context) {
  return new TimelinePage(context);
}

class TimelinePage {
  #context;
  #list;
  #asker;
  /** @type {import("./read.js").Change[]} */
  #changes = [];
  #known = false;
  /** Whether the list of applications was known when this was drawn. */
  #listed = false;
  /** When the last answer came, by the gateway's clock. */
  #at = 0;
  #head = h("div", { class: "timeline-head" });
  #notice = h("p", { class: "timeline-notice", hidden: true });
  #find;
  #tools = h("div", { class: "timeline-tools" });
  #columns = h("div", { class: "timeline-columns" });
  #empty = h("div");
  #older = h("p", { class: "more" });
  #shownFor = "";

  /** @param {any} context */
  constructor(context) {
    this.#context = context;
    const { t } = context;
    this.#list = new ChangeList(context, { named: true });
    this.#asker = new Asker({
      take: (answer) => this.#take(answer),
      fail: (problem) => this.#fail(problem),
      every: () => (this.#changes.some(isOpen) ? MOVING : RESTING),
    });
    this.#find = /** @type {HTMLInputElement} */ (h("input", { type: "search", class: "search-input", placeholder: t("timeline.find"), "aria-label": t("timeline.find"), "aria-keyshortcuts": "/", autocomplete: "off", spellcheck: "false" }));
    const form = h("form", { class: "timeline-find", role: "search" }, this.#find, h("button", { class: "button" }, t("timeline.find.do")));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#follow(this.#find.value.trim());
    });
    this.element = h("div", { class: "page timelines" }, this.#head, h("div", { class: "timeline-bar" }, form, this.#tools), this.#notice, this.#columns, this.#list.element, this.#empty, this.#older);
    this.#tools.addEventListener("click", (event) => {
      const button = event.target instanceof Element ? event.target.closest("button") : null;
      if (button?.dataset.patch) context.go(JSON.parse(button.dataset.patch), { replace: true });
    });
  }

  keys = [
    { keys: ["/"], label: "timeline.help.find", run: () => this.#find.focus() },
    { keys: ["Escape"], label: "", run: () => document.activeElement === this.#find && this.#find.blur() },
  ];

  title() {
    const { t, address } = this.#context;
    const [commit, image, app] = ["commit", "image", "app"].map((name) => address().get(name));
    if (commit) return t("timeline.title.commit", commit.slice(0, 7));
    return image ? t("timeline.title.image", image.slice(image.lastIndexOf("/") + 1)) : app ? `${t("timeline.title")} · ${app.slice(app.indexOf("/") + 1)}` : t("timeline.title");
  }

  /** @param {string} text  a commit, or an image */
  #follow(text) {
    if (!text) return this.#context.go({ commit: null, image: null, app: null, before: null, change: null });
    const commit = /^[0-9a-f]{4,64}$/i.test(text);
    this.#context.go({ commit: commit ? text.toLowerCase() : null, image: commit ? null : text, app: null, since: null, before: null, change: null });
  }

  /** @param {import("../shell/address.js").Address} address */
  enter(address) {
    const path = pathOf(address);
    if (path !== this.#shownFor) {
      this.#shownFor = path;
      this.#known = false;
      this.#changes = [];
      this.#list.open(address.all("change"));
      this.#find.value = address.get("commit") || address.get("image");
      this.#asker.stop();
    }
    this.#asker.ask(path);
    this.#draw();
  }

  /** @param {any} state @param {import("../shell/pages.js").Change[] | null} changes */
  update(state, changes) {
    const matters = changes?.some(({ before, after }) => !before || !after || FIELDS.some((field) => before[field] !== after[field]));
    if (matters) this.#asker.again();
    if (!this.#known || (!matters && this.#listed === state.known)) return;
    this.#place();
    this.#draw();
  }

  /** @param {any} answer */
  #take(answer) {
    const first = !this.#known;
    this.#known = true;
    this.#at = this.#context.now();
    this.#notice.hidden = true;
    this.element.removeAttribute("data-old");
    this.#changes = answer?.changes ?? [];
    this.#place();
    this.#draw(first);
  }

  /** Where a deployment is older than the rules that place its application, those of today hold. */
  #place() {
    const { known, applications } = this.#context.connection.state;
    this.#listed = known;
    this.#changes = this.#changes.map((change) => {
      const { service, environment } = applications.get(change.application) ?? {};
      return { ...change, service: change.service ?? service, environment: change.environment ?? environment };
    });
  }

  /** @param {import("./ask.js").Problem} problem */
  #fail({ status, detail }) {
    const { t, format, now } = this.#context;
    if (this.#known && status !== 400) {
      this.element.setAttribute("data-old", "");
      this.#notice.textContent = t("timeline.old", format.clock(this.#at, now()));
      this.#notice.hidden = false;
      return;
    }
    const off = status === 404 && !this.#context.address().get("app");
    this.#empty.replaceChildren(makeEmpty(t(off ? "timeline.off" : "timeline.failed"), detail || (off ? t("timeline.off.text") : "")));
  }

  #draw(first = false) {
    const { t, address } = this.#context;
    const now = address();
    const trouble = Boolean(now.get("trouble"));
    const shown = trouble ? this.#changes.filter(isTrouble) : this.#changes;
    morphChildren(this.#head, this.#headOf(now));
    morphChildren(this.#tools, this.#toolsOf(now, shown.length));
    this.#drawColumns(now, first);
    this.#list.show(shown, { first });
    const older = this.#changes.length >= LIMIT && h("a", { class: "button", href: now.with({ before: this.#changes.at(-1)?.startedAt, change: null }).href }, t("timeline.older"));
    this.#older.replaceChildren(...(older ? [older] : []));
    if (this.#known) this.#empty.replaceChildren(...(shown.length ? [] : [this.#nothing(now)]));
    else if (!this.#empty.childElementCount || first) this.#empty.replaceChildren(h("p", { class: "muted" }, t("timeline.loading")));
  }

  /** What is followed, through all environments; that is loaded only then. @param {import("../shell/address.js").Address} address @param {boolean} first */
  async #drawColumns(address, first) {
    if (!address.get("commit") && !address.get("image")) return this.#columns.replaceChildren();
    const { columnsOf } = await import("./columns.js");
    if (pathOf(this.#context.address()) !== pathOf(address)) return;
    const columns = columnsOf(this.#changes, this.#context);
    this.#columns.toggleAttribute("data-quiet", first);
    morphChildren(this.#columns, columns ? [columns] : []);
  }

  /** @param {import("../shell/address.js").Address} address */
  #headOf(address) {
    const { t } = this.#context;
    const [commit, image, app] = ["commit", "image", "app"].map((name) => address.get(name));
    if (!commit && !image && !app) return [h("h1", { class: "unseen", "data-key": "h1" }, t("timeline.title"))];
    const back = h("p", { class: "back", "data-key": "back" }, h("a", { href: this.#context.link({ page: "timeline" }) }, `← ${t("timeline.recent")}`));
    if (app) return [h("h1", { "data-key": "h1" }, `${t("timeline.title")} · `, h("a", { href: this.#context.link({ page: "application", app }) }, foreign(app.slice(app.indexOf("/") + 1)))), back];
    if (image) return [h("h1", { "data-key": "h1" }, t("timeline.title.image", ""), foreign(image, "mono")), back];
    return [h("h1", { "data-key": "h1" }, t("timeline.title.commit", ""), foreign(commit.slice(0, 12), "mono")), this.#commitOf(commit), back].filter((each) => each !== undefined);
  }

  /** What is known of the commit itself, from whichever change tells it. @param {string} wanted */
  #commitOf(wanted) {
    for (const change of this.#changes) {
      const { sha, title, url, author, repository, committedAt } = commitOf(change);
      if (sha && (sha.startsWith(wanted) || wanted.startsWith(sha))) return commitLine(url, title, [author, repository], committedAt, this.#context);
      const manifest = stageOf(change, "manifest");
      const [own = "", place, by] = (manifest.detail ?? "").split(" · ");
      if (own && (own.startsWith(wanted) || wanted.startsWith(own))) return commitLine(manifest.url, manifest.title ?? "", [by, place], manifest.startedAt, this.#context);
    }
    return undefined;
  }

  /** @param {import("../shell/address.js").Address} address @param {number} shown */
  #toolsOf(address, shown) {
    const { t, format } = this.#context;
    const followed = address.get("commit") || address.get("image");
    const since = address.get("since") || (address.get("app") ? "" : DEFAULT_SINCE);
    const chip = (/** @type {string} */ name, /** @type {string} */ text) =>
      h("button", { type: "button", class: "chip", "data-key": name, "aria-pressed": String(Boolean(address.get(name))), "data-patch": JSON.stringify({ [name]: address.get(name) ? null : "1" }) }, text);
    const window = h(
      "div",
      { class: "segmented", role: "group", "aria-label": t("timeline.since.label"), "data-key": "since" },
      ...SINCE.map((each) => h("button", { type: "button", "aria-pressed": String(each === since), "data-patch": JSON.stringify({ since: each === DEFAULT_SINCE && !address.get("app") ? null : each, before: null }) }, t(`timeline.since.${each}`))),
    );
    const all = this.#changes.length;
    const tally = shown < all ? t("timeline.count.some", format.count(shown), format.count(all)) : all >= LIMIT ? t("timeline.count.atleast", format.count(all)) : t("timeline.count", format.count(all));
    const trouble = this.#changes.filter(isTrouble).length;
    return [
      ...(followed ? [] : [window]),
      chip("trouble", t("timeline.trouble", format.count(trouble))),
      chip("others", t("timeline.others", address.get("others") ? format.count(this.#changes.filter((each) => !counts(each)).length) : "").trim()),
      h("p", { class: "muted tally", "data-key": "tally", "data-quiet": true }, this.#known ? tally : ""),
    ];
  }

  /** @param {import("../shell/address.js").Address} address */
  #nothing(address) {
    const { t, go, link } = this.#context;
    if (this.#changes.length) {
      const clear = h("button", { type: "button", class: "button" }, t("timeline.clear"));
      clear.addEventListener("click", () => go({ trouble: null }, { replace: true }));
      return makeEmpty(t("timeline.none.match"), "", clear);
    }
    const why = address.get("commit") ? "commit" : address.get("image") ? "image" : address.get("app") ? "application" : "since";
    return makeEmpty(t("timeline.none"), t(`timeline.none.${why}`), h("a", { class: "button", href: link({ page: "deliveries" }) }, t("timeline.senders")));
  }

  tick() {
    this.#list.tick();
    showAges(this.#columns, this.#context);
  }

  leave() {
    this.#asker.stop();
    this.#list.leave();
  }
}

/** @param {string | undefined} url @param {string} title @param {(string | undefined)[]} about @param {string | undefined} at @param {any} tools */
function commitLine(url, title, about, at, tools) {
  const told = about.filter(Boolean).flatMap((each, index) => [index ? " · " : "", foreign(each)]);
  return h("div", { class: "commit-line", "data-key": "commit", "data-quiet": true }, h("p", { class: "change-title" }, outward(url, title)), h("p", { class: "muted" }, ...told, at ? " · " : "", timeOf(at, tools)));
}

/** @param {import("../shell/address.js").Address} address */
function pathOf(address) {
  const [commit, image, app] = ["commit", "image", "app"].map((name) => address.get(name));
  const query = new URLSearchParams({ limit: String(LIMIT) });
  if (commit) query.set("commit", commit);
  else if (image) query.set("image", image);
  const since = address.get("since") || (app || commit || image ? "" : DEFAULT_SINCE);
  if (since) query.set("since", since);
  if (address.get("before")) query.set("before", address.get("before"));
  if (address.get("others")) query.set("kinds", KINDS.join(","));
  const place = app && !commit && !image ? `api/pipelines/${app.split("/").map(encodeURIComponent).join("/")}/timeline` : "api/timeline";
  return `${place}?${query}`;
}
