// What holds for every pod, not only for the reviewed ones: Services find the sidecar, nothing else is touched, twice is once.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { applied, judged, podOf } from "./pod.fixture.ts";
import type { Pod } from "./pod.ts";
import { TEMPLATE } from "./template.fixture.ts";
import { CREDENTIAL_VOLUME, SIDECAR } from "./template.ts";

const portName = fc.constantFrom("http", "mcp", "tool-server-mcp", "a-b-c", "metrics", "http-unguarded");
const port = fc.record(
  {
    name: portName,
    containerPort: fc.constantFrom(80, 3000, 8080, 8081, 9090),
    protocol: fc.constantFrom("TCP", "UDP"),
  },
  { requiredKeys: ["containerPort"] },
);
const probe = fc.record({ httpGet: fc.record({ port: fc.oneof(portName, fc.constant(3000)) }) });
const container = fc.record(
  {
    name: fc.constantFrom("app", "logger", "~/odd", SIDECAR),
    ports: fc.array(port, { maxLength: 3 }),
    readinessProbe: probe,
    lifecycle: fc.record({ preStop: probe }),
    volumeMounts: fc.array(fc.record({ name: fc.constantFrom("cache", CREDENTIAL_VOLUME) }), {
      maxLength: 1,
    }),
  },
  { requiredKeys: ["name"] },
);
const spec = fc.record(
  {
    containers: fc.array(container, { minLength: 1, maxLength: 3 }),
    initContainers: fc.array(container, { maxLength: 2 }),
    volumes: fc.array(fc.record({ name: fc.constantFrom("cache", "data") }), { maxLength: 2 }),
    hostNetwork: fc.boolean(),
  },
  { requiredKeys: ["containers"] },
);
const value = fc.constantFrom(
  "true",
  "false",
  "server",
  "agent",
  "http",
  "mcp",
  "3000",
  "tools",
  "/mcp",
  "http://t/mcp",
  "",
);
const annotations = fc.oneof(
  fc.dictionary(fc.constantFrom("inject", "mode", "port", "hosts", "upstream-url", "injected", "x"), value),
  fc.record({
    inject: fc.constant("true"),
    mode: fc.constant("server"),
    port: fc.oneof(portName, fc.constant("3000")),
    hosts: fc.constant("tools"),
  }),
  fc.record({
    inject: fc.constant("true"),
    mode: fc.constant("agent"),
    "upstream-url": fc.constant("http://t/mcp"),
  }),
);
const anyPod = fc
  .tuple(annotations, spec)
  .map(([settings, rest]) =>
    podOf(
      Object.fromEntries(Object.entries(settings).map(([key, text]) => [`postern.dev/${key}`, text])),
      rest,
    ),
  );

test("twice is once, for every pod that is patched at all", () => {
  let patched = 0;
  fc.assert(
    fc.property(anyPod, (pod) => {
      const outcome = judged(pod);
      if (outcome.kind !== "patch") return;
      patched += 1;
      const again = judged(applied(pod, outcome.operations));
      assert.ok(again.kind === "patch" && again.reason === "pod.already_injected", JSON.stringify(again));
      assert.deepEqual(again.operations, []);
    }),
    { numRuns: 3000 },
  );
  assert.ok(patched > 100, `${patched} pods were patched`);
});

test("a Service that targets the guarded port's name reaches the sidecar, and the sidecar the app", () => {
  fc.assert(
    fc.property(anyPod, (pod) => {
      const outcome = judged(pod);
      const wanted = pod.metadata.annotations?.["postern.dev/port"];
      if (outcome.kind !== "patch" || wanted === undefined) return;
      const name = pod.spec.containers
        .flatMap(({ ports = [] }) => ports)
        .find(
          (each) => each.protocol !== "UDP" && [each.name, String(each.containerPort)].includes(wanted),
        )?.name;
      assert.ok(name !== undefined);
      const number = targetOf(pod, name);
      const after = applied(pod, outcome.operations);
      assert.equal(targetOf(after, name), TEMPLATE.port);
      assert.match(
        JSON.stringify(after.spec.initContainers?.[0]),
        new RegExp(`http://127\\.0\\.0\\.1:${number}/`),
      );
    }),
    { numRuns: 3000 },
  );
});

test("but for the port's name, nothing of the pod's own is touched", () => {
  fc.assert(
    fc.property(anyPod, (pod) => {
      const outcome = judged(pod);
      if (outcome.kind !== "patch") return;
      const after = applied(pod, outcome.operations);
      const own = (each: Pod) => each.spec.initContainers?.filter(({ name }) => name !== SIDECAR) ?? [];
      assert.deepEqual(own(after), own(pod));
      const unnamed = (each: Pod) =>
        JSON.stringify(each.spec.containers).replace(/"(name|port)":"[^"]*"/g, "");
      assert.equal(unnamed(after), unnamed(pod));
      assert.deepEqual(after.spec.volumes?.slice(0, -2), pod.spec.volumes ?? []);
    }),
    { numRuns: 1000 },
  );
});

/** The number that Kubernetes finds for a Service's named target port: containers first, then native sidecars. */
function targetOf({ spec }: Pod, name: string): number | undefined {
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  return [...spec.containers, ...sidecars]
    .flatMap(({ ports = [] }) => ports)
    .find((each) => each.name === name && (each.protocol ?? "TCP") === "TCP")?.containerPort;
}
