// Records whose bodies are made when their batch is written: same order, same numbers, same room, and a failure of one is its own.
import assert from "node:assert/strict";
import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { AuditBatch, type SpoolBody } from "@postern/contracts";
import { temporaryDirectory } from "@postern/testkit";
import fc from "fast-check";
import { sampleDenial, sampleEvent, sampleIntent, sampleOutcome } from "../sample-event.ts";
import { auditBatchJson } from "./audit-batch-json.ts";
import type { BodySource } from "./batch.ts";
import { OUTCOME_BYTES_MAX } from "./capacity.ts";
import { drain, sampleSpool, titlesOf } from "./sample-spool.ts";

for (const durability of ["os", "disk"] as const) {
  test(`a body is made once, after its append has returned, and in the order of appending (${durability})`, async (t) => {
    const spool = await sampleSpool(t, { directory: temporaryDirectory(t), durability });
    const made: number[] = [];
    const sources = [1, 2, 3, 4].map((number): BodySource => {
      if (number === 3) return sampleDenial(number);
      return () => {
        made.push(number);
        return sampleDenial(number);
      };
    });
    const appended = sources.map((source) => spool.append(source));
    assert.deepEqual(made, []);
    const sequences = (await Promise.all(appended)).map(({ sequence }) => sequence);
    assert.deepEqual(
      [made, sequences],
      [
        [1, 2, 4],
        [1, 2, 3, 4],
      ],
    );
    assert.deepEqual(
      titlesOf(await drain(spool)),
      [1, 2, 3, 4].map((number) => `1/${number} event event-${number}`),
    );
  });
}

test("what cannot be made is refused by itself and takes neither number nor room", async (t) => {
  const directory = temporaryDirectory(t);
  const spool = await sampleSpool(t, { directory });
  const trouble = new TypeError("no event");
  const tooLarge: SpoolBody = {
    kind: "event",
    event: { ...sampleEvent(2), reason: "x".repeat(40_000) },
    args_salt: "",
  };
  const halved: SpoolBody = { ...sampleOutcome(3), reason: "\ud800" };
  const sources: BodySource[] = [
    () => sampleDenial(1),
    () => {
      throw trouble;
    },
    () => tooLarge,
    () => halved,
    halved,
    () => sampleDenial(4),
  ];
  const settled = await Promise.allSettled(sources.map((source) => spool.append(source)));
  assert.deepEqual(
    settled.map((each) =>
      each.status === "fulfilled" ? each.value.sequence : (each.reason.code ?? each.reason),
    ),
    [1, trouble, "audit.record_too_large", "audit.not_canonical", "audit.not_canonical", 2],
  );
  assert.deepEqual(titlesOf(await drain(spool)), ["1/1 event event-1", "1/2 event event-4"]);
  assert.equal(spool.usage().bytes, statSync(join(directory, "000000000001-0000000000000001.segment")).size);
});

test("a batch of which nothing can be made writes nothing, and the next one is written", async (t) => {
  const spool = await sampleSpool(t, { directory: temporaryDirectory(t) });
  const fail = () => {
    throw new TypeError("no event");
  };
  await Promise.all([assert.rejects(spool.append(fail)), assert.rejects(spool.append(fail))]);
  assert.equal((await spool.append(sampleDenial(1))).sequence, 1);
  await assert.rejects(spool.append(fail));
  await spool.close();
});

test("a record may be appended while another one is made", async (t) => {
  for (const durability of ["os", "disk"] as const) {
    const spool = await sampleSpool(t, { directory: temporaryDirectory(t), durability });
    const inner = Promise.withResolvers<number>();
    const outer = spool.append(() => {
      inner.resolve(spool.append(() => sampleDenial(2)).then(({ sequence }) => sequence));
      return sampleDenial(1);
    });
    assert.deepEqual([(await outer).sequence, await inner.promise], [1, 2]);
  }
});

