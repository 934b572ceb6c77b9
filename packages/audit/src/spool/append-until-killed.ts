// A process for the SIGKILL test: appends calls as fast as it can and prints each record once it was promised.
// Arguments: directory, epoch, durability.
import { writeSync } from "node:fs";
import { sampleDenial, sampleIntent, sampleOutcome } from "../sample-event.ts";
import { openSpool } from "./open-spool.ts";

const [directory = "", epochText = "", durability = ""] = process.argv.slice(2);
const epoch = Number(epochText);
const spool = await openSpool({
  directory,
  sidecarId: "sidecar-1",
  epoch,
  durability: durability === "disk" ? "disk" : "os",
  segmentBytesMax: 65_536,
});

async function promised(body: Parameters<typeof spool.append>[0]): Promise<void> {
  const { sequence, hash } = await spool.append(body);
  writeSync(1, `${epoch}/${sequence} ${hash}\n`);
}

async function call(number: number): Promise<void> {
  await promised(sampleIntent(number));
  await promised(sampleOutcome(number));
}

for (let number = epoch * 1_000_000; ; number += 4) {
  await Promise.all([call(number), call(number + 1), call(number + 2), promised(sampleDenial(number + 3))]);
}
