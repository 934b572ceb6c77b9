import assert from "node:assert/strict";
import { test } from "node:test";
import { createGathering } from "./gathering.ts";

function rig(options: { itemsMax?: number; roundsMax?: number; refuses?: string } = {}) {
  const batches: string[][] = [];
  const gates: (() => void)[] = [];
  const gathering = createGathering<string, string>({
    keyOf: (item) => item.charAt(0),
    itemsMax: options.itemsMax ?? 100,
    roundsMax: options.roundsMax ?? 1,
    async together(items) {
      batches.push([...items]);
      await new Promise<void>((resolve) => gates.push(resolve));
      if (items.some((item) => item === options.refuses)) throw new Error(`not ${options.refuses}`);
      return items.map((item) => item.toUpperCase());
    },
  });
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const open = async () => {
    await turn();
    for (const gate of gates.splice(0)) gate();
    await turn();
  };
  return { batches, gathering, open };
}

test("what comes while one round is under way is the next round, each with its own result", async () => {
  const { batches, gathering, open } = rig();
  const first = ["a1", "a2"].map(gathering.add);
  await open();
  assert.deepEqual(await Promise.all(first), ["A1", "A2"]);
  const second = gathering.add("a3");
  await new Promise((resolve) => setImmediate(resolve));
  const third = ["a4", "a5"].map(gathering.add);
  await open();
  await open();
  assert.deepEqual(await Promise.all([second, ...third]), ["A3", "A4", "A5"]);
  assert.deepEqual(batches, [["a1", "a2"], ["a3"], ["a4", "a5"]]);
});

test("different keys do not wait for one another, and a round has its bound", async () => {
  const { batches, gathering, open } = rig({ itemsMax: 2 });
  const all = ["a1", "a2", "a3", "b1"].map(gathering.add);
  await open();
  await open();
  assert.deepEqual(await Promise.all(all), ["A1", "A2", "A3", "B1"]);
  assert.deepEqual(batches, [["a1", "a2"], ["b1"], ["a3"]]);
});

test("what fails together is tried one by one, so that only what is wrong fails", async () => {
  const { batches, gathering, open } = rig({ refuses: "a2" });
  const settled = Promise.allSettled(["a1", "a2", "a3"].map(gathering.add));
  for (let round = 0; round < 4; round += 1) await open();
  assert.deepEqual(
    (await settled).map((each) => (each.status === "fulfilled" ? each.value : String(each.reason))),
    ["A1", "Error: not a2", "A3"],
  );
  assert.deepEqual(batches, [["a1", "a2", "a3"], ["a1"], ["a2"], ["a3"]]);
});

test("a second round may begin before the first one has ended, and no item is in both", async () => {
  const { batches, gathering, open } = rig({ roundsMax: 2 });
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const first = gathering.add("a1");
  await turn();
  const second = gathering.add("a2");
  await turn();
  const third = ["a3", "a4"].map(gathering.add);
  assert.deepEqual(batches, [["a1"], ["a2"]]);
  await open();
  await open();
  assert.deepEqual(await Promise.all([first, second, ...third]), ["A1", "A2", "A3", "A4"]);
  assert.deepEqual(batches, [["a1"], ["a2"], ["a3", "a4"]]);
});
