/** One application, as a row of the table or as a card: the same parts, made once and changed where they differ. */

import { isFailed, isRunning, lookOf, shortRevision, versionOf } from "../shell/documents.js";
import { make, makeIcon, makeLink, setAttribute, setData, setIcon, setText } from "../shell/dom.js";
import { Age, Status } from "../shell/parts.js";
import { tellPhase } from "../changes/tell.js";
import { isTroubled } from "./layout.js";

export class ItemView {
  #context;
  #entry = /** @type {import("./collection.js").Entry | undefined} */ (undefined);
  #icon = makeIcon("unknown");
  #name = make("bdi");
  #place = make("bdi", "place clip");
  #word = make("span", "word");
  #age = new Age();
  #sync = new Status();
  #revision = make("span", "mono revision clip");
  #version = make("bdi", "clip");
  #changed = new Age();
  #operation = make("span", "operation clip");
  #trouble = make("bdi", "trouble");
  #lead = make("bdi", "lead");
  #note = make("div", "note", this.#trouble, " ", this.#lead);

  /** @param {any} context @param {string} key @param {boolean} asRow */
  constructor(context, key, asRow) {
    this.#context = context;
    const link = makeLink("name clip", context.link({ page: "application", app: key }), this.#name);
    this.link = link;
    const cells = [
      make("div", "cell who", link, this.#place),
      make("div", "cell health", this.#icon, this.#word, this.#age.element),
      make("div", "cell sync", this.#sync.element, this.#revision),
      make("div", "cell version", this.#version),
      make("div", "cell changed", this.#operation, this.#changed.element),
    ];
    // A row has cells only; what it says beyond its status belongs to its first one.
    if (asRow) for (const cell of cells) cell.setAttribute("role", "cell");
    if (asRow) cells[0].append(this.#note);
    this.element = make("div", "item flashes", ...cells, ...(asRow ? [] : [this.#note]));
    this.element.setAttribute("role", asRow ? "row" : "listitem");
    this.element.dataset.key = key;
    link.tabIndex = -1;
  }

  /** @param {import("./layout.js").Slot} slot @param {number} now @param {boolean} anew  whether its surroundings changed, too */
  show({ entry }, now, anew) {
    if (!entry || (entry === this.#entry && !anew)) return;
    this.#entry = entry;
    const { app, health, sync, name } = entry;
    const { t } = this.#context;
    const look = lookOf(health);
    setData(this.element, "look", look);
    setIcon(this.#icon, look);
    setText(this.#name, name);
    setAttribute(this.link, "title", name);
    setText(this.#place, [app.project, app.destination?.namespace ?? app.namespace].filter(Boolean).join(" · "));
    setText(this.#word, health);
    this.#sync.show(sync);
    setText(this.#revision, shortRevision(app));
    setText(this.#version, (app.images ?? []).length ? versionOf(app) : "");
    setAttribute(this.#version, "title", (app.images ?? []).join("\n") || null);
    const phase = app.deletionTimestamp ? t("change.deleting") : isRunning(app) || isFailed(app) ? tellPhase(app.operation.phase, t) : "";
    setText(this.#operation, phase);
    setData(this.#operation, "phase", isFailed(app) ? "failed" : isRunning(app) ? "running" : "");
    setData(this.element, "busy", String(Boolean(phase)));
    this.#operation.hidden = !phase;
    this.#changed.element.hidden = Boolean(phase);
    this.#note.hidden = !isTroubled(entry);
    setText(this.#trouble, entry.trouble);
    setText(this.#lead, entry.lead);
    setAttribute(this.#note, "title", entry.trouble || null);
    this.tick(now);
  }

  /** @param {number} now */
  tick(now) {
    const entry = this.#entry;
    if (!entry) return;
    const { format } = this.#context;
    this.#age.show(entry.since || undefined, now, format);
    this.#changed.show(entry.changedAt || undefined, now, format, "ago");
  }
}
