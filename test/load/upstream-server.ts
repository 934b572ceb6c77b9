// The tool server of the bench: answers any POST at once with the same result of 1 KB under the request's id. It knows no MCP.
import { createServer } from "node:http";
import { announce } from "./announce.ts";
import { answerBody } from "./workload.ts";

const server = createServer({ keepAliveTimeout: 0 }, (request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const idText = /"id":(\d+)/.exec(Buffer.concat(chunks).toString())?.[1];
    const body = Buffer.from(idText === undefined ? "" : answerBody(idText));
    const headers = { "content-type": "application/json", "content-length": body.byteLength };
    response.writeHead(idText === undefined ? 202 : 200, headers).end(body);
  });
});
announce(server);
