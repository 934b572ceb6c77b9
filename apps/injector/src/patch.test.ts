import assert from "node:assert/strict";
import { test } from "node:test";
import { unguardedName } from "./guarded-port.ts";
import type { RefuseReason } from "./outcome.ts";
import { AGENT, injected, judged, podOf, SERVER } from "./pod.fixture.ts";
import type { Pod } from "./pod.ts";
import { INJECTED } from "./settings.ts";
import { TEMPLATE } from "./template.fixture.ts";
import { SIDECAR } from "./template.ts";

const http = { name: "http", containerPort: 3000 };
const containers = (...each: object[]) => ({ containers: each });
const ports = (...each: object[]) => containers({ name: "app", ports: each });
const mounting = (name: string) => ({ name: "thief", volumeMounts: [{ name, mountPath: "/x" }] });

const REFUSED: readonly [string, RefuseReason, Pod, RegExp?][] = [
  [
    "a misspelt annotation",
    "annotation.unknown",
    podOf({ ...AGENT, "postern.dev/requireintent": "true" }),
    /requireintent/,
  ],
  [
    "a misspelt opt-in",
    "annotation.unknown",
    podOf({ "postern.dev/injcet": "true" }),
    /postern\.dev\/injcet/,
  ],
  [
    "an annotation in capitals",
    "annotation.unknown",
    podOf({ "Postern.dev/inject": "true" }),
    /Postern\.dev\/inject/,
  ],
  ["an annotation called __proto__", "annotation.unknown", podOf({ ...AGENT, "postern.dev/__proto__": "x" })],
  [
    "an opt-in that is neither true nor false",
    "annotation.invalid",
    podOf({ "postern.dev/inject": "yes" }),
    /"?true/,
  ],
  ["an unknown mode", "annotation.invalid", podOf({ ...AGENT, "postern.dev/mode": "both" }), /server, agent/],
  [
    "an upstream that is no address",
    "annotation.invalid",
    podOf({ ...AGENT, "postern.dev/upstream-url": "tools" }),
  ],
  [
    "an upstream with a password",
    "annotation.invalid",
    podOf({ ...AGENT, "postern.dev/upstream-url": "http://a:b@tools/" }),
  ],
  ["a path that is none", "annotation.invalid", podOf({ ...SERVER, "postern.dev/upstream-path": "mcp" })],
  [
    "a path that leads elsewhere",
    "annotation.invalid",
    podOf({ ...SERVER, "postern.dev/upstream-path": "/a/../b" }),
  ],
  [
    "a path that names another host",
    "annotation.invalid",
    podOf({ ...SERVER, "postern.dev/upstream-path": "/mcp?x#y" }),
  ],
  ["port 0", "annotation.invalid", podOf({ ...SERVER, "postern.dev/port": "0" })],
  ["port 65536", "annotation.invalid", podOf({ ...SERVER, "postern.dev/port": "65536" })],
  [
    "a port that is neither a name nor a number",
    "annotation.invalid",
    podOf({ ...SERVER, "postern.dev/port": "ht/tp" }),
  ],
  ["no host", "annotation.invalid", podOf({ ...SERVER, "postern.dev/hosts": "" })],
  ["a host with a path", "annotation.invalid", podOf({ ...SERVER, "postern.dev/hosts": "tools/mcp" })],
  [
    "a Secret that cannot exist",
    "annotation.invalid",
    podOf({ ...AGENT, "postern.dev/credential-secret": "../x" }),
  ],
  [
    "an unknown durability",
    "annotation.invalid",
    podOf({ ...AGENT, "postern.dev/spool-durability": "none" }),
  ],
  [
    "settings without the opt-in",
    "annotation.missing",
    podOf({ "postern.dev/mode": "agent" }),
    /postern\.dev\/inject/,
  ],
  ["no mode", "annotation.missing", podOf({ "postern.dev/inject": "true" }), /postern\.dev\/mode/],
  [
    "mode server without a port",
    "annotation.missing",
    podOf({ "postern.dev/inject": "true", "postern.dev/mode": "server" }),
    /port/,
  ],
  [
    "mode server without hosts",
    "annotation.missing",
    podOf({ "postern.dev/inject": "true", "postern.dev/mode": "server", "postern.dev/port": "http" }),
    /hosts/,
  ],
  [
    "mode agent without an upstream",
    "annotation.missing",
    podOf({ "postern.dev/inject": "true", "postern.dev/mode": "agent" }),
    /upstream-url/,
  ],
  [
    "an agent's setting in mode server",
    "annotation.misplaced",
    podOf({ ...SERVER, ...AGENT, "postern.dev/mode": "server" }),
    /upstream-url/,
  ],
  [
    "a server's setting in mode agent",
    "annotation.misplaced",
    podOf({ ...SERVER, ...AGENT }),
    /postern\.dev\/port/,
  ],
  ["a marker without a sidecar", "annotation.reserved", podOf({ ...AGENT, [INJECTED]: TEMPLATE.hash })],
  [
    "a marker on a pod that opts out",
    "annotation.reserved",
    podOf({ "postern.dev/inject": "false", [INJECTED]: TEMPLATE.hash }),
  ],
  ["a container of the sidecar's name", "container.name_taken", podOf(AGENT, containers({ name: SIDECAR }))],
  [
    "an init container of the sidecar's name",
    "container.name_taken",
    podOf(AGENT, { initContainers: [{ name: SIDECAR }] }),
  ],
  ["its node's network", "pod.host_network", podOf(AGENT, { hostNetwork: true })],
  ["its node's processes", "pod.shared_processes", podOf(AGENT, { hostPID: true })],
  ["shared processes", "pod.shared_processes", podOf(AGENT, { shareProcessNamespace: true })],
  ["Windows", "pod.windows", podOf(AGENT, { os: { name: "windows" } })],
  [
    "Windows options",
    "pod.windows",
    podOf(AGENT, { securityContext: { windowsOptions: { hostProcess: true } } }),
  ],
  [
    "an AppArmor profile of its own",
    "pod.security_profile",
    podOf(AGENT, { securityContext: { appArmorProfile: { type: "Localhost", localhostProfile: "x" } } }),
  ],
  ["a volume of the sidecar's", "volume.name_taken", podOf(AGENT, { volumes: [{ name: "postern-data" }] })],
  [
    "a container that would mount the credential",
    "volume.mounted",
    podOf(AGENT, containers(mounting("postern-credential"))),
    /thief/,
  ],
  [
    "an init container that would mount the records",
    "volume.mounted",
    podOf(AGENT, { initContainers: [mounting("postern-data")] }),
  ],
  ["a port that nobody declares", "port.unknown", podOf({ ...SERVER, "postern.dev/port": "8000" }), /8000/],
  [
    "a port without a name",
    "port.unnamed",
    podOf({ ...SERVER, "postern.dev/port": "3000" }, ports({ containerPort: 3000 })),
    /targetPort be that name/,
  ],
  [
    "a port name that two containers have",
    "port.ambiguous",
    podOf(SERVER, containers({ name: "a", ports: [http] }, { name: "b", ports: [http] })),
  ],
  [
    "a port name that stands twice",
    "port.ambiguous",
    podOf(SERVER, ports(http, { ...http, containerPort: 1 })),
  ],
  [
    "a port name that a native sidecar has too",
    "port.ambiguous",
    podOf(SERVER, { initContainers: [{ name: "b", ports: [{ ...http, containerPort: 1 }] }] }),
  ],
  ["a guarded UDP port", "port.not_tcp", podOf(SERVER, ports({ ...http, protocol: "UDP" }))],
  [
    "a guarded port of the node",
    "port.host_port",
    podOf(SERVER, ports({ ...http, hostPort: 80 })),
    /port 80 of the node/,
  ],
  [
    "a port that has the name to come",
    "port.name_taken",
    podOf(SERVER, ports(http, { name: "http-unguarded", containerPort: 1 })),
  ],
  ["the sidecar's port", "port.collision", podOf(AGENT, ports({ containerPort: TEMPLATE.port }))],
  [
    "the sidecar's port as the guarded one",
    "port.collision",
    podOf(SERVER, ports({ ...http, containerPort: TEMPLATE.port })),
  ],
];

