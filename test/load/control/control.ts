// What the control plane can carry. Nothing is asserted: figures with their machine, and beside each kind of load the least that it could cost.

import { tmpdir } from "node:os";
import type { TestScope } from "@postern/testkit";
import { describeMachine, type Machine, pin } from "../machine.ts";
import type { CallsResult } from "./calls.ts";
import { type FanOut, type FanOutResult, measureFanOut, measurePromotion } from "./fan-out.ts";
import { type Lists, type ListsPlan, measureLists } from "./lists.ts";
import { type MintPlan, measureMint } from "./mint.ts";
import { startPlane } from "./plane.ts";

export const PARTS = ["start", "mint", "fan-out", "promote", "lists"] as const;
export type Part = (typeof PARTS)[number];

export interface ControlPlan {
  readonly parts: readonly Part[];
  readonly mint: MintPlan;
  readonly fanOut: { readonly streams: readonly number[]; readonly rounds: number };
  readonly promote: { readonly streams: number; readonly rounds: number };
  readonly lists: ListsPlan;
  readonly starts: number;
}

export const FULL: ControlPlan = {
  parts: PARTS,
  mint: { connections: [1, 16, 64], requests: 100_000, timeMs: 5_000 },
  fanOut: { streams: [500, 5_000], rounds: 20 },
  promote: { streams: 500, rounds: 5 },
  lists: { events: 1_000_000, tokens: 10_000, requests: 2_000, timeMs: 5_000 },
  starts: 5,
};

export const QUICK: ControlPlan = {
  parts: PARTS,
  mint: { connections: [64], requests: 100_000, timeMs: 2_000 },
  fanOut: { streams: [500], rounds: 5 },
  promote: { streams: 100, rounds: 2 },
  lists: { events: 50_000, tokens: 10_000, requests: 300, timeMs: 1_000 },
  starts: 2,
};

export interface ControlRun {
  readonly machine: Machine;
  readonly starts: readonly { readonly listening_ms: number; readonly ready_ms: number }[];
  readonly mint: readonly CallsResult[];
  readonly fan_out: readonly (FanOut & { readonly streams: number })[];
  readonly promote: FanOutResult | undefined;
  readonly lists: Lists | undefined;
}

export async function runControl(
  scope: TestScope,
  plan: ControlPlan,
  onProgress: (text: string) => void,
): Promise<ControlRun> {
  const machine = describeMachine(tmpdir());
  pin(process.pid, 0);
  const has = (part: Part) => plan.parts.includes(part);
  onProgress("starting Postgres and a replica");
  const plane = await startPlane(scope);

  const mint: CallsResult[] = [];
  if (has("mint")) {
    onProgress("minting");
    mint.push(...(await measureMint(scope, plane, plan.mint)));
  }
  const fan_out: (FanOut & { streams: number })[] = [];
  if (has("fan-out")) {
    for (const streams of plan.fanOut.streams) {
      onProgress(`fan-out to ${streams} streams`);
      const { rounds } = plan.fanOut;
      fan_out.push({ streams, ...(await measureFanOut(scope, plane, { streams, rounds })) });
    }
  }
  if (has("promote")) onProgress("promoting");
  const promote = has("promote") ? await measurePromotion(plane, plan.promote) : undefined;
  if (has("lists")) onProgress(`lists over ${plan.lists.events} events`);
  const lists = has("lists") ? await measureLists(plane, plan.lists) : undefined;
  const starts: { listening_ms: number; ready_ms: number }[] = [];
  for (let at = 0; has("start") && at < plan.starts; at += 1) {
    onProgress(`another replica, ${at + 1} of ${plan.starts}`);
    const replica = await plane.startReplica();
    starts.push({ listening_ms: replica.listeningMs, ready_ms: replica.readyMs });
    await replica.process.stop();
  }
  return { machine, starts, mint, fan_out, promote, lists };
}
