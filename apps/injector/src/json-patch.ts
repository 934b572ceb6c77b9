// The two operations of RFC 6902 that the injector needs. A pointer is made of segments here and nowhere else, so that no name that a user
// chose can reach another place.

export interface Operation {
  readonly op: "add" | "replace";
  /** JSON Pointer, RFC 6901. */
  readonly path: string;
  readonly value: unknown;
}

export type Segment = string | number;

export const add = (path: readonly Segment[], value: unknown): Operation => ({
  op: "add",
  path: pointer(path),
  value,
});

export const replace = (path: readonly Segment[], value: unknown): Operation => ({
  op: "replace",
  path: pointer(path),
  value,
});

/** Puts `value` in front of the array at `path`, which is made when `existing` says that there is none. */
export const prepend = (path: readonly Segment[], value: unknown, existing: object | undefined): Operation =>
  existing === undefined ? add(path, [value]) : add([...path, 0], value);

/** Puts `values` behind those of the array at `path`, which is made when `existing` says that there is none. */
export const append = (
  path: readonly Segment[],
  values: readonly unknown[],
  existing: object | undefined,
): readonly Operation[] =>
  existing === undefined ? [add(path, values)] : values.map((value) => add([...path, "-"], value));

/** RFC 6901 §3: "~" first, so that an escape is not escaped again. */
function pointer(path: readonly Segment[]): string {
  return path.map((segment) => `/${String(segment).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}
