// How the bench's own servers start: on a free port of the loopback interface, told on stdout as the product's processes tell theirs.
import type { Server } from "node:http";

export function announce(server: Server): void {
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;
    console.log(JSON.stringify({ msg: "listening", url: `http://127.0.0.1:${port}/mcp` }));
  });
  process.once("SIGTERM", () => process.exit(0));
}
