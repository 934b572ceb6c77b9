// How the sidecar comes to stand in front of a tool server without touching the node's network: it takes over the NAME of the tool server's
// port. Services that target the name reach the sidecar from then on; the tool server keeps its number, which the sidecar forwards to.
import type { Segment } from "./json-patch.ts";
import { type Refuse, refuse } from "./outcome.ts";
import { type Container, containersOf, isTcp, type Pod } from "./pod.ts";

export interface GuardedPort {
  /** Index in spec.containers. */
  readonly container: number;
  readonly name: string;
  readonly number: number;
}

const PORT_NAME_LENGTH_MAX = 15;
const SUFFIX = "-unguarded";

/** What a port is called after its name was taken over; Kubernetes allows 15 characters. */
export function unguardedName(name: string): string {
  return name.slice(0, PORT_NAME_LENGTH_MAX - SUFFIX.length).replace(/-+$/, "") + SUFFIX;
}

/** The one TCP port of the app's containers that `wanted` names or numbers. */
export function findGuardedPort(pod: Pod, wanted: string | number): GuardedPort | Refuse {
  const declared = pod.spec.containers.flatMap((container, index) =>
    (container.ports ?? []).map((port) => ({ port, index })),
  );
  const matching = declared.filter(({ port }) => wanted === port.name || wanted === port.containerPort);
  const [found, ...others] = matching.filter(({ port }) => isTcp(port));
  if (found === undefined) {
    if (matching.length > 0) return refuse("port.not_tcp", `The port ${wanted} is not a TCP port.`);
    return refuse(
      "port.unknown",
      `No container declares the port ${wanted}: add it to the container's ports.`,
    );
  }
  const { port, index } = found;
  if (others.length > 0) return refuse("port.ambiguous", `The port ${wanted} is declared more than once.`);
  if (port.name === undefined) {
    return refuse(
      "port.unnamed",
      `The port ${wanted} has no name. The sidecar takes over a port's name: give the container's port a name and let the Service's targetPort be that name, not the number.`,
    );
  }
  return (
    nameProblem(pod, port.name, index) ??
    hostPortProblem(port) ?? { container: index, name: port.name, number: port.containerPort }
  );
}

function hostPortProblem({
  name,
  hostPort = 0,
}: {
  name?: string | undefined;
  hostPort?: number | undefined;
}) {
  if (hostPort === 0) return undefined;
  return refuse(
    "port.host_port",
    `The port ${name} is also port ${hostPort} of the node, which goes around the sidecar.`,
  );
}

function nameProblem(pod: Pod, name: string, index: number): Refuse | undefined {
  const holders = containersOf(pod).flatMap(({ ports = [] }) => ports.filter((port) => port.name === name));
  // Kubernetes takes the first port that a Service's target names, and the sidecar's turn is last.
  if (holders.length > 1) return refuse("port.ambiguous", `Several ports are named ${name}.`);
  const renamed = unguardedName(name);
  const isTaken = pod.spec.containers[index]?.ports?.some((port) => port.name === renamed);
  return isTaken
    ? refuse("port.name_taken", `The port ${name} would be renamed ${renamed}, which is taken.`)
    : undefined;
}

/** Where a container speaks of its port by this name: the port itself, its probes, its hooks. */
export function referencesTo(name: string, container: Container): readonly (readonly Segment[])[] {
  const { ports = [], startupProbe, readinessProbe, livenessProbe, lifecycle } = container;
  const handlers = [
    [["startupProbe"], startupProbe],
    [["readinessProbe"], readinessProbe],
    [["livenessProbe"], livenessProbe],
    [["lifecycle", "postStart"], lifecycle?.postStart],
    [["lifecycle", "preStop"], lifecycle?.preStop],
  ] as const;
  return [
    ...ports.flatMap((port, index) => (port.name === name ? [["ports", index, "name"]] : [])),
    ...handlers.flatMap(([path, handler]) =>
      (["httpGet", "tcpSocket"] as const)
        .filter((kind) => handler?.[kind]?.port === name)
        .map((kind) => [...path, kind, "port"]),
    ),
  ];
}
