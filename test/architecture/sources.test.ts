import assert from "node:assert/strict";
import { test } from "node:test";
import { importsOf, linesMatching, packageOf, withoutComments } from "./sources.ts";

test("every form of import is seen, and none in a comment", () => {
  // In pieces, so that this file itself does not seem to import them.
  const lines = [
    "|import 'side-effect';",
    "|import type { A } from 'types-only';",
    "|import {\n  b, // from 'nowhere'\n  c,\n} from './many-lines.ts';",
    "|export { d } from './again.ts';",
    "const late = await im|port('./late.ts');",
    "const thread = new U|RL('./thread.ts', import.meta.url);",
    "// import 'not-this';",
    "/* import 'nor-this'; */",
    "const glob = 'packages/*/src'; const other = '*/';",
  ];
  const code = withoutComments(lines.join("\n").replaceAll("|", ""));
  assert.deepEqual(importsOf(code).sort(), [
    "./again.ts",
    "./late.ts",
    "./many-lines.ts",
    "./thread.ts",
    "side-effect",
    "types-only",
  ]);
});

test("removing comments moves no line", () => {
  assert.deepEqual(linesMatching(withoutComments("a\n/* b\nb */ c\n// c\nc"), /c/), ["3: c", "5: c"]);
});

test("a bare import belongs to its package", () => {
  assert.deepEqual(["zod", "zod/v4", "@scope/name/sub"].map(packageOf), ["zod", "zod", "@scope/name"]);
});
