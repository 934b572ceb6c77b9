import assert from "node:assert/strict";
import { test } from "node:test";
import { answers, scriptedServer } from "@postern/testkit";
import { createAdminClient, isProposal } from "./index.ts";

const token = "t";

test("any operation can be called by its name, and what it takes and answers is typed", async (t) => {
  const minted = {
    token: "v4.public.x",
    jti: "j1",
    subject: "bot",
    tenant: "acme",
    new_in_a_later_version: 1,
  };
  const server = await scriptedServer(t, answers(200, minted));
  const { call } = createAdminClient({ url: server.url, token });
  const reply = await call("capability_mint", { body: { subject: "bot", tools: ["read_*"] } });
  const jti: string = reply.jti;
  assert.deepEqual([jti, reply], ["j1", minted]);
  assert.equal(`${server.seen[0]?.method} ${server.seen[0]?.url}`, "POST /v1/admin/mint");

  // @ts-expect-error: a token is minted for somebody.
  await call("capability_mint", { body: {} });
  // @ts-expect-error: there is no such operation.
  await assert.rejects(call("capability_forge"));
  // @ts-expect-error: a draft is named by its id.
  await assert.rejects(call("policy_draft_view", {}), { code: "client.path" });
});

test("an answer of another form than the operation's is malformed, not believed", async (t) => {
  for (const body of ["{}", "[]", '{"items":[]}', "null", '"x"', "<html>"]) {
    const { url } = await scriptedServer(t, answers(200, body));
    const client = createAdminClient({ url, token });
    await assert.rejects(client.activePolicy(), { code: "client.malformed" }, body);
    // No tenants are tenants, too.
    if (body !== "[]") await assert.rejects(client.tenants(), { code: "client.malformed" }, body);
  }
});

test("a name that a path would be walked by is refused before anything is sent", async (t) => {
  const { url, seen } = await scriptedServer(t, answers(200, {}));
  const client = createAdminClient({ url, token });
  for (const id of ["", ".", ".."]) await assert.rejects(client.deleteDraft(id), { code: "client.path" }, id);
  assert.equal(seen.length, 0);
});

test("a change that was only proposed can be told from one that was made", async (t) => {
  const proposal = {
    ...{ proposal_id: "p1", tenant: "acme", kind: "promote", status: "proposed", name: "n" },
    ...{ draft_id: "d1", rego_sha256: "0", proposed_by: "operator:olga", expires_at: "2026-01-02T00:00:00Z" },
  };
  const { url } = await scriptedServer(t, answers(202, proposal));
  const change = await createAdminClient({ url, token }).promote("d1");
  assert.ok(isProposal(change) && change.proposal_id === "p1");
});

test("a client that acts under an elevation names it with every call", async (t) => {
  const server = await scriptedServer(t, answers(200, "[]"));
  await createAdminClient({ url: server.url, token, elevationId: "e1" }).tenants();
  assert.equal(server.seen[0]?.headers["x-postern-elevation-id"], "e1");
});

test("an export is streamed as it comes", async (t) => {
  const server = await scriptedServer(t, answers(200, "{}\n{}\n", "application/x-ndjson"));
  let text = "";
  const client = createAdminClient({ url: server.url, token });
  for await (const chunk of client.exportAudit("ndjson", { tenant: "acme" }))
    text += Buffer.from(chunk).toString();
  assert.equal(text, "{}\n{}\n");
  assert.equal(server.seen[0]?.url, "/v1/admin/audit/export?format=ndjson&tenant=acme");
});
