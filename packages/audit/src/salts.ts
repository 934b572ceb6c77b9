// Salts for argument digests. Random bytes are drawn for many salts at a time, since asking the system costs about the same for sixteen
// bytes as for thousands; what was handed out is wiped from the block, so that a salt that its event forgets is forgotten here too.

const SALT_BYTES = 16;
const SALTS_PER_BLOCK = 256;

/** `fill` fills a block with random bytes. Each call of what is returned gives 128 fresh bits as 32 hexadecimal digits. */
export function createSalts(fill: (block: Buffer) => void): () => string {
  const block = Buffer.alloc(SALT_BYTES * SALTS_PER_BLOCK);
  let used = block.length;
  return () => {
    if (used === block.length) {
      fill(block);
      used = 0;
    }
    const end = used + SALT_BYTES;
    const salt = block.toString("hex", used, end);
    block.fill(0, used, end);
    used = end;
    return salt;
  };
}
