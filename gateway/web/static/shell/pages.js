/**
 * The pages that there are, each loaded when it is first shown. The shell knows nothing else of them.
 *
 * @typedef {object} Page
 * @property {HTMLElement} element
 * @property {import("./keys.js").Binding[]} [keys]  which hold while it is shown
 * @property {(address: import("./address.js").Address) => void} enter
 * @property {(state: any, changes: Change[] | null, now: number, told?: { away: boolean }) => void} update
 * @property {(now: number) => void} tick
 * @property {() => void} leave
 * @property {() => string} [title]
 *
 * @typedef {{ key: string, before?: any, after?: any }} Change
 *
 * @typedef {object} Entry
 * @property {string} label  a key of the dictionary
 * @property {boolean} listed  whether it stands in the navigation
 * @property {() => Promise<any>} load  gives `createPage`, and `words` where it has some of its own
 * @property {string} style
 */

/** @type {Record<string, Entry>} */
export const PAGES = {
  overview: { label: "page.overview", listed: true, load: () => import("../overview/page.js"), style: "overview/style.css" },
  services: { label: "page.services", listed: true, load: () => import("../services/page.js"), style: "services/style.css" },
  timeline: { label: "page.timeline", listed: true, load: () => import("../timeline/page.js"), style: "timeline/style.css" },
  kpis: { label: "page.kpis", listed: true, load: () => import("../kpis/page.js"), style: "kpis/style.css" },
  deliveries: { label: "page.deliveries", listed: true, load: () => import("../deliveries/page.js"), style: "deliveries/style.css" },
  application: { label: "page.application", listed: false, load: () => import("../application/page.js"), style: "application/style.css" },
};

/** Where the page's files are. */
const STATIC = new URL("../", import.meta.url);

/**
 * Load a page: its module, its words, its style. Fails where one of them can't be loaded.
 * @param {string} name
 * @param {any} context
 * @param {import("./language.js").Language} language
 * @returns {Promise<Page>}
 */
export async function loadPage(name, context, language) {
  const { load, style } = PAGES[name];
  const [module] = await Promise.all([load(), loadStyle(style)]);
  language.learn(module.words ?? {});
  return module.createPage(context);
}

/** Load a style once. Fails where that can't be. @param {string} path  in the page's files @returns {Promise<void>} */
export function loadStyle(path) {
  const href = new URL(path, STATIC).href;
  if ([...document.styleSheets].some((sheet) => sheet.href === href)) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = href;
    link.addEventListener("load", () => resolve(undefined));
    link.addEventListener("error", () => {
      link.remove();
      reject(new Error(`${path} can't be loaded`));
    });
    document.head.append(link);
  });
}
