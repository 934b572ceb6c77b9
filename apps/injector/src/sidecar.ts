// The template's container and volumes with a pod's settings in them: what will stand in that pod.

import { type GuardedPort, referencesTo } from "./guarded-port.ts";
import type { Segment } from "./json-patch.ts";
import type { Volume } from "./pod.ts";
import type { Settings } from "./settings.ts";
import { CREDENTIAL_VOLUME, type SidecarContainer, type Template } from "./template.ts";

/** What a pod gets. */
export interface Plan {
  readonly container: SidecarContainer;
  readonly volumes: readonly Volume[];
  /** The port whose name the sidecar takes over; undefined in mode "agent". */
  readonly guarded: GuardedPort | undefined;
}

/** `guarded`: the port whose name the sidecar takes over; undefined in mode "agent". */
export function sidecarContainer(
  template: Template,
  settings: Settings,
  guarded: GuardedPort | undefined,
  namespace: string,
): SidecarContainer {
  const container = structuredClone(template.container);
  const variables = Object.entries(variablesOf(settings, guarded, namespace));
  container.env = [
    ...container.env.filter(({ name }) => !variables.some(([given]) => given === name)),
    ...variables.map(([name, value]) => ({ name, value: literal(value) })),
  ];
  if (guarded !== undefined) {
    for (const path of referencesTo(template.container.ports[0].name, template.container))
      set(container, path, guarded.name);
  }
  return container;
}

export function sidecarVolumes(template: Template, { credentialSecret }: Settings): readonly Volume[] {
  if (credentialSecret === undefined) return template.volumes;
  return template.volumes.map((volume) =>
    volume.name === CREDENTIAL_VOLUME
      ? { ...volume, secret: { ...(volume.secret as object), secretName: credentialSecret } }
      : volume,
  );
}

function variablesOf(
  settings: Settings,
  guarded: GuardedPort | undefined,
  namespace: string,
): Record<string, string> {
  const { requireIntent, spoolDurability } = settings;
  return {
    ...(requireIntent !== undefined && { POSTERN_REQUIRE_INTENT: requireIntent }),
    ...(spoolDurability !== undefined && { POSTERN_SPOOL_DURABILITY: spoolDurability }),
    ...(settings.mode === "agent" && { POSTERN_UPSTREAM_URL: settings.upstreamUrl }),
    ...(settings.mode === "server" &&
      guarded !== undefined && {
        POSTERN_UPSTREAM_URL: `http://127.0.0.1:${guarded.number}${settings.upstreamPath}`,
        POSTERN_ALLOWED_HOSTS: settings.hosts.flatMap((host) => namesOf(host, namespace)).join(","),
      }),
  };
}

/** A name without a dot is a Service's, which callers of this and of other namespaces spell in four ways. */
function namesOf(host: string, namespace: string): readonly string[] {
  if (host.includes(".")) return [host];
  const [service = "", ...port] = host.split(":");
  return ["", `.${namespace}`, `.${namespace}.svc`, `.${namespace}.svc.cluster.local`].map((domain) =>
    [service + domain, ...port].join(":"),
  );
}

/** Kubernetes expands $(NAME) in a variable's value; "$$" stands for a dollar sign. */
const literal = (value: string) => value.replaceAll("$", "$$$$");

function set(target: object, path: readonly Segment[], value: unknown): void {
  const parent = path
    .slice(0, -1)
    .reduce<unknown>((at, segment) => Reflect.get(at as object, segment), target);
  Reflect.set(parent as object, path.at(-1) ?? "", value);
}
