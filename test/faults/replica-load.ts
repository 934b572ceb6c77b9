// What goes on around replicas: somebody who asks them all the time, and somebody who takes their webhooks.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { defer, type TestScope } from "@postern/testkit";
import { eventually, TENANT } from "../e2e/stack.ts";
import { ACTIVE, ROLLBACK } from "./fleet-acts.ts";
import type { Answer, Replica } from "./replicas.ts";

/** Takes webhooks, and remembers the id of each by its type. */
export async function startReceiver(t: TestScope) {
  const taken: { type: string; id: string }[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => {
      body += text;
    });
    request.on("end", () => {
      taken.push({ type: JSON.parse(body).type, id: String(request.headers["webhook-id"]) });
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  defer(t, () => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    all: () => taken.length,
    of: (type: string) => taken.flatMap((each) => (each.type === type ? [each.id] : [])),
  };
}

/** Asks the replicas without a pause, in several ways, until it is stopped. */
export function startLoad(targets: readonly Replica[]) {
  const statuses = new Map<number, number>();
  let isStopped = false;
  let goodInARow = 0;
  const count = (status: number) => {
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    goodInARow = status < 300 ? goodInARow + 1 : 0;
  };
  const ways: ((replica: Replica) => Promise<Answer>)[] = [
    ({ ask }) => ask("GET", ACTIVE),
    ({ ask }) => ask("POST", "/v1/admin/mint", { subject: "agent", tenant: TENANT }),
    ({ ask }) => ask("GET", `/v1/admin/audit?tenant=${TENANT}&limit=5`),
    ({ ask }) => ask("POST", ROLLBACK, { revision: 1 }),
  ];
  const loops = targets.flatMap((replica) =>
    ways.map(async (way) => {
      while (!isStopped) {
        const { status } = await way(replica);
        count(status);
        if (status >= 300) await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }),
  );
  const sum = (is: (status: number) => boolean) =>
    [...statuses].reduce((total, [status, seen]) => total + (is(status) ? seen : 0), 0);
  return {
    good: () => sum((status) => status < 300),
    bad: () => sum((status) => status >= 300 || status === 0),
    async untilGoodAgain() {
      await eventually(async () => assert.ok(goodInARow >= 5 * loops.length), 30_000);
    },
    async stop() {
      isStopped = true;
      await Promise.all(loops);
      return statuses;
    },
  };
}