for (const [name, reason, pod, message = /./] of REFUSED) {
  test(`a pod is refused for ${name} (${reason})`, () => {
    const outcome = judged(pod);
    assert.ok(outcome.kind === "refuse", JSON.stringify(outcome));
    assert.equal(outcome.reason, reason);
    assert.match(outcome.message, message);
  });
}

test("an annotation that only resembles ours is none of our business", () => {
  const outcome = judged(podOf({ "example.com/postern.dev": "x", "postern.developer/inject": "true" }));
  assert.deepEqual(outcome, { kind: "skip", reason: "pod.not_requested" });
});

type Change = (pod: Pod) => unknown;
const sidecarOf = ({ spec }: Pod) => spec.initContainers?.[0] ?? assert.fail("no sidecar");

const TOLERATED: Record<string, Change> = {
  "defaults are filled in": (pod) =>
    Object.assign(sidecarOf(pod), {
      terminationMessagePath: "/dev/termination-log",
      terminationMessagePolicy: "File",
      ports: sidecarOf(pod).ports?.map((port) => ({ ...port, protocol: "TCP" })),
    }),
  "quantities are respelt and limits added": (pod) =>
    Object.assign(sidecarOf(pod), { resources: { limits: { cpu: "1", memory: "256Mi" } } }),
  "a service account's token is mounted": (pod) =>
    sidecarOf(pod).volumeMounts?.push({ name: "kube-api-access-x", mountPath: "/var/run/secrets" }),
  "another webhook adds a volume": (pod) => pod.spec.volumes?.unshift({ name: "mesh", emptyDir: {} }),
};
for (const [name, change] of Object.entries(TOLERATED)) {
  test(`the sidecar is still recognised when ${name}`, () => {
    for (const annotations of [SERVER, AGENT]) {
      const pod = injected(podOf(annotations));
      change(pod);
      assert.equal(judged(pod).reason, "pod.already_injected");
    }
  });
}

