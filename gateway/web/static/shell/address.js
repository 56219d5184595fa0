/**
 * The state of the page as its address: `?page=application&app=argocd%2Fa`. Pure but for `here`.
 *
 * Whatever a reader chose is here and nowhere else, so that a link, a reload and the back button show the same.
 *
 * @typedef {Record<string, string | readonly string[] | null | undefined>} Patch  null, "" and [] remove
 */

export const HOME = "overview";

export class Address {
  #params;

  /** @param {string | URLSearchParams} [search] */
  constructor(search = "") {
    this.#params = new URLSearchParams(search);
  }

  /** Which page is shown. */
  get page() {
    return this.#params.get("page") || HOME;
  }

  /** @param {string} name @returns {string}  empty if absent */
  get(name) {
    return this.#params.get(name) ?? "";
  }

  /** @param {string} name @returns {string[]} */
  all(name) {
    return this.#params.getAll(name).filter(Boolean);
  }

  /**
   * Return this address with some things changed. Another page begins without the parameters of this one.
   * @param {Patch} patch
   * @returns {Address}
   */
  with(patch) {
    const leaves = patch.page !== undefined && (patch.page || HOME) !== this.page;
    const params = new URLSearchParams(leaves ? "" : this.#params);
    for (const [name, value] of Object.entries(patch)) {
      params.delete(name);
      for (const each of Array.isArray(value) ? value : [value]) if (each) params.append(name, each);
    }
    if (params.get("page") === HOME) params.delete("page");
    return new Address(params);
  }

  /** What an anchor's `href` takes; relative, so it holds behind any prefix. */
  get href() {
    return `?${this.#params}`;
  }

  /** @param {Address} other */
  equals(other) {
    return this.href === other.href;
  }
}

/** The address that the browser shows. */
export function here() {
  return new Address(location.search);
}
