/** The head of the page: how true it is, what the worst is (also in the title and the icon of the tab), and the way in if one is refused. */

import { find, make, makeButton, setAttribute, setData, setIcon, setText } from "./dom.js";
import { judge } from "./standing.js";

const COLOURS = { live: "#2f5fd0", degraded: "#c81e2c", old: "#64748b" };
const PULSE = "M3.5 12H7l2.2-6L13 18.5l2.6-6.5h4.9";
const ALARM = "M12 5v8.5M12 18v.5";

export class Header {
  #context;
  #name;
  #refusal = "";
  #alarmed = false;

  /** @param {any} context @param {() => string} name  of whoever is logged in, or was until now */
  constructor(context, name) {
    this.#context = context;
    this.#name = name;
  }

  /**
   * Show how true the page is, and what is worst in it.
   * @param {any} state  the connection's
   * @param {number} degraded  how many applications are
   * @param {string} title  the page's
   * @returns {import("./standing.js").Standing}
   */
  show(state, degraded, title) {
    const { t, format } = this.#context;
    const standing = judge(state, Date.now(), t, format);
    const root = document.documentElement;
    if (root.dataset.state !== standing.kind) {
      setData(root, "state", standing.kind);
      setIcon(/** @type {Element} */ (find("state").firstElementChild), standing.kind);
      this.#say(standing);
    }
    setText(find("state-title"), standing.title);
    setText(find("state-detail"), standing.detail);
    setText(find("banner"), standing.banner);
    find("banner").hidden = !standing.banner;
    this.#showRefusal(state, standing);
    this.#showTitle(standing, degraded, title);
    return standing;
  }

  /** That it is live is said to whoever heard that it wasn't. @param {import("./standing.js").Standing} standing */
  #say({ kind, title, detail, banner }) {
    if (kind === "connecting" || (kind === "live" && !this.#alarmed)) return;
    this.#alarmed = kind !== "live";
    this.#context.say([title, this.#alarmed ? detail : "", banner].filter(Boolean).join(". "));
  }

  /** @param {any} state @param {import("./standing.js").Standing} standing */
  async #showRefusal(state, standing) {
    const status = standing.kind === "refused" ? String(state.link.status ?? 0) : "";
    if (status === this.#refusal) return;
    this.#refusal = status;
    const place = find("refusal");
    place.hidden = !status;
    // Nothing to look at behind it unless something was shown before.
    find("main").hidden = Boolean(status) && !state.known;
    if (!status) return place.replaceChildren();
    const { makeRefusal } = await import("./refusal.js");
    if (status === this.#refusal) place.replaceChildren(makeRefusal(status, this.#context.t, this.#name()));
  }

  /** @param {import("./standing.js").Standing} standing @param {number} degraded @param {string} title */
  #showTitle(standing, degraded, title) {
    const { t, format } = this.#context;
    const parts = [standing.kind === "live" ? "" : standing.title, degraded ? t("shell.degraded", format.count(degraded)) : "", title];
    const whole = parts.filter(Boolean).join(" · ");
    if (document.title !== whole) document.title = whole;
    const look = standing.kind !== "live" && standing.kind !== "connecting" ? "old" : degraded ? "degraded" : "live";
    const colour = COLOURS[look];
    const path = degraded ? ALARM : PULSE;
    const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="6" fill="${colour}"/><path d="${path}" fill="none" stroke="#fff" stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round"/></svg>`;
    setAttribute(find("favicon"), "href", `data:image/svg+xml,${encodeURIComponent(icon)}`);
  }
}

/**
 * Fill the list of pages and the choice of languages.
 * @param {any} context
 * @param {Record<string, string>} languages
 * @param {[string, import("./pages.js").Entry][]} pages
 * @param {(tag: string) => void} onLanguage
 */
export function fillHead(context, languages, pages, onLanguage) {
  const { t, link, tag } = context;
  const links = pages.filter(([, { listed }]) => listed).map(([name, { label }]) => {
    const each = /** @type {HTMLAnchorElement} */ (make("a", "", t(label)));
    each.href = link({ page: name });
    each.dataset.page = name;
    return each;
  });
  find("pages").replaceChildren(...links);
  const choices = Object.entries(languages).map(([each, name]) => {
    const button = makeButton("language", () => onLanguage(each), name);
    button.lang = each;
    button.setAttribute("aria-pressed", String(each === tag));
    return button;
  });
  find("languages").replaceChildren(...choices);
}
