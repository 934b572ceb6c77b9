// What a process exports somebody in it sets: a metric that stays at nothing tells a lie at three in the morning.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isProduct, sources } from "./sources.ts";

const LIST = /const METRICS = \[([^\]]*)\]/;

test("every metric that an app exports is set in that app", () => {
  const lists = sources.filter(
    (source) => source.path.startsWith("apps/") && isProduct(source) && LIST.test(source.code),
  );
  assert.ok(lists.length > 0);
  for (const { path, code, unit } of lists) {
    const own = sources
      .filter((source) => source.unit === unit && isProduct(source))
      .map((source) => source.code);
    const names = [...(LIST.exec(code)?.[1] ?? "").matchAll(/"(\w+)"/g)].map(([, name]) => name);
    const unset = names.filter(
      (name) => !own.some((text) => new RegExp(`\\.(increment|set|observeMs)\\(\\s*"${name}"`).test(text)),
    );
    assert.deepEqual(unset, [], path);
  }
});
