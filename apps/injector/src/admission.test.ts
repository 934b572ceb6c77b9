import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger } from "@postern/telemetry";
import fc from "fast-check";
import { answerReview } from "./admission.ts";
import type { Operation } from "./json-patch.ts";
import { AGENT, applied, injected, podOf } from "./pod.fixture.ts";
import { reviewFor } from "./review.fixture.ts";
import { TEMPLATE } from "./template.fixture.ts";

interface Response {
  uid: string;
  allowed: boolean;
  patchType?: string;
  patch?: string;
  warnings?: string[];
  status?: { code: number; message: string };
  auditAnnotations: { outcome: string; reason: string };
}

function answered(body: Uint8Array | string): { status: number; response: Response } {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const { status, body: text } = answerReview(bytes, TEMPLATE, silentLogger);
  const review = JSON.parse(text) as { apiVersion: string; kind: string; response: Response };
  assert.equal(review.apiVersion, "admission.k8s.io/v1");
  assert.equal(review.kind, "AdmissionReview");
  return { status, response: review.response };
}
const ask = (pod: unknown, change: object = {}) => answered(JSON.stringify(reviewFor(pod, change)));

test("a pod that is to be guarded is allowed with the patch that guards it", () => {
  const pod = podOf(AGENT);
  const { status, response } = ask(pod);
  assert.equal(status, 200);
  assert.equal(response.uid, "705ab4f5-6393-11e8-b7cc-42010a800002");
  assert.equal(response.allowed, true);
  assert.equal(response.patchType, "JSONPatch");
  const operations = JSON.parse(Buffer.from(response.patch ?? "", "base64").toString()) as Operation[];
  assert.deepEqual(applied(pod, operations), injected(pod));
  assert.deepEqual(response.auditAnnotations, { outcome: "patch", reason: "pod.injected" });
});

test("a dry run is answered like any other request", () => {
  assert.deepEqual(ask(podOf(AGENT), { dryRun: true }), ask(podOf(AGENT), { dryRun: false }));
});

test("a guarded pod is allowed without a patch", () => {
  const { response } = ask(injected(podOf(AGENT)));
  assert.equal(response.allowed, true);
  assert.equal("patch" in response || "patchType" in response, false);
  assert.equal(response.auditAnnotations.reason, "pod.already_injected");
});

test("a pod that gets no sidecar is allowed with a warning that says why", () => {
  for (const [annotations, reason] of [
    [{ "postern.dev/inject": "false" }, "pod.opted_out"],
    [{}, "pod.not_requested"],
  ] as const) {
    const { response } = ask(podOf(annotations));
    assert.equal(response.allowed, true);
    assert.equal(response.patch, undefined);
    assert.deepEqual(response.warnings, [`postern: the pod gets no sidecar (${reason}).`]);
  }
});

test("a pod that cannot be guarded is refused with a message that says why", () => {
  const { status, response } = ask(podOf(AGENT, { hostNetwork: true }));
  assert.equal(status, 200);
  assert.equal(response.allowed, false);
  assert.equal(response.status?.code, 403);
  assert.match(
    response.status?.message ?? "",
    /^postern: The pod shares its node's network.*\(pod\.host_network\)$/,
  );
});

const pod = podOf(AGENT);
const UNANSWERABLE: Record<string, string | Uint8Array> = {
  nothing: "",
  "no JSON": "{",
  "broken UTF-8": Uint8Array.of(0x22, 0xff, 0x22),
  null: "null",
  "a list": "[]",
  "another kind": JSON.stringify({ ...reviewFor(pod), kind: "TokenReview" }),
  "another version": JSON.stringify({ ...reviewFor(pod), apiVersion: "admission.k8s.io/v1beta1" }),
  "no request": JSON.stringify({ ...reviewFor(pod), request: undefined }),
  "no uid": JSON.stringify(reviewFor(pod, { uid: undefined })),
  "an empty uid": JSON.stringify(reviewFor(pod, { uid: "" })),
  "a uid that is no text": JSON.stringify(reviewFor(pod, { uid: 7 })),
  "arrays in arrays": "[".repeat(100_000),
};
for (const [name, body] of Object.entries(UNANSWERABLE)) {
  test(`a review that cannot be answered allows nothing (${name})`, () => {
    const { status, response } = answered(body);
    assert.equal(status, 400);
    assert.equal(response.allowed, false);
    assert.equal(response.auditAnnotations.reason, "review.malformed");
  });
}

const REFUSED: Record<string, [object, string]> = {
  "an update": [{ operation: "UPDATE" }, "review.unsupported"],
  "a deletion": [{ operation: "DELETE", object: null }, "review.unsupported"],
  "no operation": [{ operation: undefined }, "review.unsupported"],
  "a subresource": [{ subResource: "ephemeralcontainers" }, "review.unsupported"],
  "another resource": [
    { resource: { group: "apps", version: "v1", resource: "deployments" } },
    "review.unsupported",
  ],
  "another kind": [{ kind: { group: "", version: "v1", kind: "Service" } }, "review.unsupported"],
  "no namespace": [{ namespace: undefined }, "review.malformed"],
  "no pod": [{ object: undefined }, "review.malformed"],
  "a pod that is null": [{ object: null }, "review.malformed"],
  "a pod without containers": [{ object: { metadata: {}, spec: { containers: [] } } }, "review.malformed"],
  "a pod whose network is unclear": [
    { object: { ...pod, spec: { ...pod.spec, hostNetwork: "false" } } },
    "review.malformed",
  ],
  "an annotation that is no text": [
    { object: { ...pod, metadata: { annotations: { "postern.dev/inject": true } } } },
    "review.malformed",
  ],
  "a port that is no number": [
    { object: { ...pod, spec: { containers: [{ name: "a", ports: [{ containerPort: "80" }] }] } } },
    "review.malformed",
  ],
  "a dry run that is unclear": [{ dryRun: "no" }, "review.malformed"],
};
for (const [name, [change, reason]] of Object.entries(REFUSED)) {
  test(`what is not understood is refused, in answer to its uid (${name})`, () => {
    const { status, response } = ask(pod, change);
    assert.equal(status, 200);
    assert.equal(response.uid, "705ab4f5-6393-11e8-b7cc-42010a800002");
    assert.equal(response.allowed, false);
    assert.equal(response.patch, undefined);
    assert.equal(response.auditAnnotations.reason, reason);
  });
}

test("trouble while a pod is judged refuses it", () => {
  const broken = new Proxy(TEMPLATE, {
    get: () => {
      throw new Error("template lost");
    },
  });
  const body = new TextEncoder().encode(JSON.stringify(reviewFor(pod)));
  const { outcome } = answerReview(body, broken, silentLogger);
  assert.equal(outcome.reason, "review.failed");
});

test("whatever a request holds, it is answered, and only a pod that was understood is allowed", () => {
  fc.assert(
    fc.property(
      fc.json(),
      fc.constantFrom("object", "operation", "kind", "namespace", "uid"),
      (json, key) => {
        const { response } = ask(pod, { [key]: JSON.parse(json) as unknown });
        assert.equal(response.allowed, response.auditAnnotations.outcome !== "refuse");
        if (key === "operation" || key === "kind") assert.equal(response.allowed, false);
      },
    ),
    { numRuns: 500 },
  );
});
