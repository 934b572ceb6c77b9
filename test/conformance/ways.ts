// The ways on which a suite reaches its other side: straight, through the forwarder alone (which proves that it changes nothing), through a
// sidecar that allows everything, and through one whose policy and capability are asked for each tool by its name.
import { startProcess, type TestScope, temporaryDirectory } from "@postern/testkit";
import { type ControlPlane, startControlPlane, startSidecar } from "../e2e/stack.ts";
import { startHop } from "./hop.ts";
import { startSwitch } from "./switch.ts";

export const WAYS = ["direct", "hop", "sidecar", "filtered"] as const;
export type WayName = (typeof WAYS)[number];

export interface Way {
  readonly name: WayName;
  /** Address of the fixture server on this way. */
  readonly fixtureUrl: string;
  /** How a client reaches a server of the suite's own; undefined = at the address that the suite gives it. */
  readonly harness: { readonly url: string; readonly retarget: string } | undefined;
}

const ALLOW_EVERYTHING = `package intentgate.policy

decision := {"allow": true}
`;

/** The same verdict, which nobody can know without asking for the very tool. */
const ASK_FOR_EACH = `package intentgate.policy

default decision := {"allow": false, "reason": "not a known kind of name"}

decision := {"allow": true, "rule": "tool"} if regex.match("^[a-z][a-zA-Z0-9_-]*$", input.tool)

decision := {"allow": true, "rule": "method"} if regex.match("^[a-z]+(/[a-zA-Z]+)+$", input.tool)
`;

/** Every name of the fixture and of the suite's servers, by its beginning; and every method by its kind. */
const GLOBS = [
  "test_*",
  "json_schema_*",
  "add_numbers",
  "my-*",
  "valid_*",
  "invalid_*",
  "greet",
  "slow_*",
  "*_job",
  "confirm_*",
  "multi_*",
  "*/*",
];

/** Starts everything; it ends with the scope. */
export async function layWays(scope: TestScope): Promise<readonly Way[]> {
  const [fixtureUrl, controlPlane] = await Promise.all([startFixture(scope), startControlPlane(scope)]);
  return Promise.all([
    { name: "direct" as const, fixtureUrl, harness: undefined },
    layHop(scope, fixtureUrl),
    laySidecar(scope, "sidecar", { controlPlane, fixtureUrl, rego: ALLOW_EVERYTHING }),
    laySidecar(scope, "filtered", { controlPlane, fixtureUrl, rego: ASK_FOR_EACH, tools: GLOBS }),
  ]);
}

/** The fixture server's address. */
export async function startFixture(scope: TestScope): Promise<string> {
  const { match } = await startProcess(scope, {
    command: process.execPath,
    args: [new URL("./fixture/server.ts", import.meta.url).pathname],
    ready: /^\{"url":.*\}$/m,
  });
  return (JSON.parse(match[0] ?? "{}") as { url: string }).url;
}

async function layHop(scope: TestScope, fixtureUrl: string): Promise<Way> {
  const origin = await startSwitch(scope);
  const [toFixture, toHarness] = await Promise.all([
    startHop(scope, { target: () => fixtureUrl }),
    startHop(scope, { target: () => origin.url }),
  ]);
  return {
    name: "hop",
    fixtureUrl: toFixture,
    harness: { url: toHarness, retarget: origin.retarget },
  };
}

interface SidecarWay {
  readonly controlPlane: ControlPlane;
  readonly fixtureUrl: string;
  readonly rego: string;
  /** Globs that the capability names; default: it does not narrow. */
  readonly tools?: readonly string[];
}

async function laySidecar(scope: TestScope, name: WayName, way: SidecarWay): Promise<Way> {
  const origin = await startSwitch(scope);
  const [fixtureUrl, url] = await Promise.all([
    openDoor(scope, { ...way, tenant: name, upstreamUrl: way.fixtureUrl }),
    // Under one address each scenario has a server of its own, whose tools are nobody's but its own.
    openDoor(scope, { ...way, tenant: `${name}-harness`, upstreamUrl: origin.url, pins: "off" }),
  ]);
  return { name, fixtureUrl, harness: { url, retarget: origin.retarget } };
}

interface Door extends SidecarWay {
  readonly tenant: string;
  readonly upstreamUrl: string;
  readonly pins?: "off";
}

/** A tenant with a sidecar of its own; gives the address of a hop to it that adds a token. */
async function openDoor(
  scope: TestScope,
  { controlPlane, tenant, upstreamUrl, rego, tools, pins }: Door,
): Promise<string> {
  const { admin } = controlPlane;
  await admin.createTenant(tenant);
  const draft = await admin.createDraft({ name: "conformance", rego_source: rego, tenant });
  await admin.promote(draft.id, { tenant });
  if (pins !== undefined) await admin.setToolMode({ tenant, mode: pins });
  const sidecar = await startSidecar(scope, {
    controlPlaneUrl: controlPlane.url,
    enrolment: await admin.addSidecar({ tenant, name: "conformance" }),
    dataDir: temporaryDirectory(scope),
    env: {
      POSTERN_UPSTREAM_URL: upstreamUrl,
      // The scenarios open sessions and streams without closing them.
      POSTERN_SESSIONS_PER_TOKEN_MAX: "10000",
      POSTERN_STREAMS_PER_TOKEN_MAX: "10000",
    },
  });
  const caveats = tools === undefined ? [] : [{ type: "tool_allow" as const, tools: [...tools] }];
  const { token } = await admin.mint({ subject: "conformance", tenant, ttl_seconds: 3600, caveats });
  return startHop(scope, { target: () => sidecar.mcpUrl, authorization: `Bearer ${token}` });
}
