// A fixed address for servers that come and go: the suite starts one server for each client scenario, on a port of its choice, while a
// sidecar's upstream stands in its configuration.
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import type { TestScope } from "@postern/testkit";
import { listen, startHop } from "./hop.ts";

export interface Switch {
  /** Leads to the server that was named last. */
  readonly url: string;
  /** POST a server's address here to name it. */
  readonly retarget: string;
}

export async function startSwitch(scope: TestScope): Promise<Switch> {
  let target = "http://127.0.0.1:9/nobody-yet";
  const control = createServer(async (request, response) => {
    target = await text(request);
    response.writeHead(204).end();
  });
  const retarget = await listen(scope, control);
  return { url: await startHop(scope, { target: () => target, isOwnHost: true }), retarget };
}
