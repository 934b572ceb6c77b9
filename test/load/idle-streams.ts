// A thousand agents that listen and hear nothing: each has a session and the GET stream that belongs to it.
import { setTimeout as delay } from "node:timers/promises";
import type { TestScope } from "@postern/testkit";
import { type HttpCaller, openHttpCaller, requestsTo } from "./http-caller.ts";
import { type LineName, SERVERS } from "./lines.ts";
import { pause, pin, resume, rssMibOf } from "./machine.ts";
import { type Lines, startServer } from "./start-lines.ts";
import { eraHeaders, INITIALIZE, INITIALIZED, PLAIN } from "./workload.ts";

export interface IdleStreams {
  readonly line: LineName;
  readonly streams: number;
  /** Before the first stream, and with all of them open. */
  readonly rssBeforeMib: number;
  readonly rssMib: number;
}

const STREAMS = 1_000;
const SETTLE_MS = 2_000;
const HEADERS = eraHeaders(0, { ...PLAIN, door: "legacy" });

/** Processes of their own: one that has been busy holds on to memory that says nothing of its streams. */
export async function measureIdleStreams(
  scope: TestScope,
  { background, sidecars, upstreamUrl }: Lines,
): Promise<readonly IdleStreams[]> {
  const bare = await startServer(scope, SERVERS.bare, {}, upstreamUrl);
  const bareStreams = await openStreams(bare.pid, bare.url, {});
  await bare.process.stop();
  resume(background);
  const on = await sidecars.start("idle-streams");
  const onStreams = await openStreams(on.process.pid, on.urls.legacy, on.headers);
  await on.process.stop();
  pause(background);
  return [
    { line: "bare", ...bareStreams },
    { line: "on", ...onStreams },
  ];
}

async function openStreams(
  pid: number,
  address: string,
  headers: Readonly<Record<string, string>>,
): Promise<Omit<IdleStreams, "line">> {
  pin(pid, 1);
  const url = new URL(address);
  const requests = requestsTo(url, headers);
  await delay(SETTLE_MS);
  const rssBeforeMib = rssMibOf(pid);
  const opener = await openHttpCaller(url);
  const streams: HttpCaller[] = [];
  for (let n = 0; n < STREAMS; n += 1) {
    const { head } = await opener.call(requests("POST", HEADERS, INITIALIZE));
    const id = /\r\nmcp-session-id: *(\S+)/i.exec(head)?.[1];
    if (id === undefined) throw new Error(`initialize gave no session: ${head}`);
    const session = { ...HEADERS, "mcp-session-id": id };
    await opener.call(requests("POST", session, INITIALIZED));
    const stream = await openHttpCaller(url);
    streams.push(stream);
    const streamHead = await stream.begin(requests("GET", { ...session, accept: "text/event-stream" }, ""));
    if (!streamHead.startsWith("HTTP/1.1 200")) throw new Error(`a stream was not opened: ${streamHead}`);
  }
  await delay(SETTLE_MS);
  const rssMib = rssMibOf(pid);
  for (const stream of [opener, ...streams]) stream.close();
  return { streams: STREAMS, rssBeforeMib, rssMib };
}
