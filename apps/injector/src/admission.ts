// The wire of the decision: AdmissionReview of admission.k8s.io/v1, bytes in and bytes out, with no side effect, so that a dry run is
// answered like any other. Whatever is not understood is refused: the API server then creates no pod.
import type { Logger } from "@postern/telemetry";
import { z } from "zod";
import { type Outcome, refuse } from "./outcome.ts";
import { patchPod } from "./patch.ts";
import { Pod } from "./pod.ts";
import type { Template } from "./template.ts";

export interface Answer {
  /** HTTP status; 400 when there is no request that could be answered. */
  readonly status: 200 | 400;
  /** AdmissionReview as JSON. */
  readonly body: string;
  readonly outcome: Outcome;
  /** For the log. */
  readonly about: { readonly namespace?: string; readonly pod?: string; readonly dryRun?: boolean };
}

const API_VERSION = "admission.k8s.io/v1";

const Envelope = z.looseObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal("AdmissionReview"),
  request: z.looseObject({ uid: z.string().min(1).max(256) }),
});
const Request = z.looseObject({
  namespace: z.string().min(1),
  name: z.string().optional(),
  dryRun: z.boolean().optional(),
  object: Pod,
});
/** What the webhook is registered for; anything else means that it is registered wrongly. */
const PodCreation = z.looseObject({
  operation: z.literal("CREATE"),
  kind: z.looseObject({ group: z.literal(""), version: z.literal("v1"), kind: z.literal("Pod") }),
  resource: z.looseObject({ group: z.literal(""), version: z.literal("v1"), resource: z.literal("pods") }),
  subResource: z.literal("").optional(),
});
const Named = z.looseObject({
  metadata: z.looseObject({ name: z.string().optional(), generateName: z.string().optional() }),
});

export function answerReview(body: Uint8Array, template: Template, log: Logger): Answer {
  const envelope = Envelope.safeParse(jsonOf(body));
  if (!envelope.success) {
    const outcome = refuse("review.malformed");
    return { status: 400, body: reviewOf("", outcome), outcome, about: {} };
  }
  const { request } = envelope.data;
  const { outcome, about } = judge(request, template, log);
  return { status: 200, body: reviewOf(request.uid, outcome), outcome, about };
}

function judge(request: object, template: Template, log: Logger): Pick<Answer, "outcome" | "about"> {
  if (!PodCreation.safeParse(request).success) return { outcome: refuse("review.unsupported"), about: {} };
  const parsed = Request.safeParse(request);
  if (!parsed.success) {
    return { outcome: refuse("review.malformed", problemOf(parsed.error)), about: {} };
  }
  const { namespace, dryRun, object } = parsed.data;
  const { data } = Named.safeParse(object);
  const about = {
    namespace,
    pod: data?.metadata.name ?? data?.metadata.generateName ?? "",
    dryRun: dryRun ?? false,
  };
  try {
    return { outcome: patchPod(object, { namespace }, template), about };
  } catch (caught) {
    log.error("pod not judged", caught, about);
    return { outcome: refuse("review.failed"), about };
  }
}

function reviewOf(uid: string, outcome: Outcome): string {
  const response = {
    uid,
    allowed: outcome.kind !== "refuse",
    // Goes to the API server's own audit log.
    auditAnnotations: { outcome: outcome.kind, reason: outcome.reason },
    ...particularsOf(outcome),
  };
  return JSON.stringify({ apiVersion: API_VERSION, kind: "AdmissionReview", response });
}

function particularsOf(outcome: Outcome): object {
  if (outcome.kind === "skip") return { warnings: [`postern: the pod gets no sidecar (${outcome.reason}).`] };
  if (outcome.kind === "refuse") {
    const message = `postern: ${outcome.message.slice(0, 1024)} (${outcome.reason})`;
    return { status: { code: 403, reason: "Forbidden", message } };
  }
  const { operations, warnings } = outcome;
  return {
    ...(warnings.length > 0 && { warnings }),
    ...(operations.length > 0 && {
      patchType: "JSONPatch",
      patch: Buffer.from(JSON.stringify(operations)).toString("base64"),
    }),
  };
}

function jsonOf(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body)) as unknown;
  } catch {
    return undefined;
  }
}

function problemOf(error: z.ZodError): string {
  const [issue] = error.issues;
  return `The pod cannot be read: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`;
}
