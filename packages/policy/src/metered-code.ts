// Puts the meter into one function: a charge where it is entered and one at the head of each loop. A charge is for the dearest way from
// there to the next charge, so no way is cheaper than the work on it; and control goes back only to the head of a loop, so nothing runs long
// without a charge. What is not known here is never passed on: it could take time that nobody charged for.
import { OPCODE, skipOperands } from "./opcodes.ts";
import {
  type Cursor,
  numberBytes,
  positiveBytes,
  readByte,
  readNumber,
  skipNumber,
  UNREADABLE,
} from "./wasm-bytes.ts";

/** What one charge covers: a function without its loops, or a loop without the loops in it. */
interface Region {
  readonly start: number;
  cost: number;
  /** Where the region stands, and what the dearest way through that one to here costs. */
  readonly outer: Region | undefined;
  readonly enteredAt: number;
}

/** A function, block, loop or arm that is open. */
interface Construct {
  readonly opcode: number;
  readonly region: Region;
  readonly enteredAt: number;
  /** Of the ways that jump to its end, the dearest. */
  leftAt: number;
}

/** The cost of a way that there is not: what follows a jump. */
const NOWHERE = Number.NEGATIVE_INFINITY;

/** Of the charge itself. */
const CHARGE_COST = 4;

/** Of leaving by a jump, which is on the way to where it leads. */
const JUMP_COST = 1;

/** One growth of the memory calls the operating system. */
const GROWTH_COST = 1_000;

/**
 * The body of a function with the meter in it; the global `fuel` counts. Instructions of the function itself must not reach that, so `fuel` is
 * also how many globals they may know. Throws UNREADABLE.
 */
export function meterBody(body: Cursor, fuel: number): readonly Uint8Array[] {
  const { bytes, at: bodyStart, end } = body;
  skipLocals(body);
  const parts: Uint8Array[] = [];
  let copied = bodyStart;
  for (const { start, cost } of measure(body, fuel)) {
    parts.push(bytes.subarray(copied, start), chargeOf(fuel, cost));
    copied = start;
  }
  return [...parts, bytes.subarray(copied, end)];
}

function skipLocals(body: Cursor): void {
  for (let groups = readNumber(body); groups > 0; groups -= 1) {
    skipNumber(body);
    readByte(body);
  }
}

/** The regions of a function, in the order of their starts. */
function measure(body: Cursor, globals: number): readonly Region[] {
  let region: Region = { start: body.at, cost: 0, outer: undefined, enteredAt: 0 };
  const regions = [region];
  const open: Construct[] = [{ opcode: OPCODE.block, region, enteredAt: 0, leftAt: NOWHERE }];
  /** The dearest way from the start of `region` to here. */
  let way = CHARGE_COST;

  function jump(depth: number): void {
    const target = open.at(-1 - depth);
    if (target === undefined) throw UNREADABLE;
    let from = region;
    let cost = way + JUMP_COST;
    for (; from !== target.region && from.outer !== undefined; from = from.outer) cost = from.enteredAt;
    target.leftAt = Math.max(target.leftAt, cost);
  }

  while (open.length > 0) {
    const opcode = readByte(body);
    // Growth is dear and rare, so it has a charge of its own instead of making every way past it dear.
    if (opcode === OPCODE.memoryGrow) regions.push({ ...region, start: body.at - 1, cost: GROWTH_COST });
    way += skipOperands(body, opcode, { globals, jump });
    region.cost = Math.max(region.cost, way);
    const construct = open.at(-1);
    switch (opcode) {
      case OPCODE.loop:
        open.push({ opcode, region, enteredAt: way, leftAt: NOWHERE });
        region = { start: body.at, cost: 0, outer: region, enteredAt: way };
        regions.push(region);
        way = CHARGE_COST;
        break;
      case OPCODE.block:
      case OPCODE.if:
        open.push({ opcode, region, enteredAt: way, leftAt: NOWHERE });
        break;
      case OPCODE.else:
        if (construct?.opcode !== OPCODE.if) throw UNREADABLE;
        construct.leftAt = Math.max(construct.leftAt, way);
        way = construct.enteredAt;
        break;
      case OPCODE.end:
        open.pop();
        if (construct === undefined) throw UNREADABLE;
        if (construct.opcode === OPCODE.loop) way = way === NOWHERE ? NOWHERE : construct.enteredAt;
        else way = Math.max(way, construct.leftAt);
        // An arm that is not taken; where both are given, this one is the cheapest and says nothing.
        if (construct.opcode === OPCODE.if) way = Math.max(way, construct.enteredAt);
        region = construct.region;
        region.cost = Math.max(region.cost, way);
        break;
      case OPCODE.unreachable:
      case OPCODE.br:
      case OPCODE.brTable:
      case OPCODE.return:
        way = NOWHERE;
        break;
    }
  }
  if (body.at !== body.end) throw UNREADABLE;
  return regions;
}

/** fuel -= cost; if (fuel < 0) trap. */
function chargeOf(fuel: number, cost: number): Uint8Array {
  const index = numberBytes(fuel);
  return Uint8Array.from([
    ...[OPCODE.globalGet, ...index, OPCODE.i32Const, ...positiveBytes(cost), OPCODE.i32Sub],
    ...[OPCODE.globalSet, ...index, OPCODE.globalGet, ...index, OPCODE.i32Const, 0, OPCODE.i32LtS],
    ...[OPCODE.if, OPCODE.noResult, OPCODE.unreachable, OPCODE.end],
  ]);
}