const environment = (pod: Pod) => sidecarOf(pod).env as { name: string; value: string }[];
const ALTERED: Record<string, Change> = {
  "another image": (pod) => Object.assign(sidecarOf(pod), { image: "evil:1" }),
  "a command": (pod) => Object.assign(sidecarOf(pod), { command: ["sleep", "1d"] }),
  "variables from elsewhere": (pod) =>
    Object.assign(sidecarOf(pod), { envFrom: [{ configMapRef: { name: "x" } }] }),
  "one variable more": (pod) => environment(pod).push({ name: "NODE_OPTIONS", value: "--import=/x.mjs" }),
  "one variable less": (pod) => environment(pod).pop(),
  "another upstream": (pod) =>
    Object.assign(environment(pod).at(-1) ?? {}, { value: "http://127.0.0.1:9/mcp" }),
  "more rights": (pod) =>
    Object.assign(sidecarOf(pod), {
      securityContext: { ...(sidecarOf(pod).securityContext as object), privileged: true },
    }),
  "a probe that always passes": (pod) =>
    Object.assign(sidecarOf(pod), { readinessProbe: { exec: { command: ["true"] } } }),
  "another policy of restarts": (pod) => Object.assign(sidecarOf(pod), { restartPolicy: undefined }),
  "another port": (pod) => Object.assign(sidecarOf(pod).ports?.[0] ?? {}, { containerPort: 8082 }),
  "another credential": (pod) =>
    Object.assign(pod.spec.volumes?.at(-1) ?? {}, { secret: { secretName: "other" } }),
  "no records": (pod) => Object.assign(pod.spec, { volumes: pod.spec.volumes?.slice(1) }),
  "a twin": (pod) => pod.spec.containers.push({ name: SIDECAR }),
  "the marker of another template": (pod) =>
    Object.assign(pod.metadata.annotations ?? {}, { [INJECTED]: "0".repeat(64) }),
};
for (const [name, change] of Object.entries(ALTERED)) {
  test(`a sidecar with ${name} is not taken for ours`, () => {
    const pod = injected(podOf(SERVER));
    change(pod);
    assert.equal(judged(pod).reason, "container.altered");
  });
}

test("a sidecar that the guarded port goes around is not taken for ours", () => {
  const pod = injected(podOf(SERVER));
  Object.assign(pod.spec.containers[0]?.ports?.[0] ?? {}, { name: "http" });
  assert.notEqual(judged(pod).kind, "patch");
  const twice = injected(podOf(SERVER));
  twice.spec.containers[0]?.ports?.push({ name: "http", containerPort: 3001 });
  assert.notEqual(judged(twice).kind, "patch");
});

test("a sidecar among the containers, which would start too late, is not taken for ours", () => {
  const pod = injected(podOf(AGENT));
  pod.spec.containers.push(...(pod.spec.initContainers?.splice(0, 1) ?? []));
  assert.equal(judged(pod).kind, "refuse");
});

test("a volume of the sidecar's that a later container mounts refuses the pod", () => {
  const pod = injected(podOf(AGENT));
  pod.spec.containers.push(mounting("postern-credential"));
  assert.equal(judged(pod).reason, "volume.mounted");
});

test("a container that another webhook put before the sidecar is told", () => {
  const pod = injected(podOf(AGENT));
  pod.spec.initContainers?.unshift({ name: "mesh-init" });
  const outcome = judged(pod);
  assert.ok(outcome.kind === "patch");
  assert.deepEqual(outcome.warnings, ["postern: the container mesh-init starts before the sidecar."]);
});

test("the name of an unguarded port is one that Kubernetes takes", () => {
  for (const name of ["a", "http", "mcp-http", "ab-cd-ef", "abcd-ef", "tool-server-mcp"]) {
    assert.match(unguardedName(name), /^(?=.{1,15}$)[a-z0-9]+(-[a-z0-9]+)*$/);
  }
});
