/**
 * Shows, of thousands of slots, those that are on the screen. The document scrolls; the box is as high as all of them.
 *
 * Views are kept by the slot's id as long as they are seen, or have the focus. Their order in the document is that on the
 * screen, for reading and for the keyboard.
 *
 * @typedef {object} View
 * @property {HTMLElement} element
 * @property {HTMLElement} link   what takes the focus
 * @property {(slot: any, now: number, anew: boolean) => void} show
 * @property {(now: number) => void} tick
 */

import { findSlot } from "./layout.js";

/** How much is kept ready above and below the screen, in its heights. */
const SPARE = 0.5;

export class Window {
  /** @type {Map<string, View>} */
  views = new Map();
  /** @type {import("./layout.js").Slot[]} */
  slots = [];
  /** Where each view stands, so that nothing is set that is so already. @type {WeakMap<View, string>} */
  #spots = new WeakMap();
  #box;
  #make;
  #place;
  #frame = 0;
  #now;
  /** Where the box begins above the screen's top, and how long a rem is, in pixels. */
  #top = 0;
  #rem = 16;
  #onScroll = () => this.ask();

  /**
   * @param {HTMLElement} box
   * @param {{ make: (slot: any) => View, place: (view: View, index: number) => void, now: () => number }} parts
   */
  constructor(box, { make, place, now }) {
    this.#box = box;
    this.#make = make;
    this.#place = place;
    this.#now = now;
  }

  /** Follow the scrolling and the size of the window. */
  open() {
    addEventListener("scroll", this.#onScroll, { passive: true });
    addEventListener("resize", this.#onScroll);
  }

  close() {
    removeEventListener("scroll", this.#onScroll);
    removeEventListener("resize", this.#onScroll);
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
  }

  /** Look where the box is. To be called before anything is changed, for then the browser needn't lay out for it. */
  measure() {
    this.#top = -this.#box.getBoundingClientRect().top;
    this.#rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  }

  /** Draw again with the next frame, as after scrolling. */
  ask() {
    this.#frame ||= requestAnimationFrame(() => {
      this.measure();
      this.draw(this.#now(), false);
    });
  }

  /** Drop all views, as when they look otherwise now. */
  clear() {
    for (const view of this.views.values()) view.element.remove();
    this.views.clear();
  }

  /** Take other slots; draw them with `draw`. @param {{ slots: import("./layout.js").Slot[], height: number }} laid @param {number} columns */
  lay({ slots, height }, columns) {
    this.slots = slots;
    this.#box.style.setProperty("height", `${height}rem`);
    this.#box.style.setProperty("--columns", String(columns));
  }

  /** Draw what was on the screen when it was measured. @param {number} now @param {boolean} anew  whether to look at every view again */
  draw(now, anew) {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const first = findSlot(this.slots, (this.#top - SPARE * innerHeight) / this.#rem);
    const bottom = (this.#top + (1 + SPARE) * innerHeight) / this.#rem;
    /** @type {Set<string>} */
    const seen = new Set();
    let next = this.#box.firstElementChild;
    const focused = this.#focusedId();
    const focusedElement = document.activeElement;
    for (let index = first; index < this.slots.length && this.slots[index].top < bottom; index += 1) {
      const slot = this.slots[index];
      seen.add(slot.id);
      const view = this.#show(slot, index, now, anew);
      if (view.element === next) next = next.nextElementSibling;
      else this.#box.insertBefore(view.element, next);
    }
    this.#drop(seen, focused, now, anew);
    // An element that was moved has lost the focus.
    if (focused && focusedElement instanceof HTMLElement && focusedElement !== document.activeElement && focusedElement.isConnected) focusedElement.focus({ preventScroll: true });
  }

  /** @param {import("./layout.js").Slot} slot @param {number} index @param {number} now @param {boolean} anew */
  #show(slot, index, now, anew) {
    let view = this.views.get(slot.id);
    if (!view) this.views.set(slot.id, (view = this.#make(slot)));
    const spot = `${slot.top} ${slot.height} ${slot.column}`;
    if (this.#spots.get(view) !== spot) {
      this.#spots.set(view, spot);
      const { style } = view.element;
      style.transform = `translateY(${slot.top}rem)`;
      style.height = `${slot.height}rem`;
      style.setProperty("--column", String(slot.column));
    }
    this.#place(view, index);
    view.show(slot, now, anew);
    return view;
  }

  /** @param {Set<string>} seen @param {string} focused @param {number} now @param {boolean} anew */
  #drop(seen, focused, now, anew) {
    for (const [id, view] of this.views) {
      if (seen.has(id)) continue;
      const index = id === focused ? this.slots.findIndex((slot) => slot.id === id) : -1;
      if (index >= 0) {
        this.#show(this.slots[index], index, now, anew);
      } else {
        view.element.remove();
        this.views.delete(id);
      }
    }
  }

  #focusedId() {
    const { activeElement } = document;
    if (!activeElement || !this.#box.contains(activeElement)) return "";
    for (const [id, view] of this.views) if (view.element.contains(activeElement)) return id;
    return "";
  }

  /** Scroll so that a slot is on the screen, and give it the focus. @param {number} index @param {number} cover  pixels that the header covers */
  focus(index, cover) {
    const slot = this.slots[index];
    if (!slot) return;
    this.measure();
    const [top, bottom] = [slot.top * this.#rem - this.#top, (slot.top + slot.height) * this.#rem - this.#top];
    if (top < cover) scrollBy(0, top - cover);
    else if (bottom > innerHeight - 8) scrollBy(0, bottom - innerHeight + 8);
    this.measure();
    this.draw(this.#now(), false);
    this.views.get(slot.id)?.link.focus({ preventScroll: true });
  }
}
