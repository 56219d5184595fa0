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
 * Make a button that does something.
 * @param {string} className
 * @param {() => void} run
 * @param {...(Node | string)} children
 * @returns {HTMLButtonElement}
 */
export function makeButton(className, run, ...children) {
  const button = /** @type {HTMLButtonElement} */ (make("button", className, ...children));
  button.type = "button";
  button.addEventListener("click", run);
  return button;
}

/**
 * Make a link within the page (`?…`, which the shell follows without a reload), or to a web address outside of it.
 * An address that isn't http(s) becomes plain text: anybody can write one into an application.
 * @param {string} className
 * @param {string} href
 * @param {...(Node | string)} children
 * @returns {HTMLElement}
 */
export function makeLink(className, href, ...children) {
  const inside = href.startsWith("?");
  if (!inside && !/^https?:\/\//i.test(href)) return make("span", className, ...children);
  const link = /** @type {HTMLAnchorElement} */ (make("a", className, ...children));
  link.href = href;
  if (!inside) {
    link.target = "_blank";
    link.rel = "noopener noreferrer";
  }
  return link;
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

/** Set an attribute where it differs; null removes it. @param {Element} element @param {string} name @param {string | null} value */
export function setAttribute(element, name, value) {
  if (element.getAttribute(name) === value) return;
  if (value === null) element.removeAttribute(name);
  else element.setAttribute(name, value);
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
