// For tests: a disk on which one chosen operation fails.
import type { SpoolDevice } from "./device.ts";
import { hastyDevice } from "./sample-spool.ts";

/** Works until operation number `at` (from 1), which throws; a write then fails after half of its bytes. Works again afterwards. */
export function failingDevice(at: number, code: string): { device: SpoolDevice; operations: () => number } {
  let count = 0;
  const fails = () => {
    count += 1;
    return count === at;
  };
  const failure = () => Object.assign(new Error(`${code}: operation ${at}`), { code });
  const step = () => {
    if (fails()) throw failure();
  };
  const device: SpoolDevice = {
    create(path) {
      step();
      return hastyDevice.create(path);
    },
    write(fd, bytes, start) {
      if (!fails()) return hastyDevice.write(fd, bytes, start);
      hastyDevice.write(fd, bytes.subarray(0, start + Math.floor((bytes.length - start) / 2)), start);
      throw failure();
    },
    truncate(fd, length) {
      step();
      hastyDevice.truncate(fd, length);
    },
    identify(fd) {
      step();
      return hastyDevice.identify(fd);
    },
    isAt(path, identity) {
      step();
      return hastyDevice.isAt(path, identity);
    },
    async sync(fd) {
      step();
      await hastyDevice.sync(fd);
    },
    async syncDirectory(path) {
      step();
      await hastyDevice.syncDirectory(path);
    },
    close(fd) {
      step();
      hastyDevice.close(fd);
    },
    rename(from, to) {
      step();
      hastyDevice.rename(from, to);
    },
    remove(path) {
      step();
      hastyDevice.remove(path);
    },
  };
  return { device, operations: () => count };
}
