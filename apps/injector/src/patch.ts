// The decision about one pod, pure: pod and template in, patch, skip or refusal out. What is guarded is guarded wholly; a pod that cannot be
// is refused with a reason, never let through without its sidecar. Applied to its own result it changes nothing.
import { findGuardedPort, type GuardedPort, referencesTo, unguardedName } from "./guarded-port.ts";
import { add, append, type Operation, prepend, replace } from "./json-patch.ts";
import { isRefuse, type Outcome, type Refuse, refuse } from "./outcome.ts";
import { containersOf, isTcp, type Pod } from "./pod.ts";
import { isSidecarOf, withoutSidecar } from "./recognition.ts";
import { INJECTED, readSettings, type Settings } from "./settings.ts";
import { type Plan, sidecarContainer, sidecarVolumes } from "./sidecar.ts";
import { SIDECAR, type Template } from "./template.ts";

export interface PatchRequest {
  /** Namespace that the pod is created in. */
  readonly namespace: string;
}

export function patchPod(pod: Pod, request: PatchRequest, template: Template): Outcome {
  const { annotations = {} } = pod.metadata;
  const marker = annotations[INJECTED];
  const settings = readSettings(annotations);
  if ("kind" in settings) {
    return settings.kind === "skip" && marker !== undefined ? refuse("annotation.reserved") : settings;
  }
  const present = containersOf(pod).some(({ name }) => name === SIDECAR);
  if (marker === undefined) {
    if (present) return refuse("container.name_taken", `A container is named ${SIDECAR} already.`);
    const plan = planFor(pod, settings, request, template);
    return isRefuse(plan) ? plan : inject(pod, plan, template);
  }
  if (!present) return refuse("annotation.reserved");
  const original = withoutSidecar(pod, template);
  const plan = planFor(original, settings, request, template);
  if (isRefuse(plan)) return plan;
  if (marker !== template.hash || !isSidecarOf(pod, plan)) return refuse("container.altered");
  return { kind: "patch", reason: "pod.already_injected", operations: [], warnings: orderWarnings(pod) };
}

/** `pod` is without a sidecar. */
function planFor(
  pod: Pod,
  settings: Settings,
  { namespace }: PatchRequest,
  template: Template,
): Plan | Refuse {
  const problem = podProblem(pod) ?? volumeProblem(pod, template) ?? collision(pod, template);
  if (problem !== undefined) return problem;
  const guarded = settings.mode === "server" ? findGuardedPort(pod, settings.port) : undefined;
  if (guarded !== undefined && isRefuse(guarded)) return guarded;
  return {
    container: sidecarContainer(template, settings, guarded, namespace),
    volumes: sidecarVolumes(template, settings),
    guarded,
  };
}

function inject(pod: Pod, { container, volumes, guarded }: Plan, template: Template): Outcome {
  const { initContainers, volumes: present } = pod.spec;
  return {
    kind: "patch",
    reason: "pod.injected",
    operations: [
      ...(guarded === undefined ? [] : renames(pod, guarded)),
      ...append(["spec", "volumes"], volumes, present),
      // First, so that whatever the pod's own init containers call, the door is there before them.
      prepend(["spec", "initContainers"], container, initContainers),
      add(["metadata", "annotations", INJECTED], template.hash),
    ],
    warnings:
      guarded === undefined
        ? []
        : [
            `postern: Services must target the port by its name, ${guarded.name}; one that targets ${guarded.number} goes around the sidecar.`,
          ],
  };
}

function renames({ spec }: Pod, { container: index, name }: GuardedPort): readonly Operation[] {
  const container = spec.containers[index];
  if (container === undefined) return [];
  return referencesTo(name, container).map((path) =>
    replace(["spec", "containers", index, ...path], unguardedName(name)),
  );
}

/** Other webhooks may have put a container in front of ours; to put ours in front again could go on for ever. */
function orderWarnings({ spec }: Pod): readonly string[] {
  const first = spec.initContainers?.[0]?.name;
  return first === SIDECAR ? [] : [`postern: the container ${first} starts before the sidecar.`];
}

function podProblem({ spec }: Pod): Refuse | undefined {
  if (spec.hostNetwork) return refuse("pod.host_network");
  if (spec.hostPID || spec.shareProcessNamespace) return refuse("pod.shared_processes");
  if (spec.os?.name === "windows" || spec.securityContext?.windowsOptions !== undefined)
    return refuse("pod.windows");
  // The container's own security context overrides every other field that a pod sets for all.
  if (spec.securityContext?.appArmorProfile?.type === "Localhost") {
    return refuse(
      "pod.security_profile",
      "The pod's AppArmor profile would hold for the sidecar too: set it on the pod's own containers.",
    );
  }
  return undefined;
}

function volumeProblem(pod: Pod, { volumes }: Template): Refuse | undefined {
  const ours = new Set(volumes.map(({ name }) => name));
  const taken = pod.spec.volumes?.find(({ name }) => ours.has(name));
  if (taken !== undefined)
    return refuse("volume.name_taken", `The volume name ${taken.name} is the sidecar's.`);
  // A mount of a volume that is not there yet would be of ours as soon as it is.
  for (const { name, volumeMounts = [], volumeDevices = [] } of containersOf(pod)) {
    const mounted = [...volumeMounts, ...volumeDevices].find((mount) => ours.has(mount.name));
    if (mounted !== undefined)
      return refuse(
        "volume.mounted",
        `The container ${name} mounts ${mounted.name}, which is the sidecar's.`,
      );
  }
  return undefined;
}

function collision(pod: Pod, template: Template): Refuse | undefined {
  const holder = containersOf(pod).find(({ ports = [] }) =>
    ports.some((port) => isTcp(port) && port.containerPort === template.port),
  );
  if (holder === undefined) return undefined;
  return refuse(
    "port.collision",
    `The container ${holder.name} declares port ${template.port}, on which the sidecar listens.`,
  );
}
