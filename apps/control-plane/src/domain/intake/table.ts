// What has arrived from the sidecars' spools: how far each boot has come, the hashes of what came together, and calls that are half known.
import { pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { whole } from "../../database/columns.ts";
import type { OpenCall } from "./model.ts";

const stream = {
  tenant: text().notNull(),
  sidecarId: text("sidecar_id").notNull(),
  epoch: whole("epoch").notNull(),
};

export const auditStreams = pgTable(
  "audit_streams",
  {
    ...stream,
    received: whole("received").notNull(),
    receivedHash: text("received_hash").notNull(),
    covered: whole("covered").notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.sidecarId, table.epoch] })],
);

export const auditBatches = pgTable(
  "audit_batches",
  {
    ...stream,
    lastSequence: whole("last_sequence").notNull(),
    firstSequence: whole("first_sequence").notNull(),
    /** 64 digits for each record. */
    hashes: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.sidecarId, table.epoch, table.lastSequence] })],
);

export const auditOpenCalls = pgTable(
  "audit_open_calls",
  {
    ...stream,
    eventId: text("event_id").notNull(),
    half: text().$type<OpenCall["half"]>().notNull(),
    sequence: whole("sequence").notNull(),
    body: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.sidecarId, table.eventId] })],
);
