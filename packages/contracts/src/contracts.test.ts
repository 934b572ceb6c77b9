import assert from "node:assert/strict";
import { test } from "node:test";
import type { z } from "zod";
import {
  AuditEvent,
  BundleManifest,
  Caveat,
  CHECKS,
  ERROR_CODE,
  HopClaims,
  Identifier,
  Intent,
  KeyId,
  PolicyDecision,
  REASONS,
  RootClaims,
  SidecarState,
  SpoolBody,
  TenantId,
  Timestamp,
} from "./index.ts";

const accepts: [string, z.ZodType, unknown[], unknown[]][] = [
  [
    "TenantId",
    TenantId,
    ["a", "acme-corp", "a".repeat(63)],
    ["", "A", "-a", "a-", "a".repeat(64), "a/b", "a\n", 1],
  ],
  ["Identifier", Identifier, ["01J", "a.b_c:d-e"], ["", "-a", "a b", "../x", "a".repeat(129), "ä"]],
  [
    "Timestamp",
    Timestamp,
    ["2026-06-14T13:42:00Z", "2026-06-14T13:42:00.123Z"],
    ["2026-06-14", "2026-06-14T13:42:00+02:00", "now", "2026-13-01T00:00:00Z"],
  ],
  [
    "KeyId",
    KeyId,
    [`k4.pid.${"A".repeat(44)}`],
    ["k4.pid.", `k3.pid.${"A".repeat(44)}`, `k4.pid.${"A".repeat(43)}=`, "../../k"],
  ],
  [
    "Caveat",
    Caveat,
    [
      { type: "max_calls", limit: 0 },
      { type: "tool_allow", tools: [] },
    ],
    [
      { type: "max_calls", limit: -1 },
      { type: "max_calls", limit: 1.5 },
      { type: "max_calls", limit: 2 ** 53 },
      { type: "max_calls" },
      { type: "max_calls", limit: 1, extra: 1 },
      { type: "unknown" },
      { t: "max_calls", limit: 1 },
    ],
  ],
  [
    "Intent",
    Intent,
    [{ summary: "", allowed_tools: [], forbidden_tools: [], confidence: 0 }],
    [
      { summary: "", allowed_tools: [], forbidden_tools: [], confidence: 2 },
      { summary: "", allowed_tools: [] },
    ],
  ],
  [
    "PolicyDecision",
    PolicyDecision,
    [{ allow: false }, { allow: true, cost_micros: 5, escalate: false }],
    [{}, { allow: "true" }, { allow: true, surprise: 1 }, { allow: true, cost_micros: -1 }, null, [], true],
  ],
];
for (const [name, schema, good, bad] of accepts) {
  test(`${name} accepts what it says and refuses the rest`, () => {
    for (const value of good)
      assert.equal(schema.safeParse(value).success, true, `accepts ${JSON.stringify(value)}`);
    for (const value of bad)
      assert.equal(schema.safeParse(value).success, false, `refuses ${JSON.stringify(value)}`);
  });
}

test("everything that is signed or stored refuses unknown fields", () => {
  const strict: Record<string, z.ZodType> = { RootClaims, HopClaims, BundleManifest, AuditEvent };
  for (const [name, schema] of Object.entries(strict)) {
    const issues = schema.safeParse({ surprise: 1 }).error?.issues ?? [];
    assert.ok(
      issues.some((issue) => issue.code === "unrecognized_keys"),
      `${name} refuses an unknown field`,
    );
  }
  assert.equal(
    SpoolBody.safeParse({
      kind: "outcome",
      event_id: "e",
      outcome: "executed",
      reason: "",
      latency_ms: 1,
      upstream_status: 200,
      cost_micros: 0,
      x: 1,
    }).success,
    false,
  );
  assert.equal(
    SidecarState.safeParse({
      kind: "policy",
      tenant: "a",
      issued_at: "2026-06-14T13:42:00Z",
      version: 0,
      active: null,
      x: 1,
    }).success,
    false,
  );
});

test("error codes are distinct and stay out of the range that MCP reserves", () => {
  const codes = Object.values(ERROR_CODE);
  assert.equal(new Set(codes).size, codes.length);
  for (const code of codes) assert.ok(code <= -32010 && code >= -32019, String(code));
  assert.deepEqual(
    [
      ERROR_CODE.capability,
      ERROR_CODE.intent,
      ERROR_CODE.policy,
      ERROR_CODE.budget,
      ERROR_CODE.approval_pending,
    ],
    [-32010, -32011, -32012, -32013, -32014],
  );
});

test("a reason code starts with its check and carries a sentence", () => {
  for (const [code, sentence] of Object.entries(REASONS)) {
    assert.ok(code === "internal" || CHECKS.some((check) => code.startsWith(`${check}.`)), code);
    assert.match(sentence, /^[A-Z].*\.$/);
  }
});