test("room is given in the order of appending and to the byte, however many come at once", async (t) => {
  const sizes = fc.array(fc.record({ kind: fc.constantFrom("intent", "event"), chars: fc.nat(2000) }), {
    minLength: 1,
    maxLength: 60,
    size: "max",
  });
  let run = 0;
  await fc.assert(
    fc.asyncProperty(sizes, fc.boolean(), fc.boolean(), async (asked, isLazy, atOnce) => {
      run += 1;
      const bytesMax = 60_000;
      const spool = await sampleSpool(
        { after: () => {} },
        { directory: join(temporaryDirectory(t), `${run}`), bytesMax },
      );
      let [bytes, open] = [spool.usage().bytes, 0];
      const expected: boolean[] = [];
      const answers: Promise<boolean>[] = [];
      for (const [number, { kind, chars }] of asked.entries()) {
        const event = sampleEvent(number, { reason: "r".repeat(chars) });
        const body = { kind, event, args_salt: "" } as SpoolBody;
        const frameBytes = 48 + JSON.stringify(body).length;
        const intents = kind === "intent" ? 1 : 0;
        const fits = bytes + frameBytes + (open + intents) * OUTCOME_BYTES_MAX <= bytesMax;
        expected.push(fits);
        if (fits) [bytes, open] = [bytes + frameBytes, open + intents];
        const answer = spool.append(isLazy ? () => body : body).then(
          () => true,
          (fault: { code?: string }) => {
            assert.equal(fault.code, "audit.spool_full");
            return false;
          },
        );
        answers.push(answer);
        if (!atOnce) await answer;
      }
      assert.deepEqual(await Promise.all(answers), expected);
      assert.equal(spool.usage().bytes, bytes);
      await spool.close();
    }),
    { numRuns: 40 },
  );
});

test("an intent and its outcome may be appended at once, and closing one twice takes the room of one", async (t) => {
  const bytesMax = 20_000;
  const spool = await sampleSpool(t, { directory: temporaryDirectory(t), bytesMax });
  const long = { ...sampleOutcome(1), reason: "\u0001".repeat(2000) };
  const settled = await Promise.allSettled([
    spool.append(() => sampleIntent(1)),
    spool.append(() => long),
    spool.append(() => long),
  ]);
  assert.deepEqual(
    settled.map(({ status }) => status),
    ["fulfilled", "fulfilled", "rejected"],
  );
  assert.ok(spool.usage().bytes <= bytesMax);
});

test("an open intent keeps its segment until its outcome is written, not merely appended", async (t) => {
  const spool = await sampleSpool(t, { directory: temporaryDirectory(t), segmentBytesMax: 2048 });
  await spool.append(() => sampleIntent(0));
  for (let at = 1; at < 6; at += 1) await spool.append(() => sampleDenial(at));
  const closing = spool.append(() => sampleOutcome(0));
  await spool.acknowledge({ epoch: 1, covered: 6 });
  await closing;
  assert.equal(spool.usage().records, 1);
});

test("closing waits for bodies that are not made yet, and a spool that failed makes none", async (t) => {
  for (const durability of ["os", "disk"] as const) {
    const spool = await sampleSpool(t, { directory: temporaryDirectory(t), durability });
    const appended = spool.append(() => sampleDenial(1));
    await spool.close();
    assert.equal((await appended).sequence, 1);
    await assert.rejects(
      spool.append(() => assert.fail("a closed spool needs no body")),
      { code: "audit.spool_closed" },
    );
  }
});

test("a record that finds the spool gone while it is made is refused, and so is all that comes with it", async (t) => {
  const directory = join(temporaryDirectory(t), "spool");
  const spool = await sampleSpool(t, { directory });
  await spool.append(sampleDenial(1));
  rmSync(directory, { recursive: true });
  const curious = spool.append(() => {
    assert.equal(spool.failure()?.code, "audit.spool_failed");
    return sampleDenial(2);
  });
  const beside = spool.append(sampleDenial(3));
  await assert.rejects(curious, { code: "audit.spool_failed" });
  await assert.rejects(beside, { code: "audit.spool_failed" });
});

test("the request to the chain is the JSON of the records, and one that the control plane takes", async (t) => {
  const spool = await sampleSpool(t, { directory: temporaryDirectory(t) });
  assert.equal(await spool.readTexts({ epoch: 0, sequence: 0 }, 10), undefined);
  await Promise.all([
    spool.append(() => sampleIntent(1)),
    spool.append({ ...sampleOutcome(1), reason: 'quoted "so", \u20ac and \u{1f600}' }),
    spool.append(sampleDenial(2)),
  ]);
  const parsed = (await spool.read({ epoch: 0, sequence: 0 }, 10)) ?? assert.fail();
  const texts = (await spool.readTexts({ epoch: 0, sequence: 0 }, 10)) ?? assert.fail();
  const { epoch, previousHash, records } = parsed;
  for (const missing of [undefined, { from: 1, to: 4 }]) {
    const sent: unknown = JSON.parse(auditBatchJson(texts, missing));
    assert.deepEqual(sent, { epoch, previous_hash: previousHash, records, ...(missing && { missing }) });
    assert.ok(AuditBatch.safeParse(sent).success);
  }
});
