// The text that recognizers read: written out in ASCII as far as it can be, so that full-width digits, invisible characters inside a number
// and typographic hyphens hide nothing. Each character knows where it came from, and only the original text is ever sent on.

export interface FoldedText {
  readonly text: string;
  /** Where in the original text the character at `at` begins. */
  startOf(at: number): number;
  /** Where in the original text the character before `at` ends. */
  endOf(at: number): number;
}

export function foldText(original: string): FoldedText {
  let text = "";
  const starts: number[] = [];
  const ends: number[] = [];
  let at = 0;
  for (const character of original) {
    const folded = character < "\x80" ? character : foldCharacter(character);
    for (let unit = 0; unit < folded.length; unit += 1) {
      starts.push(at);
      ends.push(at + character.length);
    }
    text += folded;
    at += character.length;
  }
  return { text, startOf: (index) => starts[index] ?? at, endOf: (index) => ends[index - 1] ?? 0 };
}

/** Letters of an alphabet or two; a text that mixes more than that may pay again. */
const REMEMBERED_MAX = 4_096;
const remembered = new Map<string, string>();

function foldCharacter(character: string): string {
  const known = remembered.get(character);
  if (known !== undefined) return known;
  const folded = foldAnew(character);
  if (remembered.size >= REMEMBERED_MAX) remembered.clear();
  remembered.set(character, folded);
  return folded;
}

function foldAnew(character: string): string {
  if (/[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Mn}\p{Me}]/u.test(character)) return "";
  if (/[\p{Pd}\u2212]/u.test(character)) return "-";
  if (/[\u3002\uff61]/.test(character)) return ".";
  if (/\p{Zs}/u.test(character)) return " ";
  if (/\p{Nd}/u.test(character)) return digitOf(character);
  const compatible = character.normalize("NFKC");
  return /^[ -~]+$/.test(compatible) ? compatible : character;
}

/** Decimal digits stand in the code table in rows of ten, from zero up; rows may follow one another. */
function digitOf(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  let first = code;
  while (/\p{Nd}/u.test(String.fromCodePoint(first - 1))) first -= 1;
  return String((code - first) % 10);
}
