// The key with which a sidecar verifies what an agent remembers.
import { MemoryKeyReply, MemoryKeyRequest } from "@postern/contracts";
import { operation } from "./context.ts";

const memoryKey = operation({
  id: "fleet_memory_key",
  method: "POST",
  path: "/v1/sidecar/memory-keys",
  summary: "Fetch the key of a token's memory",
  description:
    "Of tokens that were issued for the sidecar's own tenant, by the id of their root. The key never changes.",
  permission: "sidecar",
  audit: "none",
  status: 200,
  replies: { 404: "No token of this id was issued.", 503: "The master key is not configured." },
  body: MemoryKeyRequest,
  example: { body: { jti: "01HXYZ" } },
  reply: MemoryKeyReply,
  run: async ({ body }, { capabilities, sidecar, work }) => {
    const key = await work.read((executor) => capabilities.memoryKey(executor, sidecar.tenant, body.jti));
    return { memory_signing_key: Buffer.from(key).toString("base64url") };
  },
});

export const memoryRows = [memoryKey];
