// Column kinds that every table uses in the same way.
import { bigint, customType, timestamp } from "drizzle-orm/pg-core";

/** An instant, to the millisecond, as a Date. */
export const instant = (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: "date" });

/** A whole number up to 2^53. */
export const whole = (name: string) => bigint(name, { mode: "number" });

export const bytes = customType<{ data: Uint8Array }>({ dataType: () => "bytea" });
