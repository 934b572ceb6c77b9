// The disk as the spool sees it: few operations, each of which may fail. A port, so that tests can make the n-th one fail.
import {
  closeSync,
  fdatasync,
  fstatSync,
  fsync,
  ftruncateSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { promisify } from "node:util";

/** Numbers of a file and of its file system. */
export interface FileIdentity {
  readonly dev: bigint;
  readonly ino: bigint;
}

export interface SpoolDevice {
  /** Creates or empties the file. */
  create(path: string): number;
  /** Bytes written; may be fewer than asked. */
  write(fd: number, bytes: Buffer, start: number): number;
  truncate(fd: number, length: number): void;
  /** Which file this is, however it is named. */
  identify(fd: number): FileIdentity;
  /** Whether the path leads to that very file. */
  isAt(path: string, identity: FileIdentity): boolean;
  /** Resolves once the file's bytes would survive a loss of power. */
  sync(fd: number): Promise<void>;
  /** The same for the names in a directory. */
  syncDirectory(path: string): Promise<void>;
  close(fd: number): void;
  rename(from: string, to: string): void;
  remove(path: string): void;
}

const dataSync = promisify(fdatasync);
const fullSync = promisify(fsync);

export const fileDevice: SpoolDevice = {
  create: (path) => openSync(path, "w", 0o600),
  write: (fd, bytes, start) => writeSync(fd, bytes, start),
  truncate: (fd, length) => ftruncateSync(fd, length),
  identify(fd) {
    const { dev, ino } = fstatSync(fd, { bigint: true });
    return { dev, ino };
  },
  isAt(path, { dev, ino }) {
    const found = statSync(path, { bigint: true, throwIfNoEntry: false });
    return found !== undefined && found.ino === ino && found.dev === dev;
  },
  sync: (fd) => dataSync(fd),
  async syncDirectory(path) {
    const fd = openSync(path, "r");
    try {
      await fullSync(fd);
    } finally {
      closeSync(fd);
    }
  },
  close: (fd) => closeSync(fd),
  rename: (from, to) => renameSync(from, to),
  remove: (path) => rmSync(path, { force: true }),
};

/** Writes all of `bytes`, however many calls that takes. */
export function writeAll(device: SpoolDevice, fd: number, bytes: Buffer): void {
  for (let written = 0; written < bytes.length; ) written += device.write(fd, bytes, written);
}
