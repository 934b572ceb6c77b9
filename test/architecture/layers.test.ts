// Imports go down the layers, never sideways, never in circles, and only through what a package exports. The table below
// is the rule; everything else is read from source.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  isProduct,
  linesMatching,
  packageOf,
  product,
  type Source,
  sources,
  targetOf,
  units,
} from "./sources.ts";

/** Each package may import those of the layers above its line, and what is named beside it. */
const LAYERS: readonly Readonly<Record<string, readonly string[]>>[] = [
  { contracts: [] },
  { fault: [], network: [], signing: ["fault"] },
  {
    config: [],
    telemetry: [],
    capability: [],
    intent: [],
    policy: [],
    budget: [],
    audit: [],
    mcp: [],
    obligation: [],
    surface: [],
  },
  { decision: [], client: [] },
];

/** What an app must not import although it lies below. No app imports another app. */
const APP_REFUSES: Readonly<Record<string, readonly string[]>> = {
  sidecar: ["surface"],
};

/** Nouns of the control plane in dependency order: one may use an earlier one, but never its store or table. */
const NOUNS = [
  "tenants",
  "keys",
  "audit",
  "operators",
  "elevations",
  "webhooks",
  "capabilities",
  "halts",
  "issuers",
  "policies",
  "rollouts",
  "trials",
  "sidecars",
  "tools",
  "upstreams",
  "approvals",
  "states",
  "intake",
];

const breaches = (found: readonly string[]) => assert.equal(found.join("\n"), "");

test("every package has its place in the layers", () => {
  const placed = LAYERS.flatMap((layer) => Object.keys(layer));
  const present = [...units.keys()].flatMap((unit) => (unit.startsWith("packages/") ? [unit.slice(9)] : []));
  assert.deepEqual(present.filter((name) => name !== "testkit").sort(), placed.sort());
});

test("packages import lower layers only, and apps import no app", () => {
  breaches(
    product.flatMap((source) => {
      if (source.unit === "") return [];
      return source.imports
        .filter((specifier) => specifier.startsWith("@postern/"))
        .filter((specifier) => !mayImport(source, packageOf(specifier).slice("@postern/".length)))
        .map((specifier) => `${source.path} imports ${specifier}`);
    }),
  );
});

test("every import is declared by its package, and only tests use development dependencies", () => {
  breaches(
    sources.flatMap((source) => {
      const manifest = units.get(source.unit);
      if (manifest === undefined) return [];
      const { name, dependencies, devDependencies } = manifest;
      return source.imports
        .filter((specifier) => !/^(\.|node:)/.test(specifier))
        .map(packageOf)
        .filter(
          (used) =>
            used !== name && !dependencies.has(used) && (isProduct(source) || !devDependencies.has(used)),
        )
        .map((used) => `${source.path} imports ${used}`);
    }),
  );
});

test("a package is entered through what it exports", () => {
  const exported = new Set(
    [...units.values()].flatMap(({ name, exports }) =>
      Object.keys(exports).map((key) => name + key.slice(1)),
    ),
  );
  breaches(
    sources.flatMap((source) =>
      source.imports
        .filter((specifier) => specifier.startsWith("@postern/") && !exported.has(specifier))
        .map((specifier) => `${source.path} imports ${specifier}`),
    ),
  );
});

test("a relative import names a file of the same package", () => {
  breaches(
    sources.flatMap((source) => {
      const home = source.unit === "" ? (source.path.split("/")[0] ?? "") : source.unit;
      // deploy/local is the workshop of the whole tree and belongs to no package.
      if (home === "deploy") return [];
      // What the bench measures apart from the rest it has to reach; this is the one place where it does.
      if (source.path === "test/load/sidecar-parts.ts") return [];
      return source.imports
        .filter((specifier) => specifier.startsWith("."))
        .filter((specifier) => !targetOf(source, specifier)?.startsWith(`${home}/`))
        .map((specifier) => `${source.path} imports ${specifier}`);
    }),
  );
});

test("no file imports itself through others", () => {
  const edges = new Map(
    sources.map((source) => [
      source.path,
      source.imports.flatMap((specifier) =>
        specifier.startsWith(".") ? (targetOf(source, specifier) ?? []) : [],
      ),
    ]),
  );
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) circles.push([...trail.slice(trail.indexOf(path)), path].join(" → "));
    if (done.has(path) || trail.includes(path)) return;
    for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of edges.keys()) visit(path, []);
  breaches(circles);
});

test("an index names what it exports", () => {
  breaches(
    sources.flatMap(({ path, code }) =>
      linesMatching(code, /^export \* from/).map((line) => `${path}:${line}`),
    ),
  );
});

test("a noun of the control plane uses earlier nouns only, and never their store or table", () => {
  breaches(
    product.flatMap((source) => {
      const noun = nounOf(source.path);
      if (noun === undefined) return [];
      return source.imports.flatMap((specifier) => {
        const target = specifier.startsWith(".") ? (targetOf(source, specifier) ?? "") : "";
        const used = nounOf(target);
        if (used === undefined || used === noun) return [];
        const isEarlier = NOUNS.indexOf(used) < NOUNS.indexOf(noun) && NOUNS.includes(used);
        const isPrivate = /\/(store|table)\.ts$/.test(target);
        return isEarlier && !isPrivate ? [] : [`${source.path} imports ${target}`];
      });
    }),
  );
});

test("a door of the control plane knows no table, no store and no database", () => {
  breaches(
    product.flatMap((source) => {
      if (!source.path.startsWith("apps/control-plane/src/surfaces/")) return [];
      return source.imports
        .filter((specifier) =>
          /\/(table|store)\.ts$|^drizzle-orm|^postgres$|pglite|\/database\//.test(specifier),
        )
        .map((specifier) => `${source.path} imports ${specifier}`);
    }),
  );
});

test("no comment switches these rules off", () => {
  const rules =
    "noImportCycles|noRestrictedImports|noPrivateImports|noUndeclaredDependencies|noProcessEnv|noConsole";
  const everywhere = new RegExp(`biome-ignore(-\\w+)? lint/\\w+/(${rules})|@ts-(ignore|nocheck)`);
  // A test may show that something does not compile.
  const inProduct = /@ts-expect-error/;
  breaches(
    sources
      .filter(({ path }) => path !== "test/architecture/layers.test.ts")
      .flatMap((source) => [
        ...linesMatching(source.text, everywhere).map((line) => `${source.path}:${line}`),
        ...(isProduct(source)
          ? linesMatching(source.text, inProduct).map((line) => `${source.path}:${line}`)
          : []),
      ]),
  );
});

function mayImport({ unit }: Source, target: string): boolean {
  const [kind, name] = unit.split("/");
  if (name === undefined || target === "testkit" || !units.has(`packages/${target}`)) return false;
  if (kind === "apps") return !(APP_REFUSES[name] ?? []).includes(target);
  const layer = LAYERS.findIndex((packages) => name in packages);
  const isLower = LAYERS.slice(0, layer).some((packages) => target in packages);
  return isLower || (LAYERS[layer]?.[name] ?? []).includes(target);
}

function nounOf(path: string): string | undefined {
  return /^apps\/control-plane\/src\/domain\/([^/]+)\//.exec(path)?.[1];
}
