import assert from "node:assert/strict";
import { test } from "node:test";
import { createAdminApi } from "./admin-api.ts";
import { isTrouble, type Trouble } from "./exchange.ts";

interface Seen {
  readonly path: string;
  readonly init: RequestInit;
}

function apiAnswering(answer: () => Response | Error) {
  const seen: Seen[] = [];
  const told: string[] = [];
  const api = createAdminApi({
    token: "the-token",
    onUnauthenticated: (message) => told.push(message),
    fetch: async (path, init) => {
      seen.push({ path, init });
      const answered = answer();
      if (answered instanceof Error) throw answered;
      return answered;
    },
  });
  return { api, seen, told };
}

async function troubleOf(act: Promise<unknown>): Promise<Trouble> {
  const caught: unknown = await act.then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.ok(isTrouble(caught));
  return caught;
}

test("the token travels in a header and never in the address", async () => {
  const { api, seen } = apiAnswering(() => Response.json({ items: [] }));
  await api.events({ tenant: "acme", tool: "a&b=c", since: "", cursor: undefined, limit: 5 });
  const [{ path, init } = assert.fail("nothing was asked")] = seen;
  assert.equal(path, "/v1/admin/audit?tenant=acme&tool=a%26b%3Dc&limit=5");
  assert.deepEqual(init.headers, { authorization: "Bearer the-token" });
  assert.deepEqual([init.cache, init.credentials, init.redirect], ["no-store", "omit", "error"]);
});

test("an id cannot lead to another path", async () => {
  const { api, seen } = apiAnswering(() => Response.json({}));
  await api.draft("../../keys?x=1#y");
  assert.equal(seen[0]?.path, "/v1/admin/policies/drafts/..%2F..%2Fkeys%3Fx%3D1%23y");
});

test("a refusal carries the control plane's own words", async () => {
  const body = { error: "policy.rego:3: rego_parse_error\n\t^", code: "policy.rego" };
  const { api } = apiAnswering(() => Response.json(body, { status: 400, headers: { "x-request-id": "r1" } }));
  const { status, message, code, requestId } = await troubleOf(api.createDraft({}));
  assert.deepEqual(
    { status, message, code, requestId },
    { status: 400, message: body.error, code: body.code, requestId: "r1" },
  );
});

for (const [name, answer] of Object.entries({
  "a page of a proxy": () => new Response("<h1>Bad gateway</h1>", { status: 502 }),
  "an error that is no text": () => Response.json({ error: { a: 1 }, code: 7 }, { status: 502 }),
  null: () => Response.json(null, { status: 502 }),
}))
  test(`${name} in place of a refusal is told by its status`, async () => {
    const { message, code } = await troubleOf(apiAnswering(answer).api.tenants());
    assert.deepEqual([message, code], ["The control plane answered HTTP 502.", ""]);
  });

test("a control plane that is not there is trouble of its own", async () => {
  const { status, message } = await troubleOf(
    apiAnswering(() => new TypeError("fetch failed")).api.tenants(),
  );
  assert.equal(status, 0);
  assert.match(message, /cannot be reached/);
});

test("an answer 401 is told before it is raised", async () => {
  const refused = () => Response.json({ error: "The admin token is not valid.", code: "x" }, { status: 401 });
  const { api, told } = apiAnswering(refused);
  assert.equal((await troubleOf(api.activePolicy("acme"))).status, 401);
  assert.deepEqual(told, ["The admin token is not valid."]);
});

test("that nothing is in force is an answer", async () => {
  const none = () => Response.json({ error: "nothing", code: "policies.none" }, { status: 404 });
  assert.equal(await apiAnswering(none).api.activePolicy("acme"), undefined);
});
