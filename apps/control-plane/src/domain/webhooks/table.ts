// Webhooks, and what is to be delivered to each.
import { integer, jsonb, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { instant, whole } from "../../database/columns.ts";
import type { Delivery, StoredSecret, Webhook } from "./model.ts";

export const webhooks = pgTable(
  "webhooks",
  {
    tenant: text().notNull(),
    id: text().notNull(),
    url: text().notNull(),
    events: jsonb().$type<Webhook["events"]>().notNull(),
    description: text().notNull(),
    status: text().$type<Webhook["status"]>().notNull(),
    secrets: jsonb().$type<readonly StoredSecret[]>().notNull(),
    failingSince: instant("failing_since"),
    delivered: whole("delivered").notNull(),
    dropped: whole("dropped").notNull(),
    lastDeliveredAt: instant("last_delivered_at"),
    lastError: text("last_error").notNull(),
    createdAt: instant("created_at").notNull(),
    createdBy: text("created_by").notNull(),
    updatedAt: instant("updated_at").notNull(),
    updatedBy: text("updated_by").notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.id] })],
);

export const deliveries = pgTable(
  "webhook_deliveries",
  {
    tenant: text().notNull(),
    id: text().notNull(),
    webhookId: text("webhook_id").notNull(),
    type: text().$type<Delivery["type"]>().notNull(),
    body: text().notNull(),
    status: text().$type<Delivery["status"]>().notNull(),
    attempts: integer().notNull(),
    nextAt: instant("next_at").notNull(),
    giveUpAt: instant("give_up_at").notNull(),
    lease: text(),
    responseStatus: integer("response_status"),
    lastError: text("last_error").notNull(),
    createdAt: instant("created_at").notNull(),
    finishedAt: instant("finished_at"),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.id] })],
);
