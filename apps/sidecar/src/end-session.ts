// Tells a tool server that a session is over which nobody can use any more. Whether it hears is its own affair.
import type { Upstream } from "./upstream/upstream.ts";

/** Never rejects. */
export async function endSession(upstream: Upstream, sessionId: string, signal: AbortSignal): Promise<void> {
  const request = { method: "DELETE", headers: new Map([["mcp-session-id", sessionId]]) } as const;
  await upstream.forward(request, signal).then(
    ({ body }) => body.cancel(),
    () => {},
  );
}
