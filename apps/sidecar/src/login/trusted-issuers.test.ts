// The list of trusted issuers is believed as far as it is signed, for this tenant, and not older than what is held.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "@postern/contracts";
import { createKeySet } from "@postern/signing";
import { silentLogger } from "@postern/telemetry";
import { fixedClock } from "@postern/testkit";
import { createAuthority } from "../authority.fixture.ts";
import { createTrustedIssuers } from "./trusted-issuers.ts";

const issuer = (name: string) => ({
  issuer: `https://${name}.example`,
  audiences: ["https://tools.example/v1/mcp"],
  algorithms: ["ES256"],
  scopes: [],
});

async function setup() {
  const clock = fixedClock();
  const authority = await createAuthority(clock.nowMs);
  const waits: number[] = [];
  let changes = 0;
  let sealed: () => Promise<string> = async () => "";
  const issuers = createTrustedIssuers({
    tenant: "acme",
    controlPlane: { login: async () => ({ sealed: await sealed() }) },
    keys: () => createKeySet([...authority.published]),
    clock,
    random: () => 1,
    sleep: async (ms) => void waits.push(ms),
    log: silentLogger,
    onChanged: () => {
      changes += 1;
    },
  });
  const document = (names: readonly string[], more: JsonObject = {}): JsonObject => ({
    kind: "login",
    tenant: "acme",
    issued_at: new Date(clock.nowMs()).toISOString(),
    issuers: names.map(issuer),
    ...more,
  });
  return {
    ...{ clock, authority, waits, document },
    names: () => issuers.current().map((one) => one.issuer.slice(8, -8)),
    changes: () => changes,
    /** Asks once, and is told this. */
    async hear(answer: () => Promise<string>) {
      const once = new AbortController();
      sealed = () => {
        once.abort();
        return answer();
      };
      await issuers.follow(once.signal);
    },
  };
}

test("what the control plane signs is believed, and changes are told once", async () => {
  const { authority, document, hear, names, changes, waits } = await setup();
  assert.deepEqual(names(), []);
  await hear(() => authority.seal(document(["a"]), "state", "state"));
  await hear(() => authority.seal(document(["a"]), "state", "state"));
  assert.deepEqual([names(), changes()], [["a"], 1]);
  await hear(() => authority.seal(document(["a", "b"]), "state", "state"));
  assert.deepEqual([names(), changes()], [["a", "b"], 2]);
  assert.deepEqual(waits, [10_000, 10_000, 10_000]);
});

test("nothing else is believed, and what was heard stands", async () => {
  const { authority, clock, document, hear, names, waits } = await setup();
  await hear(() => authority.seal(document(["a"]), "state", "state"));
  const other = await createAuthority(clock.nowMs);
  const wrong: (() => Promise<string>)[] = [
    () => other.seal(document(["evil"]), "state", "state"),
    () => authority.seal(document(["evil"]), "log", "state"),
    () => authority.seal(document(["evil"]), "state", "bundle"),
    () => authority.seal(document(["evil"], { tenant: "beta" }), "state", "state"),
    () => authority.seal(document(["evil"], { kind: "policy" }), "state", "state"),
    () => authority.seal(document(["evil"], { issued_at: "2020-01-01T00:00:00Z" }), "state", "state"),
    () => authority.seal(document(["evil"], { more: 1 }), "state", "state"),
    () => authority.state("policy", { version: 1, active: null, rollout: null }),
    async () => "nonsense",
    async () => "x".repeat(2_000_000),
    async () => Promise.reject(new Error("away")),
  ];
  for (const answer of wrong) await hear(answer);
  assert.deepEqual(names(), ["a"]);
  assert.ok(
    waits.slice(1).every((ms) => ms === 100),
    "a failure is tried again soon",
  );
  await hear(() => authority.seal(document([]), "state", "state"));
  assert.deepEqual(names(), []);
});
