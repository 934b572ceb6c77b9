// One canonical tar: entries sorted by path, owner, times and modes fixed, so that equal files are equal bytes and have one digest.
import { buffer } from "node:stream/consumers";
import { extract, pack } from "tar-stream";

export interface TarFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** The canonical archive of these files. */
export async function packTar(files: readonly TarFile[]): Promise<Uint8Array> {
  const archive = pack();
  const fixed = {
    mode: 0o644,
    mtime: new Date(0),
    uid: 0,
    gid: 0,
    uname: "",
    gname: "",
    type: "file",
  } as const;
  for (const { path, bytes } of [...files].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    archive.entry({ name: path, size: bytes.byteLength, ...fixed }, Buffer.from(bytes));
  }
  archive.finalize();
  return buffer(archive);
}

/** Every entry of an archive, in its order. Throws on an archive that is cut short or holds anything but plain files. */
export async function unpackTar(bytes: Uint8Array): Promise<readonly TarFile[]> {
  const files: TarFile[] = [];
  const archive = extract();
  archive.end(bytes);
  for await (const entry of archive) {
    if (entry.header.type !== "file") throw new Error(`${entry.header.name} is not a plain file`);
    files.push({ path: entry.header.name, bytes: await buffer(entry) });
  }
  return files;
}
