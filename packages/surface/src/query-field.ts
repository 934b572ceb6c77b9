// Query values arrive as text; these read a number or a yes out of it, and nothing that merely looks like one (" 1", "0x10", "1e3").
import { z } from "zod";

/** Decimal digits, `min` to `max`. */
export function wholeNumber(min: number, max: number) {
  return z.preprocess(
    (value) => (typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : value),
    z.int().min(min).max(max),
  );
}

/** `true` or `false`. */
export function flag() {
  return z.preprocess((value) => (value === "true" ? true : value === "false" ? false : value), z.boolean());
}
