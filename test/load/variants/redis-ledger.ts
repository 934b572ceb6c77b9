// Leases as ever, and besides a counter on a Redis server for each call: the round trip is what is measured. The protocol is written by
// hand (RESP: one line out, one line back, in order), which is the cheapest that a client can be.
import { connect } from "node:net";
import { createLeaseLedger as createReal, type LeaseLedger, type LeaseLedgerOptions } from "@postern/budget";

export function createLeaseLedger(options: LeaseLedgerOptions): LeaseLedger {
  const real = createReal(options);
  const decrement = openCounter(Number(process.env.BENCH_REDIS_PORT));
  return {
    ...real,
    async reserve(tenant, charges) {
      await decrement();
      return real.reserve(tenant, charges);
    },
  };
}

function openCounter(port: number): () => Promise<void> {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  const asked: (() => void)[] = [];
  socket.setEncoding("latin1").on("data", (text: string) => {
    for (const _ of text.matchAll(/\r\n/g)) asked.shift()?.();
  });
  return () =>
    new Promise((resolve) => {
      asked.push(resolve);
      socket.write("DECR postern:bench\r\n");
    });
}
