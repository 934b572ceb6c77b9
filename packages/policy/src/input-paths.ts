// Which parts of `input` a policy can read, so that a decision may be cached under exactly those values (architecture §5).
// Reading `input` takes the word `input` in the source, therefore a walk over the whole syntax tree finds every way in: each
// reference counts up to its first step that is not plain text, and a use that cannot be told counts as everything.
const EVERYTHING: readonly string[] = ["*"];
const PATHS_MAX = 1024;
const PATH_CHARS_MAX = 256;
/** Steps that stand in a dotted path without doubt; at any other step the path ends, which widens it. */
const PLAIN_STEP = /^[A-Za-z0-9_-]+$/;

/** Sorted `input` paths, such as ["args.amount", "tool"], over the modules as `opa parse --format json` prints them; ["*"] = all. */
export function inputPathsOf(modules: readonly unknown[]): readonly string[] {
  const paths = new Set<string>();
  for (const module of modules) collect(module, paths);
  if (paths.has("*")) return EVERYTHING;
  const widest = [...paths].filter((path) => !hasAncestor(path, paths)).sort();
  return widest.length > PATHS_MAX ? EVERYTHING : widest;
}

function collect(node: unknown, paths: Set<string>): void {
  if (Array.isArray(node)) {
    for (const child of node) collect(child, paths);
  } else if (isNode(node)) {
    if (isInput(node)) paths.add("*");
    // Under `with input…` the same reference reads something else; no attempt is made to tell the two apart.
    if (isNode(node.target) && isInput(firstTerm(node.target))) paths.add("*");
    if (node.type === "ref" && Array.isArray(node.value)) collectReference(node.value, paths);
    else for (const child of Object.values(node)) collect(child, paths);
  }
}

function collectReference(terms: readonly unknown[], paths: Set<string>): void {
  const [head, ...steps] = terms;
  if (isInput(head)) paths.add(pathOf(steps));
  else collect(head, paths);
  collect(steps, paths);
}

function pathOf(steps: readonly unknown[]): string {
  const plain: string[] = [];
  for (const step of steps) {
    if (!isNode(step) || step.type !== "string" || typeof step.value !== "string") break;
    if (!PLAIN_STEP.test(step.value) || [...plain, step.value].join(".").length > PATH_CHARS_MAX) break;
    plain.push(step.value);
  }
  return plain.length === 0 ? "*" : plain.join(".");
}

function hasAncestor(path: string, paths: ReadonlySet<string>): boolean {
  for (let dot = path.indexOf("."); dot !== -1; dot = path.indexOf(".", dot + 1)) {
    if (paths.has(path.slice(0, dot))) return true;
  }
  return false;
}

function firstTerm(reference: Node): unknown {
  return Array.isArray(reference.value) ? reference.value[0] : reference;
}

function isInput(term: unknown): boolean {
  return isNode(term) && term.type === "var" && term.value === "input";
}

type Node = { readonly [key: string]: unknown };

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
