// Every instruction that a metered module may hold: WebAssembly 1.0, sign extension and saturating conversion. Memory in bulk, vectors,
// exceptions and whatever comes later are unknown. (https://www.w3.org/TR/wasm-core-1/#binary-instr)
import { type Cursor, readNumber, skip, skipNumber, UNREADABLE } from "./wasm-bytes.ts";

export const OPCODE = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  brTable: 0x0e,
  return: 0x0f,
  globalGet: 0x23,
  globalSet: 0x24,
  memoryGrow: 0x40,
  /** Type of a block without a result. */
  noResult: 0x40,
  i32Const: 0x41,
  i32LtS: 0x48,
  i32Sub: 0x6b,
} as const;

export interface Surroundings {
  /** How many globals the instructions may name. */
  readonly globals: number;
  /** Hears of each jump, by how many constructs it leaves or goes on with beyond the innermost. */
  readonly jump: (depth: number) => void;
}

/** Units of work, each about an instruction of a processor. What only names or moves a value costs nothing. */
const COST = { nothing: 0, plain: 1, call: 4, division: 20 } as const;

/** Integer divisions and remainders, divisions and square roots of floating point. */
const DIVISIONS: ReadonlySet<number> = new Set([
  ...[0x6d, 0x6e, 0x6f, 0x70, 0x7f, 0x80, 0x81, 0x82],
  ...[0x91, 0x95, 0x9f, 0xa3],
]);

/** Passes over the operands of an instruction; says what it costs. Throws UNREADABLE. */
export function skipOperands(body: Cursor, opcode: number, { globals, jump }: Surroundings): number {
  switch (opcode) {
    case OPCODE.block:
    case OPCODE.loop:
      skipNumber(body, 33);
      return COST.nothing;
    case OPCODE.if:
      skipNumber(body, 33);
      return COST.plain;
    case OPCODE.br:
    case OPCODE.brIf:
      jump(readNumber(body));
      return COST.plain;
    case OPCODE.brTable:
      for (let targets = readNumber(body); targets >= 0; targets -= 1) jump(readNumber(body));
      return COST.plain;
    case OPCODE.globalGet:
    case OPCODE.globalSet:
      if (readNumber(body) >= globals) throw UNREADABLE;
      return COST.plain;
    case 0x10: // call
      skipNumber(body);
      return COST.call;
    case 0x11: // call_indirect
      skipNumber(body);
      skipNumber(body);
      return 2 * COST.call;
    case 0x3f: // memory.size
    case OPCODE.memoryGrow:
      skipNumber(body);
      return COST.plain;
    case 0x20: // local.get, local.set, local.tee, i32.const
    case 0x21:
    case 0x22:
    case OPCODE.i32Const:
      skipNumber(body);
      return COST.nothing;
    case 0x42: // i64.const
      skipNumber(body, 64);
      return COST.nothing;
    case 0x43: // f32.const
      skip(body, 4);
      return COST.nothing;
    case 0x44: // f64.const
      skip(body, 8);
      return COST.nothing;
    case 0xfc: // The eight saturating conversions.
      if (readNumber(body) > 7) throw UNREADABLE;
      return COST.plain;
    default:
      return costOfPlain(body, opcode);
  }
}

function costOfPlain(body: Cursor, opcode: number): number {
  const isControl = opcode <= 0x01 || opcode === OPCODE.else || opcode === OPCODE.end;
  if (isControl || opcode === 0x1a) return COST.nothing; // and drop
  if (opcode === OPCODE.return || opcode === 0x1b) return COST.plain; // and select
  // Loads and stores: alignment and offset.
  if (opcode >= 0x28 && opcode <= 0x3e) {
    skipNumber(body);
    skipNumber(body);
    return COST.plain;
  }
  // Comparisons, arithmetic, conversions.
  if (opcode < 0x45 || opcode > 0xc4) throw UNREADABLE;
  return DIVISIONS.has(opcode) ? COST.division : COST.plain;
}
