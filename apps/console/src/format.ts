// How values read on the page. Instants are UTC everywhere, because a security team compares them with other logs; what a name could hide
// (control characters, changes of writing direction, characters without width) is spelled out.

// Line feeds and tabs stay: texts of several lines are shown as they are. A braille pattern without a dot is a blank that is no blank.
const HIDDEN = /[^\P{C}\n\t]|\p{Zl}|\p{Zp}|\p{Default_Ignorable_Code_Point}|\u2800/gu;

/** The text with nothing hidden in it. */
export function visible(text: string): string {
  return text.replace(HIDDEN, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/** `2026-01-31 09:05:07.120`; what is not an instant comes back as it is. */
export function instant(text: string | undefined): string {
  if (text === undefined || text === "") return "–";
  const atMs = Date.parse(text);
  if (Number.isNaN(atMs)) return text;
  return new Date(atMs)
    .toISOString()
    .replace("T", " ")
    .replace(/(\.000)?Z$/, "");
}

export function count(value: number): string {
  return value.toLocaleString("en");
}

/** "1 event", "2 events". */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}

export function percent(part: number, whole: number): string {
  if (whole === 0) return "–";
  const share = (100 * part) / whole;
  return share > 0 && share < 1 ? "< 1 %" : `${Math.round(share)} %`;
}

export function milliseconds(value: number): string {
  return value < 10_000 ? `${count(value)} ms` : `${(value / 1000).toFixed(1)} s`;
}

/** How much time is left, in its two largest units: "1 h 5 min", "4 min 10 s", "9 s"; "" when none is. */
export function remaining(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds <= 0) return "";
  const units = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3_600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [seconds % 60, "s"],
  ] as const;
  const first = units.findIndex(([value]) => value > 0);
  return units
    .slice(first, first + 2)
    .filter(([value]) => value > 0)
    .map(([value, unit]) => `${value} ${unit}`)
    .join(" ");
}

/** The first digits of a digest or an id; the whole is at hand elsewhere. */
export function shortened(text: string, characters = 12): string {
  return text.length <= characters + 1 ? text : `${text.slice(0, characters)}…`;
}

/** A field's local text `2026-01-31T09:05` meant as UTC → RFC 3339; undefined when it is empty or no instant. */
export function instantOfField(value: string): string | undefined {
  const atMs = value === "" ? Number.NaN : Date.parse(`${value}Z`);
  return Number.isNaN(atMs) ? undefined : new Date(atMs).toISOString();
}

/** RFC 3339 → what a field of the kind `datetime-local` takes, in UTC, to the second. */
export function fieldOfInstant(text: string): string {
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? "" : new Date(atMs).toISOString().slice(0, 19);
}
