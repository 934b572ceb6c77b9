// The baseline of hearing: open streams, and on POST an event of the size of a small sealed state to each of them.
import { createServer, type ServerResponse } from "node:http";
import { announce } from "../announce.ts";

const SEALED = "x".repeat(700);
const open = new Set<ServerResponse>();

announce(
  createServer(async (request, response) => {
    if (request.method === "GET") {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("event: state\nid: 0\ndata: x\n\n");
      open.add(response);
      response.on("close", () => open.delete(response));
      return;
    }
    let id = "";
    for await (const chunk of request) id += chunk;
    for (const stream of open) stream.write(`event: state\nid: ${id}\ndata: ${SEALED}\n\n`);
    response.end();
  }),
);
