// House rules that no linter knows: names, sizes, where time, chance and the environment may enter, and what must never
// be committed. An exception is a line in a list here, and a line that is no longer needed fails too.
import assert from "node:assert/strict";
import { test } from "node:test";
import { allFiles, isProduct, linesMatching, product, read, type Source, sources, units } from "./sources.ts";

const LINES_MAX = 400;

/** Where code reads a clock or rolls dice; everything else is given a Clock, a NewId or bytes. A folder ends with a slash. */
const READS_CLOCK_OR_CHANCE = [
  "apps/console/src/main.ts",
  "apps/control-plane/src/runtime.ts",
  "apps/control-plane/src/workers/every.ts",
  "apps/sidecar/src/surroundings.ts",
  "apps/sidecar/src/timing.ts",
  "apps/sidecar/src/upstream/session-host.ts",
  "packages/fault/src/clock.ts",
  "packages/policy/src/evaluation-thread.ts",
  "packages/policy/src/evaluation-worker.ts",
  "packages/signing/src/wrapped-key.ts",
];

/** Where code sets timers: at the edges, for input and output that may never answer, and for what happens now and then. */
const SETS_TIMERS = [
  "apps/console/src/main.ts",
  "apps/control-plane/src/domain/trials/policy-trial.ts",
  "apps/control-plane/src/listener.ts",
  "apps/control-plane/src/workers/every.ts",
  "apps/injector/src/timing.ts",
  "apps/sidecar/src/timing.ts",
  "apps/sidecar/src/upstream/",
  "packages/budget/src/lease-supply.ts",
  "packages/client/src/exchange.ts",
  "packages/intent/src/http-extractor.ts",
  "packages/network/src/guarded-request.ts",
  "packages/policy/src/evaluation-pool.ts",
  "packages/policy/src/evaluation-thread.ts",
];

const shipped = product.filter(({ path }) => !path.startsWith("deploy/"));
const tests = sources.filter((source) => !isProduct(source));

const breaches = (found: readonly string[]) => assert.equal(found.join("\n"), "");

/** Code without the content of its quoted strings; templates are kept, for they hold code. */
const withoutStrings = (code: string) => code.replace(/"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g, '""');

function matching(among: readonly Source[], pattern: RegExp): string[] {
  return among.flatMap(({ path, code }) =>
    linesMatching(withoutStrings(code), pattern).map((line) => `${path}:${line}`),
  );
}

test("a file is named for what it holds", () => {
  const nameless = /(^|\/)(utils?|helpers?|common|shared|misc|base|manager|types|lib|core)(\.[a-z.]+|\/|$)/;
  breaches(allFiles.filter((path) => nameless.test(path) || (path.endsWith(".ts") && /[A-Z_]/.test(path))));
});

test("no source file is longer than 400 lines", () => {
  const written = sources.filter(({ path }) => !path.endsWith(".generated.ts"));
  const long = written.filter(({ text }) => text.split("\n").length > LINES_MAX + 1);
  breaches(long.map(({ path, text }) => `${path}: ${text.split("\n").length} lines`));
});

test("the environment is read by configuration only", () => {
  const readers = /^apps\/[^/]+\/src\/config\.ts$|^deploy\/local\//;
  breaches(
    matching(
      product.filter(({ path }) => !readers.test(path)),
      /\bprocess\.env\b/,
    ),
  );
});

test("clock and chance enter through adapters only", () => {
  const reads =
    /\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b|\bMath\.random\b|\bhrtime\b|\bgetRandomValues\b/;
  const imports = /import\s*\{[^}]*\brandom\w+[^}]*\}\s*from\s*"node:crypto"|\bcrypto\.random/;
  sameFiles(
    shipped.filter(({ code }) => reads.test(withoutStrings(code)) || imports.test(code)),
    READS_CLOCK_OR_CHANCE,
  );
});

test("timers are set by adapters only", () => {
  const timers = /\bset(Timeout|Interval)\s*\(|\bAbortSignal\.timeout\b/;
  sameFiles(
    shipped.filter(({ code }) => timers.test(withoutStrings(code)) || /"node:timers\/promises"/.test(code)),
    SETS_TIMERS,
  );
});

test("no unit test sleeps", () => {
  const unitTests = tests.filter(({ unit }) => unit !== "" && unit !== "packages/testkit");
  breaches(
    matching(unitTests, /\bawait\s+(sleep|delay|wait|setTimeout)\s*\(|\bsetTimeout\s*\(\s*(resolve|done)\b/),
  );
});

test("no test is run alone, and no marker is left behind", () => {
  breaches(matching(sources, /\.only\s*\(|\bonly: true\b/));
  const marker = new RegExp(
    `\\b(${["TO", "FIX", "XX", "HA"].map((start, n) => start + ["DO", "ME", "X", "CK"][n]).join("|")})\\b`,
  );
  breaches(sources.flatMap(({ path, text }) => linesMatching(text, marker).map((line) => `${path}:${line}`)));
});

test("the only class is Fault", () => {
  breaches(matching(sources, /^\s*(export\s+)?(default\s+)?(abstract\s+)?class\s+(?!Fault\b)\w/));
});

test("every package and app has tests", () => {
  breaches(
    [...units.keys()].filter(
      (unit) => !sources.some(({ path, unit: own }) => own === unit && path.endsWith(".test.ts")),
    ),
  );
});

test("no file knows the machine it was written on, nor a registry", () => {
  const homes = ["/ro" + "ot/", "/ho" + "me/[a-z]", "/Us" + "ers/", "/wo" + "rk/"];
  const registries = [
    "registry.npm" + "js",
    "registry.ya" + "rnpkg",
    "proxy.gol" + "ang",
    "sum.gol" + "ang",
    "py" + "pi.org",
    "deb.deb" + "ian",
  ];
  const pattern = new RegExp(
    `${homes.map((home) => `(^|[\\s"'\`(=:])${home}`).join("|")}|${registries.join("|")}`,
  );
  const text = allFiles.filter((path) =>
    /\.(ts|mjs|js|json|md|ya?ml|rego|sql|tpl|html|css|txt|sh)$|(^|\/)(run|Dockerfile[^/]*|\.npmrc)$/.test(
      path,
    ),
  );
  breaches(
    text.flatMap((path) => linesMatching(read(path), pattern).map((line) => `${path}:${line.slice(0, 160)}`)),
  );
});

test("the lock file names no place to download from", () => {
  breaches(linesMatching(read("pnpm-lock.yaml"), /tarball:|https?:\/\//));
});

/** The files that do what few may are exactly those that may. */
function sameFiles(found: readonly Source[], allowed: readonly string[]): void {
  const paths = found.map(({ path }) => path);
  const covers = (entry: string, path: string) =>
    path === entry || (entry.endsWith("/") && path.startsWith(entry));
  breaches([
    ...paths
      .filter((path) => !allowed.some((entry) => covers(entry, path)))
      .map((path) => `${path} must not`),
    ...allowed
      .filter((entry) => !paths.some((path) => covers(entry, path)))
      .map((entry) => `${entry} need not be listed`),
  ]);
}
