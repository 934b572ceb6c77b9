// Texts that others wrote, for a terminal: what nobody would see, and what a terminal would obey, is written out.

/** The text with everything but visible characters and blanks as `\u{…}`; `\` itself stays. */
export function visible(text: string): string {
  return text.replace(
    /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]|[\p{Variation_Selector}\u{e0000}-\u{e0fff}]|\u034f|\u115f|\u1160|\u3164|\uffa0/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}

/** A JSON value on one line, or on several with `indent`. */
export function visibleJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).split("\n").map(visible).join("\n");
}
