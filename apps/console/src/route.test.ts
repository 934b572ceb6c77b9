import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { printQuery, printRoute, type Route, readRoute, SCREENS } from "./route.ts";

const overview = { screen: "overview", item: "", query: {} };

for (const [hash, route] of Object.entries({
  "": { tenant: "", ...overview },
  "#/": { tenant: "", ...overview },
  "#/acme": { tenant: "acme", ...overview },
  "#/acme/nowhere/x": { tenant: "acme", ...overview },
  "#/acme/policies/d1": { tenant: "acme", screen: "policies", item: "d1", query: {} },
  "#/acme/events?tool=a%20b&decision=": {
    tenant: "acme",
    screen: "events",
    item: "",
    query: { tool: "a b" },
  },
  "#/%E0%A4%A/events": { tenant: "", screen: "events", item: "", query: {} },
}))
  test(`the address "${hash}" is understood`, () => assert.deepEqual(readRoute(hash), route));

test("every place has an address that leads back to it", () => {
  const text = fc.string({ unit: "grapheme", minLength: 1 });
  const routes: fc.Arbitrary<Route> = fc.record(
    {
      tenant: text,
      screen: fc.constantFrom(...SCREENS),
      item: fc.string({ unit: "grapheme" }),
      query: fc.dictionary(fc.stringMatching(/^[a-z_]+$/), text, { noNullPrototype: true }),
    },
    { noNullPrototype: true },
  );
  fc.assert(fc.property(routes, (route) => assert.deepEqual(readRoute(printRoute(route)), route)));
});

test("a query leaves out what has no value", () => {
  assert.equal(printQuery({ a: "", b: undefined, c: 0, d: false, e: "x y&z" }), "c=0&d=false&e=x+y%26z");
});
