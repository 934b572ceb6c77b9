// Pods to put sidecars into, and an applier of JSON Patch that is not ours.
import assert from "node:assert/strict";
import jsonPatch from "fast-json-patch";
import type { Operation } from "./json-patch.ts";
import type { Outcome } from "./outcome.ts";
import { patchPod } from "./patch.ts";
import { Pod } from "./pod.ts";
import { TEMPLATE } from "./template.fixture.ts";

const NAMESPACE = "crm";

export const SERVER = {
  "postern.dev/inject": "true",
  "postern.dev/mode": "server",
  "postern.dev/port": "http",
  "postern.dev/hosts": "tools",
};
export const AGENT = {
  "postern.dev/inject": "true",
  "postern.dev/mode": "agent",
  "postern.dev/upstream-url": "http://tools.crm.svc:8080/v1/mcp",
};

const APP = { name: "app", image: "tools:1", ports: [{ name: "http", containerPort: 3000 }] };

export const podOf = (annotations: Record<string, string>, spec: object = {}): Pod =>
  Pod.parse({ metadata: { annotations }, spec: { containers: [APP], ...spec } });

export const judged = (pod: Pod): Outcome => patchPod(pod, { namespace: NAMESPACE }, TEMPLATE);

/** `pod` with the operations applied; `pod` itself stays. Throws for an operation that RFC 6902 does not allow. */
export function applied(pod: Pod, operations: readonly Operation[]): Pod {
  const { newDocument } = jsonPatch.applyPatch(structuredClone(pod), structuredClone([...operations]), true);
  return Pod.parse(newDocument);
}

/** The pod with its sidecar. */
export function injected(pod: Pod): Pod {
  const outcome = judged(pod);
  assert.ok(outcome.kind === "patch", JSON.stringify(outcome));
  return applied(pod, outcome.operations);
}
