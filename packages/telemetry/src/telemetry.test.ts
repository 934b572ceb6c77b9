import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "@postern/fault";
import { createLogger } from "./logger.ts";
import { createMetrics, METRICS } from "./metrics.ts";
import { REDACTED_FIELDS } from "./redact.ts";

function capture() {
  const lines: string[] = [];
  return { lines, destination: { write: (line: string) => void lines.push(line) } };
}

test("a log line is one JSON object with level, time, name and message", () => {
  const { lines, destination } = capture();
  createLogger({ name: "sidecar", level: "info", destination })
    .with({ request_id: "r1" })
    .info("ready", { port: 1 });
  assert.equal(lines.length, 1);
  const line = JSON.parse(lines[0] ?? "") as Record<string, unknown>;
  assert.equal(line.level, "info");
  assert.equal(line.name, "sidecar");
  assert.equal(line.msg, "ready");
  assert.equal(line.request_id, "r1");
  assert.match(String(line.time), /^\d{4}-.*Z$/);
});

test("every redacted field is redacted at the top and below", () => {
  const { lines, destination } = capture();
  const log = createLogger({ name: "x", level: "debug", destination });
  for (const field of REDACTED_FIELDS) {
    log.info("m", {
      [field]: "canary-5d1",
      request: { [field]: "canary-5d1", deep: { [field]: "canary-5d1" } },
    });
  }
  assert.equal(lines.length, REDACTED_FIELDS.length);
  for (const line of lines) assert.doesNotMatch(line, /canary/);
});

test("an error is logged with kind, code and detail, and without its cause", () => {
  const { lines, destination } = capture();
  const log = createLogger({ name: "x", level: "error", destination });
  log.error(
    "failed",
    new Fault("upstream", "upstream.reset", "gone", {
      detail: "ECONNRESET",
      cause: { secret: "canary-5d1" },
    }),
  );
  log.error("failed", "a thrown string");
  assert.match(lines[0] ?? "", /"code":"upstream\.reset".*"detail":"ECONNRESET"/);
  assert.doesNotMatch(lines[0] ?? "", /canary/);
  assert.match(lines[1] ?? "", /"kind":"internal".*a thrown string/);
});

test("a metric appears in the exposition with its labels", async () => {
  const metrics = createMetrics(["decisions", "spoolBytes", "checkDuration"]);
  metrics.increment("decisions", { decision: "block", check: "policy", reason: "policy.denied" });
  metrics.set("spoolBytes", 12);
  metrics.observeMs("checkDuration", { check: "policy" }, 2);
  const { body, contentType } = await metrics.expose();
  assert.match(contentType, /text\/plain/);
  assert.match(body, /postern_decisions_total\{decision="block",check="policy",reason="policy\.denied"\} 1/);
  assert.match(body, /postern_spool_bytes 12/);
  assert.match(body, /postern_check_duration_seconds_bucket\{le="0\.0025",check="policy"\} 1/);
});

test("metric names follow the Prometheus conventions", () => {
  for (const row of Object.values(METRICS)) {
    assert.match(row.name, /^postern_[a-z_]+$/);
    assert.equal(row.name.endsWith("_total"), row.type === "counter", row.name);
  }
});
