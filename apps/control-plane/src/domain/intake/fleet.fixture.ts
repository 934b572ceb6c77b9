// A sidecar of a test's own control plane, and what an administrator sees of it.
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { Acknowledgement, type AuditEvent, type ChainEntry } from "@postern/contracts";
import { open } from "@postern/signing";
import { type Engine, type TestPlane, testPlane } from "../../control-plane.fixture.ts";
import { type PretendedSpool, pretendedSpool } from "./spool.fixture.ts";

export interface Fleet {
  readonly plane: TestPlane;
  readonly sidecar: { tenant: string; id: string };
  readonly credential: string;
  boot(): Promise<PretendedSpool>;
  send(batch: unknown, via?: Pick<TestPlane, "request">): ReturnType<TestPlane["request"]>;
  /** Acknowledgements of the last answer by epoch, opened with the published log key. */
  acknowledged(answer: Awaited<ReturnType<TestPlane["request"]>>): Promise<Map<number, Acknowledgement>>;
  /** Tool calls in the chain, oldest first. */
  calls(): Promise<readonly AuditEvent[]>;
  /** Alarms of one name ("audit_lost") in the chain, newest first. */
  alarms(name: string): Promise<readonly AuditEvent[]>;
}

export async function fleet(t: TestContext, engine: Engine): Promise<Fleet | undefined> {
  const plane = await testPlane(t, engine);
  return plane === undefined ? undefined : await fleetOf(plane, "acme");
}

export async function fleetOf(plane: TestPlane, tenant: string): Promise<Fleet> {
  await plane.request("POST", "/v1/admin/tenants", { body: { name: tenant } });
  const added = await plane.request("POST", "/v1/admin/sidecars", { body: { tenant, name: "one" } });
  assert.equal(added.status, 201);
  const { sidecar_id, credential } = added.json;
  const sidecar = { tenant, id: sidecar_id };
  return {
    plane,
    sidecar,
    credential,
    async boot() {
      const booted = await plane.request("POST", "/v1/sidecar/register", {
        token: credential,
        body: { version: "1" },
      });
      return pretendedSpool(sidecar, booted.json.epoch);
    },
    send: (batch, via = plane) =>
      via.request("POST", "/v1/sidecar/audit", { token: credential, body: batch }),
    async acknowledged(answer) {
      assert.equal(answer.status, 200, answer.text);
      const keys = await plane.units.read((executor) => plane.nouns.keys.keySet(executor, tenant));
      const nowMs = plane.clock.nowMs();
      const opened = answer.json.acknowledgements.map(async (sealed: string) => {
        const { document } = await open(sealed, { keys, use: "log", purpose: "acknowledgement", nowMs });
        return Acknowledgement.parse(document);
      });
      return new Map((await Promise.all<Acknowledgement>(opened)).map((each) => [each.epoch, each]));
    },
    async calls() {
      const exported = await plane.request("GET", `/v1/admin/audit/export?format=json&tenant=${tenant}`);
      return exported.json
        .map(({ event }: ChainEntry) => event)
        .filter(({ event }: AuditEvent) => event === "intentgate.tool_call");
    },
    async alarms(name) {
      const told = await plane.request("GET", `/v1/admin/audit?tenant=${tenant}&tool=admin/${name}`);
      return told.json.items;
    },
  };
}

export async function assertVerified({ plane, sidecar }: Fleet): Promise<void> {
  const verified = await plane.request("GET", `/v1/admin/audit/verify?tenant=${sidecar.tenant}`);
  assert.equal(verified.json.verified, true, verified.text);
}
