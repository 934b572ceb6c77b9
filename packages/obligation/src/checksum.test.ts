import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { modulo97, passesElevenTest, passesLuhn } from "./checksum.ts";
import { bankAccount } from "./recognizers/bank-account.ts";
import { isCard } from "./recognizers/payment-card.ts";
import { vatNumber } from "./recognizers/vat-number.ts";

const isWhole = (reader: typeof vatNumber, text: string) => {
  const span = reader.read(text, 0);
  return span?.start === 0 && span.end === text.length;
};

test("payment cards are told by scheme, length and check digit", () => {
  const cards =
    "4111111111111111 4222222222222 5555555555554444 5105105105105100 2223003122003222 378282246310005 371449635398431 " +
    "30569309025904 38520000023237 6011111111111117 3530111333300000 6304000000000000 6200000000000005";
  for (const digits of cards.split(" ")) {
    assert.ok(isCard(digits), digits);
    assert.ok(
      !isCard(`${digits.slice(0, -1)}${(Number(digits.at(-1)) + 1) % 10}`),
      `${digits}, last digit changed`,
    );
  }
  for (const digits of ["411111111111", "1111111111111117", "9999999999999995"])
    assert.ok(!isCard(digits), digits);
});

test("any single wrong digit fails Luhn and the 11-test", () => {
  const change = fc.record({ at: fc.nat(8), by: fc.integer({ min: 1, max: 9 }) });
  fc.assert(
    fc.property(change, ({ at, by }) => {
      const altered = (text: string) =>
        text.slice(0, at) + ((Number(text[at]) + by) % 10) + text.slice(at + 1);
      assert.ok(!passesLuhn(altered("4111111111111111")));
      assert.ok(!passesElevenTest(altered("111222333")));
    }),
  );
});

test("IBANs of many countries are valid, and no altered one is", () => {
  const accounts =
    "AL47212110090000000235698741 AD1200012030200359100100 AT611904300234573201 BE68539007547034 BG80BNBG96611020345678 CH9300762011623852957 " +
    "CY17002001280000001200527600 CZ6508000000192000145399 DE89370400440532013000 DK5000400440116243 EE382200221020145685 ES9121000418450200051332 " +
    "FI2112345600000785 FR1420041010050500013M02606 GB29NWBK60161331926819 GR1601101250000000012300695 HR1210010051863000160 HU42117730161111101800000000 " +
    "IE29AIBK93115212345678 IT60X0542811101000000123456 LT121000011101001000 LU280019400644750000 LV80BANK0000435195001 MT84MALT011000012345MTLCAST001S " +
    "NL91ABNA0417164300 NO9386011117947 PL61109010140000071219812874 PT50000201231234567890154 RO49AAAA1B31007593840000 SE4550000000058398257466 " +
    "SI56263300012039086 SK3112000000198742637541";
  for (const account of accounts.split(" ")) {
    assert.ok(isWhole(bankAccount, account), account);
    const last = account.at(-1) ?? "";
    const altered = account.slice(0, -1) + (last === "9" ? "8" : /\d/.test(last) ? Number(last) + 1 : "T");
    assert.ok(!isWhole(bankAccount, altered), altered);
    assert.ok(
      !isWhole(bankAccount, `${account}0`) && !isWhole(bankAccount, account.slice(0, -1)),
      "other length",
    );
  }
  assert.equal(modulo97("97"), 0);
});

test("VAT numbers are told by the form and the check digits of their country", () => {
  const numbers =
    "ATU13585627 BE0203201340 BG175074752 CY10259033P CZ46505334 DE136695976 DK13585628 EE100594102 EL094259216 ES54362315K ESA58818501 " +
    "ESX2482300W FI20774740 FR40303265045 FR23334175221 HR33392005961 HU12892312 IE6433435F IE6433435OA IT00743110157 LT119511515 LT100001919017 " +
    "LU15027442 LV40003521600 MT11679112 NL004495445B01 NL123456789B13 PL8567346215 PT501964843 RO18547290 SE123456789701 SI50223054 SK2022749619 XI434031494";
  for (const text of numbers.split(" ")) {
    assert.ok(isWhole(vatNumber, text), text);
    if (text.startsWith("CY")) continue;
    const altered = text.replace(/\d(?=(\D|B\d\d|01)*$)/, (digit) => String((Number(digit) + 1) % 10));
    assert.ok(!isWhole(vatNumber, altered), `${text} → ${altered}`);
  }
});

test("the 11-test takes real numbers only", () => {
  for (const digits of ["111222333", "123456782", "010464554"]) assert.ok(passesElevenTest(digits), digits);
  for (const digits of ["123456789", "000000000", "111222334"]) assert.ok(!passesElevenTest(digits), digits);
});
