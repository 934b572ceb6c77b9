// The baseline of minting: each request is one committed row, and nothing else.
import { createServer } from "node:http";
import postgres from "postgres";
import { announce } from "../announce.ts";

const sql = postgres(process.argv[2] ?? "", { max: 10, onnotice: () => {} });
await sql`create table if not exists bench_rows (id bigint generated always as identity, body text not null)`;

announce(
  createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    await sql`insert into bench_rows (body) values (${body})`;
    response.writeHead(200, { "content-type": "application/json", "content-length": 2 }).end("{}");
  }),
);
