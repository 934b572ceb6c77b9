// The sidecar as the chart writes it: container.yaml and volumes.yaml of a mounted ConfigMap, the same text that users may paste. What the
// injector changes in it must be where it expects it, or it does not start.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Fault } from "@postern/fault";
import { parse } from "yaml";
import { z } from "zod";
import { Container, Volume } from "./pod.ts";

export const SIDECAR = "postern-sidecar";
export const CREDENTIAL_VOLUME = "postern-credential";

const EnvironmentRow = z.looseObject({ name: z.string().min(1), value: z.string().optional() });
const SidecarContainer = z.looseObject({
  ...Container.shape,
  name: z.literal(SIDECAR),
  image: z.string().min(1),
  // Without it Kubernetes would wait for the sidecar to end before it starts the workload.
  restartPolicy: z.literal("Always"),
  env: z.array(EnvironmentRow),
  ports: z.tuple([z.looseObject({ name: z.string().min(1), containerPort: z.int().min(1).max(65_535) })]),
  volumeMounts: z.array(z.looseObject({ name: z.string() })),
});
export type SidecarContainer = z.infer<typeof SidecarContainer>;

const SidecarVolumes = z
  .array(Volume)
  .refine(
    (volumes) => volumes.some((volume) => volume.name === CREDENTIAL_VOLUME && isObject(volume.secret)),
    `must hold the Secret volume ${CREDENTIAL_VOLUME}`,
  );

export interface Template {
  readonly container: SidecarContainer;
  readonly volumes: readonly Volume[];
  /** Port on which the sidecar listens. */
  readonly port: number;
  /** SHA-256 of both parts, hexadecimal: which template a pod's sidecar was made from. */
  readonly hash: string;
}

/**
 * Reads the two files of `folder`.
 * @throws Fault invalid "template.invalid": a file that is missing, is no YAML, or is not what is expected.
 */
export async function readTemplate(folder: string): Promise<Template> {
  const text = (name: string) =>
    readFile(join(folder, name), "utf8").catch((caught: NodeJS.ErrnoException) => {
      throw invalid(`${join(folder, name)} cannot be read (${caught.code ?? "unknown"})`, caught);
    });
  return parseTemplate(await text("container.yaml"), await text("volumes.yaml"));
}

/** @throws Fault invalid "template.invalid". */
export function parseTemplate(containerYaml: string, volumesYaml: string): Template {
  const container = read("container.yaml", containerYaml, SidecarContainer);
  const volumes = read("volumes.yaml", volumesYaml, SidecarVolumes);
  const known = new Set(volumes.map(({ name }) => name));
  const lost = container.volumeMounts.find(({ name }) => !known.has(name));
  if (lost !== undefined) throw invalid(`container.yaml mounts ${lost.name}, which volumes.yaml lacks`);
  const hash = createHash("sha256")
    .update(JSON.stringify([container, volumes]))
    .digest("hex");
  return { container, volumes, port: container.ports[0].containerPort, hash };
}

function read<S extends z.ZodType>(name: string, text: string, schema: S): z.output<S> {
  const parsed = schema.safeParse(parseYaml(name, text));
  if (parsed.success) return parsed.data;
  throw invalid(`${name} is not what the chart writes:\n${z.prettifyError(parsed.error)}`);
}

function parseYaml(name: string, text: string): unknown {
  try {
    // Kubernetes reads YAML 1.1, where 0444 is octal; in YAML 1.2 it would be another file mode.
    return parse(text, { version: "1.1", maxAliasCount: 0 });
  } catch (caught) {
    throw invalid(`${name} is no YAML`, caught);
  }
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;

const invalid = (problem: string, cause?: unknown) =>
  new Fault("invalid", "template.invalid", `The sidecar's template cannot be used: ${problem}`, { cause });
