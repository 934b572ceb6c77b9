import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { bytes, csv, ndjson, type Streamed, sse } from "./index.ts";
import { streamBody } from "./stream.ts";

/** Everything that was going to happen without new input has happened. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

async function textOf(stream: Streamed): Promise<string> {
  return new Response(streamBody(stream.chunks, () => {})).text();
}

test("server-sent events are framed line by line, and no field can smuggle in another", async () => {
  const stream = sse().of([
    { comment: "hello" },
    { event: "state", id: "k1\nid: k2", data: "a\nb\r\nc" },
    { data: "", retryMs: 500 },
  ]);
  assert.equal(
    await textOf(stream),
    ": hello\n\nevent: state\nid: k1 id: k2\ndata: a\ndata: b\ndata: c\n\nretry: 500\ndata: \n\n",
  );
});

test("CSV quotes what must be quoted and disarms formulas", async () => {
  const rows = [
    ["plain", 1, true],
    ['say "hi"', "a,b", "two\nlines"],
    ["=1+1", "-2", "@x"],
  ];
  assert.equal(
    await textOf(csv(["a", "b", "c"]).of(rows)),
    'a,b,c\r\nplain,1,true\r\n"say ""hi""","a,b","two\nlines"\r\n\'=1+1,\'-2,\'@x\r\n',
  );
});

test("bytes pass unchanged", async () => {
  const stream = bytes("application/octet-stream").of([Uint8Array.of(0, 255), Uint8Array.of(10)]);
  const body = await new Response(streamBody(stream.chunks, () => {})).arrayBuffer();
  assert.deepEqual(new Uint8Array(body), Uint8Array.of(0, 255, 10));
});

test("the source is read only as fast as the reader reads, and closed when the reader leaves", async () => {
  let made = 0;
  let isClosed = false;
  async function* source() {
    try {
      for (;;) {
        made += 1;
        yield { data: String(made) };
      }
    } finally {
      isClosed = true;
    }
  }
  const reader = streamBody(sse().of(source()).chunks, () => {}).getReader();
  await turn();
  assert.equal(made, 0);
  await reader.read();
  await reader.read();
  await turn();
  assert.equal(made, 2);
  await reader.cancel();
  assert.equal(isClosed, true);
});

test("a reader that leaves while the next item is on its way is no trouble, whatever becomes of that item", async () => {
  for (const end of ["an item", "the end", "an error"]) {
    const failures: unknown[] = [];
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    async function* source() {
      if (end !== "the end") yield { data: await promise };
      else await promise;
    }
    const body = streamBody(sse().of(source()).chunks, (caught) => failures.push(caught));
    const reader = body.getReader();
    const reading = reader.read();
    await turn();
    const leaving = reader.cancel();
    if (end === "an error") reject(new Error("the source was left"));
    else resolve("late");
    await leaving.catch(() => {});
    await reading;
    await turn();
    assert.deepEqual(failures, [], end);
  }
});

test("trouble in the source breaks the stream off and is reported", async () => {
  const failures: unknown[] = [];
  async function* source() {
    yield { id: 1 };
    throw new Error("the database went away");
  }
  const stream = ndjson(z.strictObject({ id: z.number() })).of(source());
  const body = streamBody(stream.chunks, (caught) => failures.push(caught));
  await assert.rejects(new Response(body).text(), /database went away/);
  assert.equal(failures.length, 1);
});
