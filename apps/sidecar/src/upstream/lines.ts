// Newline-delimited JSON, as MCP over stdio frames it: one message per line, lines bounded, input in any pieces.
import { Buffer } from "node:buffer";
import { upstreamFault } from "./upstream.ts";

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;

export interface LineSplitter {
  /**
   * Complete lines, without their ends; empty ones are left out.
   * @throws Fault upstream "upstream.protocol" when a line exceeds its bound.
   */
  push(chunk: Uint8Array): Uint8Array[];
}

export function createLineSplitter({ lineBytesMax }: { lineBytesMax: number }): LineSplitter {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  const hold = (piece: Uint8Array) => {
    held.push(piece);
    heldBytes += piece.byteLength;
    if (heldBytes > lineBytesMax) {
      throw upstreamFault(
        "upstream.protocol",
        `The tool server sent a line larger than ${lineBytesMax} bytes`,
        { sent: true },
      );
    }
  };
  return {
    push(chunk) {
      const lines: Uint8Array[] = [];
      let start = 0;
      for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, start)) {
        hold(chunk.subarray(start, end));
        const line = held.length === 1 && held[0] !== undefined ? held[0] : Buffer.concat(held);
        if (line.byteLength > 0) lines.push(withoutLineEnds(line));
        held = [];
        heldBytes = 0;
        start = end + 1;
      }
      if (start < chunk.byteLength) hold(chunk.subarray(start));
      return lines;
    },
  };
}

/**
 * JSON text on one line. A raw line end can only be white space between tokens (inside strings it is written as an escape), so a space says
 * the same and no other byte changes. The bytes themselves come back when there is none.
 */
export function withoutLineEnds(json: Uint8Array): Uint8Array {
  if (!json.includes(LF) && !json.includes(CR)) return json;
  return json.map((byte) => (byte === LF || byte === CR ? SPACE : byte));
}
