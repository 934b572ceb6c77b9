// Bank accounts in the international form (ISO 13616): a country that has one, its exact length, and a remainder of 1 by 97.
import { ALNUM, DIGIT, isAt, LETTER } from "../character.ts";
import { modulo97 } from "../checksum.ts";
import { LETTERS, type Recognizer } from "../recognizer.ts";

/** Lengths of the IBAN registry, by country. */
const LENGTHS: ReadonlyMap<string, number> = new Map(
  (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 " +
    "FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 " +
    "LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 " +
    "SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30"
  )
    .split(" ")
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
);

export const bankAccount: Recognizer = {
  class: "iban",
  anchors: LETTERS,
  seconds: LETTERS,
  needsDigit: true,
  read(text, at) {
    if (!isAt(text, at + 1, LETTER) || !isAt(text, at + 2, DIGIT) || !isAt(text, at + 3, DIGIT))
      return undefined;
    const length = LENGTHS.get(text.slice(at, at + 2).toUpperCase());
    if (length === undefined) return undefined;
    let characters = "";
    let end = at;
    for (; characters.length < length; end += 1) {
      if (isAt(text, end, ALNUM)) characters += text.charAt(end);
      else if (!" -.".includes(text.charAt(end) || "x") || !isAt(text, end + 1, ALNUM)) return undefined;
    }
    if (isAt(text, end, ALNUM)) return undefined;
    return modulo97(characters.slice(4) + characters.slice(0, 4)) === 1 ? { start: at, end } : undefined;
  },
};
