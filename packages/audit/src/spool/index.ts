export type { Appended } from "./batch.ts";
export type { SpoolLevel } from "./capacity.ts";
export { fileDevice, type SpoolDevice } from "./device.ts";
export type { MissingRecords } from "./inventory.ts";
export { openSpool, type SpoolOptions } from "./open-spool.ts";
export type { SetAside } from "./repair.ts";
export type { RecoveryReport, Spool, SpoolBatch, SpoolPosition, SpoolUsage } from "./spool.ts";
export type { Durability } from "./writer.ts";
