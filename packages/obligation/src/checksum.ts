// Check digits: what tells a number that was issued from one that merely looks like it. Each takes text of digits (IBAN: letters too).

/** ISO/IEC 7812: payment cards, and a few national numbers. */
export function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let at = digits.length - 1, isDoubled = false; at >= 0; at -= 1, isDoubled = !isDoubled) {
    const digit = valueAt(digits, at) * (isDoubled ? 2 : 1);
    sum += digit > 9 ? digit - 9 : digit;
  }
  return sum % 10 === 0;
}

/** Sum of each digit times its weight; digits beyond the last weight do not count. */
export function weigh(digits: string, weights: readonly number[]): number {
  return weights.reduce((sum, weight, at) => sum + weight * valueAt(digits, at), 0);
}

/** Remainder by 97 of a text of digits and letters, where A is 10 and Z is 35 (ISO/IEC 7064). */
export function modulo97(text: string): number {
  let remainder = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    remainder = code < 58 ? remainder * 10 + code - 48 : remainder * 100 + (code & 0xdf) - 55;
    remainder %= 97;
  }
  return remainder;
}

/** ISO/IEC 7064 MOD 11,10: the last digit checks those before it. */
export function passesMod11And10(digits: string): boolean {
  let product = 10;
  for (let at = 0; at < digits.length - 1; at += 1) {
    const sum = (valueAt(digits, at) + product) % 10 || 10;
    product = (sum * 2) % 11;
  }
  return (11 - product) % 10 === valueAt(digits, digits.length - 1);
}

/** The Dutch 11-test of a citizen service number: weights 9 to 2, the last digit counted negative. */
export function passesElevenTest(digits: string): boolean {
  return weigh(digits, [9, 8, 7, 6, 5, 4, 3, 2, -1]) % 11 === 0 && !/^0+$/.test(digits);
}

const valueAt = (digits: string, at: number): number => digits.charCodeAt(at) - 48;
