// What becomes of a pod. Every outcome carries a code of this one table, which is also a metric's label and a line of docs/injector.md:
// a pod that is not guarded can always be asked why.
import type { Operation } from "./json-patch.ts";

/** Code → what it means. The first word says what the code is about. */
export const OUTCOMES = {
  patch: {
    "pod.injected": "The sidecar was put into the pod.",
    "pod.already_injected": "The sidecar is in the pod already, exactly as it would be put there now.",
  },
  skip: {
    "pod.not_requested": "The pod has no annotation postern.dev/inject.",
    "pod.opted_out": 'The pod\'s annotation postern.dev/inject is "false".',
  },
  refuse: {
    "review.malformed":
      "The request is no AdmissionReview of admission.k8s.io/v1, or its pod cannot be read.",
    "review.unsupported": "The request is about something else than the creation of a pod.",
    "review.failed": "The pod could not be judged; the injector's log says why.",
    "annotation.unknown": "An annotation of postern.dev/ is not known; it may be misspelt.",
    "annotation.invalid": "An annotation's value cannot be used.",
    "annotation.missing": "An annotation that the mode needs is not there.",
    "annotation.misplaced": "An annotation belongs to the other mode.",
    "annotation.reserved": "The annotation postern.dev/injected is there, but the sidecar is not.",
    "container.name_taken": "A container is named like the sidecar and was not put there by the injector.",
    "container.altered": "The sidecar in the pod is not the one that would be put there now.",
    "pod.host_network": "The pod shares its node's network, where the door would stand open to the node.",
    "pod.shared_processes":
      "The pod's containers see each other's processes, and so the sidecar's credential.",
    "pod.windows": "The pod is for Windows; the sidecar runs on Linux.",
    "pod.security_profile":
      "A security profile of the whole pod would hold for the sidecar, which it was not made for.",
    "volume.name_taken": "A volume is named like one of the sidecar's.",
    "volume.mounted":
      "A container mounts one of the sidecar's volumes, which hold its credential and its records.",
    "port.unknown": "No container declares the port to be guarded.",
    "port.unnamed": "The port to be guarded has no name that the sidecar could take over.",
    "port.ambiguous": "The port to be guarded is declared more than once.",
    "port.not_tcp": "The port to be guarded is not a TCP port.",
    "port.host_port": "The port to be guarded is also a port of the node, which goes around the sidecar.",
    "port.name_taken": "The name that the guarded port would get is taken.",
    "port.collision": "A container declares the port on which the sidecar listens.",
  },
} as const;

export type PatchReason = keyof typeof OUTCOMES.patch;
export type SkipReason = keyof typeof OUTCOMES.skip;
export type RefuseReason = keyof typeof OUTCOMES.refuse;

export interface Patch {
  readonly kind: "patch";
  readonly reason: PatchReason;
  /** RFC 6902, in the order in which they apply; [] = leave the pod as it is. */
  readonly operations: readonly Operation[];
  /** For whoever creates the pod. */
  readonly warnings: readonly string[];
}
export interface Skip {
  readonly kind: "skip";
  readonly reason: SkipReason;
}
export interface Refuse {
  readonly kind: "refuse";
  readonly reason: RefuseReason;
  /** Says what is wrong in this pod, for whoever creates it. */
  readonly message: string;
}
export type Outcome = Patch | Skip | Refuse;

export const skip = (reason: SkipReason): Skip => ({ kind: "skip", reason });

/** `particular`: what is wrong in this pod; the table's sentence when there is nothing to add. */
export const refuse = (reason: RefuseReason, particular: string = OUTCOMES.refuse[reason]): Refuse => ({
  kind: "refuse",
  reason,
  message: particular,
});

export const isRefuse = (value: object): value is Refuse => "kind" in value && value.kind === "refuse";
