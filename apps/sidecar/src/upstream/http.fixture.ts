// HTTP upstreams that a test makes up.
import type { IncomingMessage, ServerResponse } from "node:http";
import { defer, type TestScope } from "@postern/testkit";
import { createHttpUpstream, type HttpUpstreamOptions } from "./http.ts";
import { serve } from "./upstream.fixture.ts";
import type { Upstream } from "./upstream.ts";

export const PING = { id: 1, method: "ping" };
export const JSON_HEADERS = { "content-type": "application/json" };
export const SSE_HEADERS = { "content-type": "text/event-stream" };

export async function upstreamOf(
  scope: TestScope,
  handle: (request: IncomingMessage, response: ServerResponse) => void,
  options: Partial<HttpUpstreamOptions> = {},
): Promise<Upstream> {
  const url = await serve(scope, handle);
  return openHttp(scope, { url: `${url}?fixed=1`, ...options });
}

export function openHttp(scope: TestScope, options: Omit<HttpUpstreamOptions, "name">): Upstream {
  const upstream = createHttpUpstream({ name: "test", ...options });
  defer(scope, () => upstream.close());
  return upstream;
}
