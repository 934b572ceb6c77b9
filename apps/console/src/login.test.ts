import assert from "node:assert/strict";
import { test } from "node:test";
import { canLogIn, endSession, type Fetch, fetchSession, loginCode } from "./login.ts";

const answering =
  (status: number, body: unknown): Fetch =>
  async () =>
    new Response(JSON.stringify(body), { status });
const down: Fetch = async () => {
  throw new TypeError("fetch failed");
};

test("a code is taken from the address of a browser that has come back, and from no other", () => {
  assert.equal(loginCode("#signed-in=acme.Ab_-1"), "acme.Ab_-1");
  for (const other of [
    "",
    "#",
    "#/acme/events",
    "#signed-in=",
    "#signed-in=a b",
    "#/x?signed-in=a",
    "#signed-in=a&b",
  ])
    assert.equal(loginCode(other), undefined, other);
  assert.equal(loginCode(`#signed-in=${"a".repeat(257)}`), undefined);
});

test("the way in is shown where the control plane knows an identity provider", async () => {
  assert.equal(await canLogIn(answering(200, { methods: ["token", "oidc"] })), true);
  for (const fetch of [
    answering(200, { methods: ["token"] }),
    answering(404, { error: "x", methods: ["oidc"] }),
    answering(200, "oidc"),
    down,
  ])
    assert.equal(await canLogIn(fetch), false);
});

test("a session is fetched with the code in the body, and the cookie goes along to this origin only", async () => {
  let asked: [string, RequestInit] | undefined;
  const fetched = await fetchSession(async (...request) => {
    asked = request;
    return new Response(JSON.stringify({ token: "pst_acme.x" }), { status: 201 });
  }, "acme.c");
  assert.deepEqual(fetched, { token: "pst_acme.x" });
  const [path, { method, body, credentials }] = asked ?? ["", {}];
  assert.deepEqual(
    [path, method, body, credentials],
    ["/v1/auth/session", "POST", '{"code":"acme.c"}', "same-origin"],
  );
});

test("why there is no session is told in the control plane's words where it has any", async () => {
  assert.deepEqual(await fetchSession(answering(401, { error: "Begin again." }), "c"), {
    problem: "Begin again.",
  });
  for (const fetch of [answering(502, {}), answering(200, {}), down]) {
    const fetched = await fetchSession(fetch, "c");
    assert.ok("problem" in fetched && fetched.problem.length > 10);
  }
});

test("signing out succeeds here even when the control plane is away", async () => {
  await endSession(down, "pst_acme.x");
});
