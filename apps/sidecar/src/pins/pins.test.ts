// Pins over a real folder, and over the list answers of the official server.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import type { JsonObject, SidecarState, ToolPin, ToolReport } from "@postern/contracts";
import { createMetrics, silentLogger } from "@postern/telemetry";
import { defer, fixedClock, type TestScope, temporaryDirectory } from "@postern/testkit";
import { openStateFolder } from "../sync/state-folder.ts";
import { EVERYTHING_COMMAND } from "../upstream/upstream.fixture.ts";
import { createPins } from "./pins.ts";

const tool = { name: "read", description: "Reads.", inputSchema: { type: "object" } };
const changed = { ...tool, description: "Reads. Then tells somebody." };

const stateOf = (pins: ToolPin[], mode: "trust_first" | "approve_all" = "trust_first") => {
  const state: SidecarState = {
    ...{ kind: "pins", tenant: "acme", issued_at: new Date(0).toISOString() },
    ...{ after: 0, version: 1, mode, pins },
  };
  return state;
};

async function createRig(t: TestScope, directory = temporaryDirectory(t), registered?: object) {
  const reports: ToolReport[] = [];
  const clock = fixedClock();
  const pins = await createPins({
    upstreams: ["files", "mail"],
    ...registered,
    folder: await openStateFolder(directory),
    async report(report) {
      reports.push(report);
      return { refused: [] };
    },
    clock,
    sleep: async (ms) => {
      await new Promise((resolve) => setImmediate(resolve));
      clock.advance(ms);
    },
    random: () => 0,
    log: silentLogger,
    metrics: createMetrics([]),
  });
  let closed: Promise<void> | undefined;
  const close = () => (closed ??= pins.close());
  defer(t, close);
  const told = async (count: number) => {
    while (reports.flatMap(({ tools }) => tools).length < count)
      await new Promise((resolve) => setImmediate(resolve));
    return reports.flatMap(({ tools }) => tools);
  };
  return { pins, told, reports, close, directory };
}

const pinned = (upstream: string, name: string, digest: string): ToolPin => ({
  ...{ upstream, tool: name, status: "pinned", digests: [digest], reason: "pin.unapproved" },
  ...{ explicit: false, since: 1 },
});

test("a changed definition is neither shown nor callable, also after a restart", async (t) => {
  const rig = await createRig(t);
  rig.pins.take(stateOf([]));
  assert.equal(rig.pins.admit("files", tool), true);
  assert.equal(rig.pins.refusalOf("files", "read"), undefined);
  assert.equal(rig.pins.admit("files", changed), false);
  assert.equal(rig.pins.refusalOf("files", "read")?.code, "pin.changed");
  await rig.close();
  const again = await createRig(t, rig.directory);
  again.pins.take(stateOf([]));
  assert.equal(again.pins.refusalOf("files", "read")?.code, "pin.changed");
  assert.equal(again.pins.admit("files", changed), false);
  assert.equal(again.pins.admit("files", tool), true);
});

test("a restart in which the definition changed trusts nothing a second time", async (t) => {
  const rig = await createRig(t);
  rig.pins.take(stateOf([]));
  rig.pins.admit("files", tool);
  await rig.close();
  const again = await createRig(t, rig.directory);
  again.pins.take(stateOf([]));
  assert.equal(again.pins.admit("files", changed), false);
});

test("what another sidecar saw first is what counts, as soon as it is heard of", async (t) => {
  const rig = await createRig(t);
  rig.pins.take(stateOf([]));
  assert.equal(rig.pins.admit("files", tool), true);
  const [sighting] = await rig.told(1);
  rig.pins.take(stateOf([pinned("files", "read", "f".repeat(64))]));
  assert.equal(rig.pins.refusalOf("files", "read")?.code, "pin.changed");
  assert.equal(rig.pins.admit("files", tool), false);
  rig.pins.take(stateOf([pinned("files", "read", sighting?.digest ?? "")]));
  assert.equal(rig.pins.admit("files", tool), true);
});

test("before anything is heard from the control plane nothing is shown, and what is seen is kept", async (t) => {
  const rig = await createRig(t);
  assert.equal(rig.pins.admit("files", tool), false);
  assert.equal(rig.pins.refusalOf("files", "read")?.code, "pin.unapproved");
  rig.pins.take(stateOf([]));
  assert.equal(rig.pins.admit("files", tool), true);
  assert.deepEqual((await rig.told(1)).length, 1);
});

test("what is no tool is never shown", async (t) => {
  const rig = await createRig(t);
  rig.pins.take(stateOf([]));
  for (const entry of [{}, { name: 1 }, { name: "" }, { name: "a\u0000b" }, { name: "x".repeat(300) }])
    assert.equal(rig.pins.admit("files", entry as JsonObject), false);
  assert.equal(rig.pins.admit("elsewhere", tool), false);
});

test("the tools of the official server are pinned as it lists them, and listing them again changes nothing", async (t) => {
  const [command, ...args] = EVERYTHING_COMMAND;
  const transport = new StdioClientTransport({ command, args, stderr: "ignore" });
  const client = new Client({ name: "test", version: "1" });
  defer(t, () => client.close());
  await client.connect(transport);
  const list = async () => (await client.listTools()).tools as unknown as readonly JsonObject[];
  const rig = await createRig(t);
  rig.pins.take(stateOf([]));
  const offered = await list();
  assert.ok(offered.length > 5);
  for (const each of offered) assert.equal(rig.pins.admit("files", each), true, String(each.name));
  const told = await rig.told(offered.length);
  rig.pins.take(
    stateOf(
      told.map((each) => pinned("files", each.tool, each.digest)),
      "approve_all",
    ),
  );
  for (const each of await list()) assert.equal(rig.pins.admit("files", each), true, String(each.name));
  assert.equal((await rig.told(offered.length)).length, offered.length);
  for (const each of offered) {
    assert.equal(rig.pins.admit("files", { ...each, description: `${each.description}.` }), false);
    assert.equal(rig.pins.refusalOf("files", String(each.name))?.code, "pin.changed");
    assert.equal(rig.pins.admit("mail", each), false);
    assert.equal(rig.pins.refusalOf("mail", String(each.name))?.code, "pin.unapproved");
  }
});

test("a registered upstream's tools are told of as any other's, and a restart trusts none of them a second time", async (t) => {
  const registered = { upstreams: [], isChanging: true };
  const rig = await createRig(t, undefined, registered);
  rig.pins.take(stateOf([]));
  rig.pins.serve(["crm"]);
  assert.equal(rig.pins.admit("crm", tool), true);
  await rig.told(1);
  assert.deepEqual(rig.reports[0]?.upstreams, ["crm"]);
  await rig.close();
  const again = await createRig(t, rig.directory, registered);
  again.pins.take(stateOf([]));
  again.pins.serve(["crm"]);
  assert.equal(again.pins.admit("crm", changed), false);
  assert.equal(again.pins.refusalOf("crm", "read")?.code, "pin.changed");
});
