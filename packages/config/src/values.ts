// How a setting's text becomes a value. Each schema takes the text of an environment variable; its message completes "NAME …".
import { z } from "zod";
import { type Secret, secret } from "./secret.ts";

export const text = (charactersMax = 4096) => z.string().min(1, "must not be empty").max(charactersMax);

export const integer = (limits: { min: number; max: number }) =>
  z
    .string()
    .regex(/^-?\d{1,15}$/, "must be a whole number")
    .transform(Number)
    .pipe(
      z
        .int()
        .min(limits.min, `must be at least ${limits.min}`)
        .max(limits.max, `must be at most ${limits.max}`),
    );

export const decimal = (limits: { min: number; max: number }) =>
  z
    .string()
    .regex(/^\d{1,15}(?:\.\d{1,9})?$/, "must be a decimal number")
    .transform(Number)
    .pipe(
      z
        .number()
        .min(limits.min, `must be at least ${limits.min}`)
        .max(limits.max, `must be at most ${limits.max}`),
    );

/** TCP port; 0 = any free one. */
export const port = () =>
  z
    .string()
    .refine((value) => !value.startsWith("tcp://"), {
      message: "looks like a Kubernetes service link: set enableServiceLinks: false on the pod",
      abort: true,
    })
    .pipe(integer({ min: 0, max: 65_535 }));

export const flag = () =>
  z
    .enum(["true", "false", "1", "0"], "must be true or false")
    .transform((value) => value === "true" || value === "1");

export const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, `must be one of ${values.join(", ")}`);

/** Comma-separated words; blanks around them are dropped. */
export const list = () =>
  z.string().transform((value) =>
    value
      .split(",")
      .map((word) => word.trim())
      .filter((word) => word !== ""),
  );

export const httpUrl = () =>
  z.url({ protocol: /^https?$/, message: "must be an http or https address" }).refine((value) => {
    const url = URL.parse(value);
    return url !== null && url.username === "" && url.password === "" && url.hash === "";
  }, "must hold no credentials and no fragment");

/** JSON text that fits `schema`. */
export const json = <S extends z.ZodType>(schema: S) =>
  z
    .string()
    .transform((value, context) => {
      try {
        return JSON.parse(value) as unknown;
      } catch {
        context.addIssue({ code: "custom", message: "must be JSON" });
        return z.NEVER;
      }
    })
    .pipe(schema);

/** Text that must never be printed. */
export const secretText = () =>
  z
    .string()
    .min(1, "must not be empty")
    .max(65_536)
    .transform((value): Secret => secret(value));
