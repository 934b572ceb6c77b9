import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { inAccountOrder } from "./ledger.ts";
import { charge } from "./ledger-suite.ts";

test("charges come out in the order of their accounts, each once, and what was given stays as it was", () => {
  const accounts = fc.uniqueArray(fc.string({ unit: "binary", maxLength: 3 }), { maxLength: 8 });
  fc.assert(
    fc.property(accounts, (names) => {
      const given = Object.freeze(names.map((name) => charge(`calls:${name}`, 5)));
      const ordered = inAccountOrder(given);
      assert.deepEqual(
        ordered.map(({ account }) => account),
        names.map((name) => `calls:${name}`).sort(),
      );
    }),
  );
});

test("an account that stands twice, and amounts and limits that are none, are programming errors", () => {
  const wrong = [
    [charge("calls:a", 5), charge("calls:a", 5)],
    [charge("calls:a", 5), charge("calls:b", 5), charge("calls:a", 5)],
    [charge("calls:a", 5, 0)],
    [charge("calls:a", 5, 1.5)],
    [charge("calls:a", 5, Number.NaN)],
    [charge("calls:a", -1)],
    [charge("calls:b", 5), charge("calls:a", 2 ** 53)],
  ];
  for (const charges of wrong) assert.throws(() => inAccountOrder(charges), { code: "ERR_ASSERTION" });
});
