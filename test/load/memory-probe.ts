// Loaded before a sidecar whose memory is watched: on SIGUSR2 it collects all garbage and tells what is left.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

// The flag shows its function to contexts that are made after it.
setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
const MIB = 1_048_576;
let told = 0;

process.on("SIGUSR2", () => {
  collect();
  told += 1;
  const { arrayBuffers, external, heapUsed } = process.memoryUsage();
  const heap = (heapUsed / MIB).toFixed(2);
  process.stderr.write(
    `bench memory ${told} heap ${heap} external ${((external + arrayBuffers) / MIB).toFixed(2)}\n`,
  );
});
