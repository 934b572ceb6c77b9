// What finds one class of data in a text. A recognizer is asked at places that cost nothing to find, its anchors, and reads from there. To
// stay linear on hostile text it reads a bounded stretch, or a run of characters that no other anchor makes it read again.

/** Part of a text, end exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface Recognizer {
  readonly class: string;
  /**
   * Characters at which it is asked. Letters and digits count at the beginning of a word only: neither a letter nor a digit stands before.
   */
  readonly anchors: string;
  /** Characters that may follow the anchor; any by default. */
  readonly seconds?: string;
  /** Whether a match has a digit in the word where it begins, so that words without one are passed over. */
  readonly needsDigit?: boolean;
  /** The match that belongs to the anchor at `at`, if there is one. */
  read(text: string, at: number): Span | undefined;
}

export const DIGITS = "0123456789";
export const UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
export const LETTERS = `${UPPER}${UPPER.toLowerCase()}`;
