/**
 * The resources of an application as a tree: who owns whom, what is ill below, and which rows are to be seen. Pure.
 *
 * @typedef {Record<string, any>} Resource
 *
 * @typedef {object} Branch
 * @property {string} uid
 * @property {Resource} node
 * @property {Branch | undefined} parent
 * @property {Branch[]} children
 * @property {string} health  Argo CD's word; empty where a kind has none
 * @property {string} sync  empty for what Argo CD doesn't manage itself, such as Pods
 * @property {number} below  how many are below
 * @property {number} restless  how many below are not calm
 * @property {string} worst  the worst health below; empty if all are calm
 *
 * @typedef {{ roots: Branch[], branches: Map<string, Branch> }} Tree
 * @typedef {{ branch: Branch, level: number, place: number, among: number }} Line
 */

/** Up to so many nodes everything is open at first. */
export const SMALL = 50;

const RESTLESS = ["Degraded", "Missing", "Unknown", "Progressing"];
const KINDS = ["Application", "Rollout", "Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job", "AnalysisRun", "ReplicaSet", "Pod", "Service", "Ingress"];
const byName = new Intl.Collator("en", { numeric: true }).compare;

/** @param {Branch} branch */
export const isRestless = (branch) => RESTLESS.includes(branch.health);

/** What tells a resource within an application, in a tree and in the list of managed ones alike. @param {Resource} resource */
export const nameOf = (resource) => [resource.group ?? "", resource.kind ?? "", resource.namespace ?? "", resource.name ?? ""].join("/");

/**
 * Build the tree. A managed resource that isn't in the cluster is in Argo CD's tree, too, without a uid. Circles and
 * parents that nobody knows harm nothing: no node is lost, and none comes twice.
 * @param {Resource[]} nodes
 * @param {Resource[]} [resources]  the managed ones, for their sync status
 * @returns {Tree}
 */
export function buildTree(nodes, resources = []) {
  /** @type {Map<string, Branch>} */
  const branches = new Map();
  const managed = new Map(resources.map((resource) => [nameOf(resource), resource]));
  for (const node of nodes) {
    const name = nameOf(node);
    const uid = node.uid || name;
    if (!branches.has(uid)) branches.set(uid, makeBranch(uid, node, managed.get(name)));
  }
  const roots = [];
  for (const branch of branches.values()) {
    const parent = (branch.node.parents ?? []).map((/** @type {string} */ uid) => branches.get(uid)).find(Boolean);
    if (parent && !isWithin(parent, branch)) adopt(parent, branch);
    else roots.push(branch);
  }
  roots.sort(inOrder);
  for (const branch of roots) settle(branch);
  return { roots, branches };
}

/** @param {string} uid @param {Resource} node @param {Resource | undefined} managed @returns {Branch} */
function makeBranch(uid, node, managed) {
  const health = node.health?.status ?? managed?.health?.status ?? "";
  return { uid, node, parent: undefined, children: [], health, sync: managed?.status ?? "", below: 0, restless: 0, worst: "" };
}

/** @param {Branch | undefined} branch @param {Branch} other  whether a branch is the other or below it */
function isWithin(branch, other) {
  for (let each = branch; each; each = each.parent) if (each === other) return true;
  return false;
}

/** @param {Branch} parent @param {Branch} child */
function adopt(parent, child) {
  child.parent = parent;
  parent.children.push(child);
}

/** Sort what is below and sum it up, without recursion: nobody bounds the depth. @param {Branch} root */
function settle(root) {
  const all = [root];
  for (let index = 0; index < all.length; index += 1) all.push(...all[index].children.sort(inOrder));
  for (const branch of all.reverse()) {
    for (const child of branch.children) {
      branch.below += 1 + child.below;
      branch.restless += (isRestless(child) ? 1 : 0) + child.restless;
      for (const word of [child.health, child.worst]) if (isWorse(word, branch.worst)) branch.worst = word;
    }
  }
}

/** @param {string} word @param {string} than */
function isWorse(word, than) {
  const rank = RESTLESS.indexOf(word);
  return rank >= 0 && (than === "" || rank < RESTLESS.indexOf(than));
}

/** What runs comes first, the newest ReplicaSet before older ones, all else by name. @param {Branch} one @param {Branch} other */
function inOrder(one, other) {
  const rank = (/** @type {Branch} */ { node }) => (KINDS.includes(node.kind) ? KINDS.indexOf(node.kind) : KINDS.length);
  const newest = one.node.kind === "ReplicaSet" ? Date.parse(other.node.createdAt) - Date.parse(one.node.createdAt) || 0 : 0;
  return (
    rank(one) - rank(other) ||
    (rank(one) === KINDS.length ? byName(one.node.kind ?? "", other.node.kind ?? "") : 0) ||
    newest ||
    byName(one.node.name ?? "", other.node.name ?? "") ||
    byName(one.uid, other.uid)
  );
}

/** Whether a branch is open while the reader hasn't chosen: all of a small tree, else the ways to what isn't calm. @param {Branch} branch @param {number} size */
export function isOpenAtFirst(branch, size) {
  return branch.children.length > 0 && (size <= SMALL || branch.restless > 0);
}

/**
 * The rows to be seen, in order.
 * @param {Tree} tree
 * @param {(branch: Branch) => boolean} isOpen
 * @returns {Line[]}
 */
export function linesOf(tree, isOpen) {
  /** @type {Line[]} */
  const lines = [];
  const waiting = linesAt(tree.roots, 1);
  while (waiting.length) {
    const line = /** @type {Line} */ (waiting.pop());
    lines.push(line);
    if (line.branch.children.length && isOpen(line.branch)) waiting.push(...linesAt(line.branch.children, line.level + 1));
  }
  return lines;
}

/** @param {Branch[]} branches @param {number} level  from the last to the first */
function linesAt(branches, level) {
  return branches.map((branch, index) => ({ branch, level, place: index + 1, among: branches.length })).reverse();
}
