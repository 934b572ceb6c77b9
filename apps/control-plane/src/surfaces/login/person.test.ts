// From claims to a person: what is clearly said counts, and nothing else.
import assert from "node:assert/strict";
import { test } from "node:test";
import { OperatorName } from "@postern/contracts";
import fc from "fast-check";
import { type PersonRules, personOf } from "./person.ts";

const rules: PersonRules = {
  issuer: "https://login.example",
  tenant: { fixed: "acme" },
  nameClaim: "email",
  rolesClaim: "groups",
  roleRules: [
    ["ops", "operator"],
    ["ops", "approver"],
    ["CN=admins,OU=it", "admin"],
  ],
};
const of = (claims: object, change: Partial<PersonRules> = {}) =>
  personOf({ ...claims }, "s-1", { ...rules, ...change });

test("every value of the roles claim gives what the rules say of it", () => {
  for (const [groups, roles] of [
    [["ops"], ["operator", "approver"]],
    ["ops", ["operator", "approver"]],
    [["x", "CN=admins,OU=it"], ["admin"]],
    ["OPS", []],
    [[["ops"]], []],
    [{ ops: true }, []],
    [undefined, []],
  ] as const)
    assert.deepEqual(of({ groups }).roles, roles, JSON.stringify(groups));
});

test("the roles claim may be a path, or a name with slashes in it", () => {
  const nested = { realm_access: { roles: ["ops"] } };
  assert.deepEqual(of(nested, { rolesClaim: "/realm_access/roles" }).roles, ["operator", "approver"]);
  const named = { "https://acme.example/roles": ["ops"] };
  assert.deepEqual(of(named, { rolesClaim: "https://acme.example/roles" }).roles, ["operator", "approver"]);
  for (const rolesClaim of ["constructor", "__proto__", "/constructor/name"]) {
    assert.deepEqual(of({}, { rolesClaim, roleRules: [["Object", "admin"]] }).roles, []);
  }
});

test("a new operator is named after the claim, or else after its subject, so that nobody is called by another's address", () => {
  for (const [claims, name] of [
    [{ email: "Alice@Acme.example", email_verified: true }, "alice@acme.example"],
    [{ email: "alice@acme.example" }, "alice@acme.example"],
    [{ email: "alice@acme.example", email_verified: false }, "s-1"],
    [{ email: "operator:root" }, "s-1"],
    [{ email: "\u0430lice@acme.example" }, "s-1"],
    [{ email: ["alice@acme.example"] }, "s-1"],
    [{}, "s-1"],
  ] as const)
    assert.equal(of(claims).name, name);
  assert.match(personOf({}, "auth0|5f7c", rules).name, /^person-[0-9a-f]{16}$/);
  assert.notEqual(personOf({}, "A", rules).name, personOf({}, "a", rules).name);
  const other = { ...rules, issuer: "https://other.example" };
  assert.notEqual(personOf({}, "auth0|1", rules).name, personOf({}, "auth0|1", other).name);
});

test("whatever the claims are, the name can be one", () => {
  fc.assert(
    fc.property(fc.anything(), fc.string({ minLength: 1 }), (email, subject) => {
      assert.ok(OperatorName.safeParse(personOf({ email }, subject, rules).name).success);
    }),
  );
});

test("a tenant's claim names a tenant, or the login belongs to none", () => {
  const tenant = { claim: "org" };
  assert.equal(of({ org: "beta" }, { tenant }).tenant, "beta");
  for (const org of [undefined, "", "Beta", "a b", ["beta"], 1, "x".repeat(64)]) {
    assert.throws(() => of({ org }, { tenant }), { kind: "forbidden", code: "operators.no_tenant" });
  }
});
