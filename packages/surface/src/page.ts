// The one way in which lists are paged: `limit` and an opaque `cursor` in the query, `items` and `next_cursor` in the reply.
import { z } from "zod";
import { CURSOR_CHARS_MAX } from "./cursor.ts";
import { wholeNumber } from "./query-field.ts";

/** Fields to spread into a list's query: `z.strictObject({ ...pageQuery(), tool: z.string().optional() })`. */
export function pageQuery(options: { limitMax?: number; limitDefault?: number } = {}) {
  const { limitMax = 1000, limitDefault = 100 } = options;
  return {
    limit: wholeNumber(1, limitMax)
      .default(limitDefault)
      .describe(`At most this many items (1 to ${limitMax}; ${limitDefault} when absent).`),
    cursor: z
      .string()
      .min(1)
      .max(CURSOR_CHARS_MAX)
      .optional()
      .describe("Opaque text from `next_cursor` of the page before."),
  };
}

/** A page of items. `next_cursor` is absent on the last page. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.strictObject({ items: z.array(item), next_cursor: z.string().optional() });
}
