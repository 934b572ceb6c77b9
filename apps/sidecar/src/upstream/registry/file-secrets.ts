// Secrets in files of one folder. A name is one plain name, and what it leads to must be a regular file inside the folder: Kubernetes mounts
// secrets as links within it, and those may be followed; a link that leads out may not.
import { constants } from "node:fs";
import { type FileHandle, open, realpath } from "node:fs/promises";
import { join, sep } from "node:path";
import type { Secret } from "@postern/config";
import { noSecret, SECRET_BYTES_MAX, secretOf, secretTrouble } from "./secret-source.ts";

const PLAIN_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** @throws Fault "upstream.secret". */
export async function readSecretFile(folder: string, name: string): Promise<Secret> {
  if (!PLAIN_NAME.test(name)) throw noSecret("its name is no plain file name");
  let file: FileHandle | undefined;
  try {
    const [home, path] = await Promise.all([realpath(folder), realpath(join(folder, name))]);
    if (!path.startsWith(`${home}${sep}`)) throw noSecret("it leads out of the folder of secrets");
    // Nothing may come in between that is a link, or that would be waited for.
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    return secretOf(await readBounded(file));
  } catch (caught) {
    const code = (caught as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "ELOOP") throw noSecret("its file is not there");
    if (code === "upstream.secret") throw caught;
    throw secretTrouble(`its file cannot be read (${code ?? "unknown"})`);
  } finally {
    await file?.close();
  }
}

async function readBounded(file: FileHandle): Promise<string> {
  const stat = await file.stat();
  if (!stat.isFile()) throw noSecret("it is no file");
  const bytes = Buffer.alloc(SECRET_BYTES_MAX + 1);
  const { bytesRead } = await file.read(bytes, 0, bytes.byteLength, 0);
  if (bytesRead > SECRET_BYTES_MAX) throw noSecret(`its file is larger than ${SECRET_BYTES_MAX} bytes`);
  return bytes.toString("utf8", 0, bytesRead);
}
