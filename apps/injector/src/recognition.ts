// Telling our own sidecar from something that is only named like it. The API server asks again after other webhooks have changed a pod; by
// then it has filled in defaults, and other admission plugins may have added mounts and limits. Anything else that differs is not ours.
import { isDeepStrictEqual } from "node:util";
import { unguardedName } from "./guarded-port.ts";
import { type Container, containersOf, type Pod } from "./pod.ts";
import type { Plan } from "./sidecar.ts";
import { SIDECAR, type Template } from "./template.ts";

/** The pod as it was before it got its sidecar. */
export function withoutSidecar(pod: Pod, template: Template): Pod {
  const own = pod.spec.initContainers?.find(({ name }) => name === SIDECAR);
  const taken = own?.ports?.[0]?.name;
  const volumes = new Set(template.volumes.map(({ name }) => name));
  return {
    ...pod,
    spec: {
      ...pod.spec,
      containers: pod.spec.containers.map((container) =>
        taken === undefined ? container : withPortName(container, unguardedName(taken), taken),
      ),
      initContainers: pod.spec.initContainers?.filter((container) => container !== own),
      volumes: pod.spec.volumes?.filter(({ name }) => !volumes.has(name)),
    },
  };
}

/** Whether the pod's sidecar, its volumes and its place before the guarded port are what `plan` would make of the pod. */
export function isSidecarOf(pod: Pod, { container, volumes, guarded }: Plan): boolean {
  const [own, ...others] = containersOf(pod).filter(({ name }) => name === SIDECAR);
  if (own === undefined || others.length > 0 || !pod.spec.initContainers?.includes(own)) return false;
  const present = pod.spec.volumes ?? [];
  // A port that kept its name would still be the one that Services find.
  const isPassed = containersOf(pod).some(
    (each) => each !== own && each.ports?.some(({ name }) => name !== undefined && name === guarded?.name),
  );
  return (
    !isPassed &&
    isContainer(own, container) &&
    volumes.every((wanted) => present.some((volume) => volume.name === wanted.name && covers(volume, wanted)))
  );
}

function withPortName(container: Container, from: string, to: string): Container {
  const { ports } = container;
  if (ports === undefined) return container;
  return { ...container, ports: ports.map((port) => (port.name === from ? { ...port, name: to } : port)) };
}

/** Set by the API server when they are not given. */
const DEFAULTED = new Set(["imagePullPolicy", "terminationMessagePath", "terminationMessagePolicy"]);

function isContainer(actual: Container, wanted: Plan["container"]): boolean {
  if (Object.keys(actual).some((key) => !(key in wanted) && !DEFAULTED.has(key))) return false;
  return Object.entries(wanted).every(([key, value]) => {
    // Quantities are respelt by the API server, and limits are added by namespaces.
    if (key === "resources") return true;
    if (key === "securityContext") return isDeepStrictEqual(actual[key], value);
    if (key !== "volumeMounts") return covers(actual[key], value);
    const mounts = actual.volumeMounts ?? [];
    return wanted.volumeMounts.every((mount) => mounts.some((present) => covers(present, mount)));
  });
}

/** `actual` holds everything that `wanted` holds; objects may hold more, arrays may not. */
function covers(actual: unknown, wanted: unknown): boolean {
  if (typeof wanted !== "object" || wanted === null) return actual === wanted;
  if (typeof actual !== "object" || actual === null) return false;
  if (Array.isArray(wanted) !== Array.isArray(actual)) return false;
  if (Array.isArray(wanted) && Array.isArray(actual) && wanted.length !== actual.length) return false;
  return Object.entries(wanted).every(([key, value]) => covers(Reflect.get(actual, key), value));
}
