/** Making and changing elements. Text is only ever text: whatever others wrote is never read as markup. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Make an element.
 * @param {string} tag
 * @param {string} [className]
 * @param {...(Node | string)} children
 * @returns {HTMLElement}
 */
export function make(tag, className = "", ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

/**
 * Make an icon of the sprite; it says nothing to screen readers, for its text stands beside it.
 * @param {string} name
 * @returns {SVGSVGElement}
 */
export function makeIcon(name) {
  const icon = document.createElementNS(SVG, "svg");
  icon.setAttribute("class", "icon");
  icon.setAttribute("aria-hidden", "true");
  icon.append(document.createElementNS(SVG, "use"));
  setIcon(icon, name);
  return icon;
}

/** @param {Element} icon @param {string} name */
export function setIcon(icon, name) {
  const use = /** @type {Element} */ (icon.firstElementChild);
  const href = `#i-${name}`;
  if (use.getAttribute("href") !== href) use.setAttribute("href", href);
}

/** Set a text where it differs: what stays the same costs nothing. @param {Node} node @param {string} text */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** @param {HTMLElement} element @param {string} name @param {string} value */
export function setData(element, name, value) {
  if (element.dataset[name] !== value) element.dataset[name] = value;
}

/** @param {string} id @returns {HTMLElement} */
export function find(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page lacks #${id}`);
  return element;
}

const KNOWN = new Set(["healthy", "progressing", "degraded", "missing", "suspended", "unknown", "synced", "outofsync"]);

/** The icon and colour for one of Argo CD's words; one that we don't know looks like Unknown. @param {string} word */
export function lookOf(word) {
  const look = word.toLowerCase();
  return KNOWN.has(look) ? look : "unknown";
}
