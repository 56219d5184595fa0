/** The dialog that says what the keys do. */

import { make, makeButton } from "./dom.js";

/**
 * Open it; it closes with Escape, its button, or a click beside it.
 * @param {import("./keys.js").Binding[]} bindings
 * @param {Function} t
 */
export function openHelp(bindings, t) {
  if (document.querySelector("dialog[open]")) return;
  const list = make("dl", "keys");
  for (const { keys, label } of bindings) {
    if (label) list.append(make("dt", "", ...keys.flatMap((each, index) => [index ? ` ${t("help.or")} ` : "", ...makeKeys(each, t)])), make("dd", "", t(label)));
  }
  const dialog = /** @type {HTMLDialogElement} */ (make("dialog", "help"));
  const title = make("h2", "", t("help.title"));
  title.id = "help-title";
  dialog.setAttribute("aria-labelledby", title.id);
  dialog.append(title, list, makeButton("button", () => dialog.close(), t("action.close")));
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

const SIGNS = { ArrowDown: "↓", ArrowUp: "↑", Escape: "Esc" };

/** @param {string} keys @param {Function} t */
function makeKeys(keys, t) {
  return keys.split(" ").flatMap((key, index) => [index ? ` ${t("help.then")} ` : "", make("kbd", "", SIGNS[/** @type {keyof typeof SIGNS} */ (key)] ?? key)]);
}
