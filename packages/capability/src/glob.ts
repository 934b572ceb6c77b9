// Tool and agent patterns: `*` matches any run of characters, `?` exactly one, everything else is itself.
// Matching never normalises: what differs in case, accents or spaces is another name. Worst case is length × length.

/** Whether all of `text` matches `glob`. */
export function matchGlob(glob: string, text: string): boolean {
  let at = 0;
  let inGlob = 0;
  let afterStar = -1;
  let starTook = 0;
  while (at < text.length) {
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

export function matchAny(globs: readonly string[], text: string): boolean {
  return globs.some((glob) => matchGlob(glob, text));
}

function isPair(text: string, at: number): boolean {
  return (text.codePointAt(at) ?? 0) > 0xffff;
}
