/**
 * Keys: the shell's, and those of the page that is shown. One list says what they do, for the help, too.
 *
 * @typedef {object} Binding
 * @property {string[]} keys   as `KeyboardEvent.key`, or two after another: "g o"
 * @property {string} label    a key of the dictionary, for the help; empty hides it there
 * @property {(event: KeyboardEvent) => void} run
 * @property {(event: KeyboardEvent) => boolean} [when]  whether it holds just then
 */

const PATIENCE = 1_200;

export class Keys {
  /** @type {Binding[]} */
  #own;
  /** @type {Binding[]} */
  page = [];
  #pending = "";
  #pendingAt = 0;

  /** @param {Binding[]} own */
  constructor(own) {
    this.#own = own;
    document.addEventListener("keydown", (event) => this.#press(event));
  }

  /** @returns {Binding[]}  the page's first */
  get all() {
    return [...this.page, ...this.#own];
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const target = event.target instanceof Element ? event.target : null;
    // A dialog has its own keys. Whoever types, types; only Escape leads out.
    if (target?.closest("dialog") || (target?.closest("input, select, textarea") && event.key !== "Escape")) return;
    const second = event.timeStamp - this.#pendingAt < PATIENCE && this.#pending ? `${this.#pending} ${event.key}` : "";
    this.#pending = "";
    const binding = (second && this.#find(second, event)) || this.#find(event.key, event);
    if (binding) {
      event.preventDefault();
      binding.run(event);
    } else if (this.all.some(({ keys }) => keys.some((each) => each.startsWith(`${event.key} `)))) {
      this.#pending = event.key;
      this.#pendingAt = event.timeStamp;
    }
  }

  /** @param {string} key @param {KeyboardEvent} event */
  #find(key, event) {
    return this.all.find(({ keys, when }) => keys.includes(key) && (!when || when(event)));
  }
}
