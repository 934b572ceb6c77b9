// Tool and agent patterns: `*` matches any run of characters, `?` exactly one, everything else is itself.
// Matching never normalises: what differs in case, accents or spaces is another name. The worst case is length × length, and a token's holder
// chooses both, so a match that takes too long is none.

/**
 * More than any name needs, whatever its glob, so that no denial by name is ever missed: both have at most 256 characters. A long text under a
 * harmless glob takes one step for each character.
 */
const STEPS_MAX = 200_000;

/** Whether all of `text` matches `glob`; false too when that cannot be told in `STEPS_MAX` steps beside one for each character. */
export function matchGlob(glob: string, text: string): boolean {
  let stepsLeft = STEPS_MAX + text.length;
  let at = 0;
  let inGlob = 0;
  let afterStar = -1;
  let starTook = 0;
  while (at < text.length) {
    stepsLeft -= 1;
    if (stepsLeft < 0) return false;
    if (glob[inGlob] === "*") {
      afterStar = inGlob + 1;
      starTook = at;
      inGlob = afterStar;
    } else if (glob[inGlob] === "?") {
      at += isPair(text, at) ? 2 : 1;
      inGlob += 1;
    } else if (inGlob < glob.length && glob[inGlob] === text[at]) {
      at += 1;
      inGlob += 1;
    } else if (afterStar >= 0) {
      // The latest star takes one character more: an earlier one never needs to.
      starTook += isPair(text, starTook) ? 2 : 1;
      at = starTook;
      inGlob = afterStar;
    } else {
      return false;
    }
  }
  while (glob[inGlob] === "*") inGlob += 1;
  return inGlob === glob.length;
}

/** Whether any of `globs` matches, ready to be asked of many texts: names are looked up, beginnings compared, only the rest is walked. */
export function anyOf(globs: readonly string[]): (text: string) => boolean {
  const names = new Set(globs.filter((glob) => !WILDCARD.test(glob)));
  const beginnings = globs.filter((glob) => glob.endsWith("*") && !WILDCARD.test(glob.slice(0, -1)));
  const prefixes = beginnings.map((glob) => glob.slice(0, -1));
  const patterns = globs.filter((glob) => !names.has(glob) && !beginnings.includes(glob));
  return (text) => {
    if (names.has(text)) return true;
    for (const prefix of prefixes) if (text.startsWith(prefix)) return true;
    for (const pattern of patterns) if (matchGlob(pattern, text)) return true;
    return false;
  };
}

const WILDCARD = /[*?]/;

function isPair(text: string, at: number): boolean {
  return (text.codePointAt(at) ?? 0) > 0xffff;
}
