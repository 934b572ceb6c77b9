// Walks a tenant's whole chain and says whether every byte is what was written: each hash over the stored text, each link, the columns
// that repeat parts of the text, the head, the tree, and the last signed checkpoint. It reads page by page and holds no lock.
import { chainHash, createTree, verifyCheckpoint, ZERO_HASH } from "@postern/audit";
import type { Clock } from "@postern/fault";
import type { Executor } from "../../database/connection.ts";
import type { Chain, Checkpoint, Verification } from "./model.ts";
import { findChain, findLatestCheckpoint, selectStretch } from "./store.ts";

type Row = Awaited<ReturnType<typeof selectStretch>>[number];

const PAGE = 2_000;

/** The log's public key by its id; undefined = the log never had such a key. */
export type LogKeys = (kid: string) => { publicKey: string; origin: string } | undefined;

export async function verifyTenant(
  executor: Executor,
  tenant: string,
  options: { clock: Clock; logKeys: LogKeys },
): Promise<Verification> {
  const startMs = options.clock.monotonicMs();
  // The checkpoint is read first: what it covers is in the chain by the time the chain is read.
  const checkpoint = await findLatestCheckpoint(executor, tenant);
  const chain = await findChain(executor, tenant);
  const trouble = checkpoint === undefined ? "" : await checkSignature(checkpoint, options.logKeys);
  const walk = await walkChain(executor, tenant, { chain, checkpoint, trouble });
  return {
    tenant,
    verified: walk.problem === "",
    eventsChecked: walk.checked,
    headEventId: chain?.headEventId ?? "",
    headAt: chain?.headAt ?? null,
    durationMs: Math.round(options.clock.monotonicMs() - startMs),
    firstBrokenEventId: walk.brokenEventId,
    problem: walk.problem,
  };
}

interface Walk {
  readonly checked: number;
  readonly brokenEventId: string;
  readonly problem: string;
}

async function walkChain(
  executor: Executor,
  tenant: string,
  expected: { chain: Chain | undefined; checkpoint: Checkpoint | undefined; trouble: string },
): Promise<Walk> {
  const { chain, checkpoint } = expected;
  const size = chain?.size ?? 0;
  const tree = createTree();
  let previous = ZERO_HASH;
  let lastId = "";
  const broken = (eventId: string, problem: string): Walk => ({
    checked: tree.size,
    brokenEventId: eventId,
    problem,
  });

  while (tree.size < size) {
    const rows = await selectStretch(executor, tenant, { from: tree.size, to: size - 1, limit: PAGE });
    if (rows.length === 0) return broken(chain?.headEventId ?? "", "the end of the chain is missing");
    for (const row of rows) {
      const problem = rowProblem(row, tree.size, previous);
      if (problem !== "") return broken(row.eventId, problem);
      tree.append(Buffer.from(row.hash, "hex"));
      previous = row.hash;
      lastId = row.eventId;
      if (tree.size === checkpoint?.size && hexOf(tree.root()) !== checkpoint.rootHash) {
        return broken(row.eventId, "the events are not those that the last checkpoint was signed over");
      }
    }
  }
  if (checkpoint !== undefined && checkpoint.size > size) {
    return broken(lastId, "the chain is shorter than its last checkpoint");
  }
  if (expected.trouble !== "") return broken(lastId, expected.trouble);
  if (chain !== undefined && !isHead(chain, previous, lastId, hexOf(tree.root()))) {
    return broken(lastId, "the recorded head is not that of the chain");
  }
  const beyond = await selectStretch(executor, tenant, { from: size, to: size, limit: 1 });
  const extra = beyond[0];
  // Between reading the head and looking beyond it the chain may have grown; only a row that no head ever covered is foreign.
  if (extra !== undefined && ((await findChain(executor, tenant))?.size ?? 0) <= size) {
    return broken(extra.eventId, "there is an event beyond the end of the chain");
  }
  return { checked: tree.size, brokenEventId: "", problem: "" };
}

function rowProblem(row: Row, idx: number, previous: string): string {
  if (row.idx !== idx) return `the events before index ${row.idx} are missing`;
  if (row.prevHash !== previous) return "the link to the event before is wrong";
  if (hexOf(chainHash(row.event, Buffer.from(previous, "hex"))) !== row.hash)
    return "the hash is not that of the event";
  const event = JSON.parse(row.event) as Record<string, unknown>;
  const repeats =
    event.tenant === row.tenant &&
    event.event_id === row.eventId &&
    event.decision === row.decision &&
    event.tool === row.tool &&
    event.agent_id === row.agentId &&
    Date.parse(String(event.ts)) === row.ts.getTime();
  return repeats ? "" : "the columns of the event are not what the event says";
}

function isHead(chain: Chain, hash: string, eventId: string, root: string): boolean {
  const recorded = hexOf(createTree(chain.tree).root());
  return chain.headHash === hash && chain.headEventId === eventId && recorded === root;
}

async function checkSignature(checkpoint: Checkpoint, logKeys: LogKeys): Promise<string> {
  const pinned = logKeys(checkpoint.kid);
  if (pinned === undefined) return "the last checkpoint was signed by a key that the log never had";
  const verdict = await verifyCheckpoint(checkpoint.note, pinned);
  if (!verdict.ok) return `the last checkpoint does not verify: ${verdict.detail}`;
  const says = verdict.checkpoint;
  const agrees = says.size === checkpoint.size && hexOf(says.rootHash) === checkpoint.rootHash;
  return agrees ? "" : "the last checkpoint is not what is recorded of it";
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
