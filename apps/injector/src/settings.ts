// Annotations of a pod → what is wanted. A name that is not known, a value that cannot be used, a setting of the other mode: each refuses
// the pod, because a sidecar that ignores a line of its user's manifest is one that nobody can trust to be there.
import { httpUrl, oneOf } from "@postern/config";
import { z } from "zod";
import { type Refuse, refuse, type Skip, skip } from "./outcome.ts";

const PREFIX = "postern.dev/";
/** Written by the injector: the hash of the template that the pod's sidecar was made from. */
export const INJECTED = `${PREFIX}injected`;

interface BothModes {
  /** Secret that holds the sidecar's credential; undefined = the template's. */
  readonly credentialSecret: string | undefined;
  readonly requireIntent: "true" | "false" | undefined;
  readonly spoolDurability: "os" | "disk" | undefined;
}
/** In front of a tool server: takes the place of its port. */
export interface ServerSettings extends BothModes {
  readonly mode: "server";
  /** Name or number of the container's port. */
  readonly port: string | number;
  readonly upstreamPath: string;
  /** Services and hosts by which callers name it. */
  readonly hosts: readonly string[];
}
/** Beside an agent: a door on its own loopback address. */
export interface AgentSettings extends BothModes {
  readonly mode: "agent";
  readonly upstreamUrl: string;
}
export type Settings = ServerSettings | AgentSettings;

const PORT_NAME = /^(?=.{1,15}$)(?=.*[a-z])[a-z0-9]+(?:-[a-z0-9]+)*$/;
const SUBDOMAIN = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;

const port = z.string().transform((text, context) => {
  if (PORT_NAME.test(text)) return text;
  const number = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (number >= 1 && number <= 65_535) return number;
  context.addIssue({ code: "custom", message: "must be the name or the number of a container's port" });
  return z.NEVER;
});
const hosts = z
  .string()
  .transform((text) => text.split(",").map((host) => host.trim()))
  .pipe(
    z
      .array(
        z
          .string()
          .refine(
            (host) => SUBDOMAIN.test(host.replace(/:\d{1,5}$/, "")),
            "must be names of Services or hosts, separated by commas",
          ),
      )
      .max(64, "must be 64 names at most"),
  );
/** Exactly the path that will be asked for: nothing that an URL parser would turn into another one. */
const path = z
  .string()
  .max(1024, "must be 1024 characters at most")
  .refine(
    (text) => text.startsWith("/") && URL.parse(`http://127.0.0.1${text}`)?.pathname === text,
    "must be a path such as /mcp",
  );

const Annotations = z
  .strictObject({
    inject: oneOf(["true", "false"]),
    mode: oneOf(["server", "agent"]),
    port,
    hosts,
    "upstream-path": path,
    "upstream-url": httpUrl(),
    "credential-secret": z.string().regex(SUBDOMAIN, "must be the name of a Secret"),
    "require-intent": oneOf(["true", "false"]),
    "spool-durability": oneOf(["os", "disk"]),
  })
  .partial();
type Annotations = z.infer<typeof Annotations>;

/** Names of the annotations that a pod may carry. */
export const ANNOTATION_NAMES: readonly string[] = Object.keys(Annotations.shape);

const ONLY_IN = {
  server: ["port", "hosts", "upstream-path"],
  agent: ["upstream-url"],
} as const;

export function readSettings(annotations: Readonly<Record<string, string>>): Settings | Skip | Refuse {
  // Kubernetes takes annotations in any case; a capital letter must not hide one from us.
  const ours = Object.entries(annotations).filter(
    ([name]) => name.toLowerCase().startsWith(PREFIX) && name !== INJECTED,
  );
  const parsed = Annotations.safeParse(Object.fromEntries(ours.map(([name, value]) => [keyOf(name), value])));
  if (!parsed.success) return refusalOf(parsed.error);
  const found = parsed.data;
  if (found.inject === "false") return skip("pod.opted_out");
  if (found.inject === undefined) return ours.length === 0 ? skip("pod.not_requested") : missing("inject");
  if (found.mode === undefined) return missing("mode");
  return misplacedIn(found, found.mode) ?? settingsOf(found, found.mode);
}

function settingsOf(found: Annotations, mode: "server" | "agent"): Settings | Refuse {
  const bothModes = {
    credentialSecret: found["credential-secret"],
    requireIntent: found["require-intent"],
    spoolDurability: found["spool-durability"],
  };
  if (mode === "agent") {
    const upstreamUrl = found["upstream-url"];
    return upstreamUrl === undefined ? missing("upstream-url") : { mode, upstreamUrl, ...bothModes };
  }
  if (found.port === undefined) return missing("port");
  if (found.hosts === undefined) return missing("hosts");
  const upstreamPath = found["upstream-path"] ?? "/mcp";
  return { mode, port: found.port, hosts: found.hosts, upstreamPath, ...bothModes };
}

function misplacedIn(found: Annotations, mode: "server" | "agent"): Refuse | undefined {
  const other = mode === "server" ? "agent" : "server";
  const name = ONLY_IN[other].find((each) => found[each] !== undefined);
  if (name === undefined) return undefined;
  return refuse(
    "annotation.misplaced",
    `${PREFIX}${name} is for mode "${other}", and the mode is "${mode}".`,
  );
}

const missing = (name: string) =>
  refuse("annotation.missing", `The annotation ${PREFIX}${name} is required.`);

/** What follows the prefix; the whole name when the prefix is not written as it must be, so that it is not known. */
const keyOf = (name: string) => (name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name);

function refusalOf(error: z.ZodError): Refuse {
  const [issue] = error.issues;
  if (issue?.code === "unrecognized_keys") {
    const names = issue.keys.map((key) => (key.toLowerCase().startsWith(PREFIX) ? key : PREFIX + key));
    const known = ANNOTATION_NAMES.join(", ");
    return refuse(
      "annotation.unknown",
      `Unknown annotation ${names.join(", ")}; after ${PREFIX} may stand: ${known}.`,
    );
  }
  const name = `${PREFIX}${String(issue?.path[0] ?? "")}`;
  return refuse("annotation.invalid", `The annotation ${name} ${issue?.message ?? "cannot be used"}.`);
}
