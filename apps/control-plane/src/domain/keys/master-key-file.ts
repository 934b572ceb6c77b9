// The embedded default's own master key: made once, beside the database that it protects, readable by its owner only. Good enough for a
// demo, and said to be so: whoever copies the folder has both.
import { linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readMasterKey } from "./master-key.ts";

/** The key of `<dataDirectory>/master.key`, made when it is not there. Faults: invalid "keys.master_key". */
export function masterKeyOf(dataDirectory: string, randomBytes: (count: number) => Uint8Array): Uint8Array {
  const path = join(dataDirectory, "master.key");
  const draft = `${path}.${process.pid}`;
  // Written whole under another name and then linked: a file that is there is a file that is complete.
  writeFileSync(draft, `${Buffer.from(randomBytes(32)).toString("base64url")}\n`, { mode: 0o400 });
  try {
    linkSync(draft, path);
  } catch (caught) {
    if (!(caught instanceof Error && "code" in caught && caught.code === "EEXIST")) throw caught;
  } finally {
    rmSync(draft, { force: true });
  }
  return readMasterKey(readFileSync(path, "utf8"));
}
