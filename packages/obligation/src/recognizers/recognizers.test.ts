import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { createFinder } from "../finder.ts";
import { foldText } from "../folded-text.ts";
import { CLASSES, RECOGNIZERS } from "./built-in.ts";

const finder = createFinder(RECOGNIZERS);

/** What each class finds in a text, in the text's own characters. */
function found(text: string, name: string): string[] {
  const folded = foldText(text);
  const matches = finder.find(text) ?? finder.findFolded(folded.text);
  return matches
    .filter((match) => match.class === name)
    .map(({ start, end }) => text.slice(folded.startOf(start), folded.endOf(end)));
}

const mixed = (length: number) => "aB3dE5gH7j".repeat(26).slice(0, length);

/** Class → texts with what is to be found between ⟦ and ⟧. */
const finds: Readonly<Record<string, readonly string[]>> = {
  email: [
    "write to ⟦ada@example.com⟧.",
    "<⟦Ada.Lovelace+tag@mail.example.co.uk⟧>",
    "mailto:⟦a@b.io⟧?subject=x",
    "?email=⟦ada@example.com⟧&x=1",
    "请联系⟦foo@bar.com⟧谢谢",
    "⟦用户@例子.公司⟧",
    "⟦josé@example.com⟧",
    "⟦ada＠example．com⟧",
    "⟦ada@exa\u200bmple.com⟧",
    "**⟦ada@example.com⟧**",
    "⟦a@b.co⟧,⟦c@d.co⟧",
  ],
  phone_intl: [
    "⟦+31 6 12345678⟧",
    "tel:⟦+442079460958⟧",
    "call ⟦+44 (0)20 7946 0958⟧ now",
    "⟦+1-202-555-0143⟧",
    "⟦0031 6 12345678⟧",
    "⟦+49.30.123456⟧.",
    "⟦＋３１ ６ １２３４５６７８⟧",
  ],
  iban: [
    "⟦NL91 ABNA 0417 1643 00⟧",
    "⟦DE89370400440532013000⟧.",
    "iban:⟦gb82west12345698765432⟧",
    "⟦FR14 2004 1010 0505 0001 3M02 606⟧ x",
    "⟦NL91\u00a0ABNA\u00a00417\u00a01643\u00a000⟧",
    "口座⟦MT84MALT011000012345MTLCAST001S⟧です",
  ],
  bsn: ["bsn ⟦111222333⟧", "⟦123456782⟧", "⟦1112.22.333⟧", "⟦111 222 333⟧", "⟦١١١٢٢٢٣٣٣⟧"],
  credit_card: [
    "⟦4111 1111 1111 1111⟧",
    "⟦4111-1111-1111-1111⟧.",
    "⟦5555555555554444⟧",
    "⟦2223003122003222⟧",
    "⟦378282246310005⟧ and ⟦3782 822463 10005⟧",
    "⟦30569309025904⟧",
    "⟦6011111111111117⟧",
    "⟦3530111333300000⟧",
    "order 12 ⟦4111111111111111⟧ 5",
    "12,⟦4111111111111111⟧,5",
    "⟦４１１１１１１１１１１１１１１１⟧",
    "⟦4111\u200b1111\u20601111\u00ad1111⟧",
    "⟦4111‑1111‑1111‑1111⟧",
    "カード⟦4111111111111111⟧です",
    "⟦𝟒𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏⟧",
  ],
  ssn_us: ["⟦536-90-4399⟧", "SSN: ⟦536904399⟧", "⟦536 90 4399⟧"],
  vat_eu: ["VAT ⟦DE136695976⟧", "⟦BE 0203.201.340⟧", "⟦NL004495445B01⟧,", "⟦ATU13585627⟧"],
  ipv4: ["from ⟦10.1.2.3⟧:80", "⟦192.168.0.0⟧/16", "at ⟦8.8.8.8⟧."],
  ipv6: [
    "[⟦2001:db8::1⟧]:443",
    "⟦fe80::1ff:fe23:4567:890a⟧%eth0",
    "⟦2001:db8:0:0:0:0:2:1⟧",
    "⟦::ffff:192.0.2.128⟧",
  ],
  aws_access_key: ["⟦AKIAIOSFODNN7EXAMPLE⟧", 'id="⟦ASIAABCDEFGHIJKLMNOP⟧"'],
  aws_secret_key: [
    "aws_secret_access_key = ⟦wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY⟧",
    "AKIAIOSFODNN7EXAMPLE,⟦wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY⟧",
    '{"SecretAccessKey": "⟦wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY⟧"}',
  ],
  github_pat: [`⟦ghp_${mixed(36)}⟧`, `x=⟦github_pat_${mixed(22)}_${mixed(59)}⟧;`, `⟦ghs_${mixed(40)}⟧`],
  jwt: [
    "⟦eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln⟧.",
    "⟦eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.⟧",
    "a=⟦eyJhbGciOiJkaXIi..aXY.Y3Q.dGFn⟧",
  ],
  oauth_bearer: [
    "Authorization: Bearer ⟦mF_9.B5f-4.1JqM0000==⟧",
    "bearer: ⟦abcdefgh12345678⟧",
    `⟦ya29.${mixed(40)}⟧`,
  ],
  ssh_private_key: [
    "x ⟦-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----⟧ y",
    "⟦-----BEGIN PRIVATE KEY-----\\nAAAA\\n-----END PRIVATE KEY-----⟧\\n",
    "⟦-----BEGIN PGP PRIVATE KEY BLOCK-----\nAAAA⟧",
  ],
  gcp_service_account_key: [
    'x ⟦{"type": "service_account", "private_key_id": "a", "private_key": "b"}⟧ y',
    '⟦{"private_key":"b","type":"service_account"}⟧',
  ],
  slack_token: ["⟦xoxb-1234567890-abcdefghij⟧", "⟦xapp-1-A0123456789-0123456789-abcdef⟧"],
  stripe_key: [`⟦sk_live_${mixed(24)}⟧`, `⟦whsec_${mixed(32)}⟧`],
  npm_token: [`//registry/:_authToken=⟦npm_${mixed(36)}⟧`],
  postern_token: [
    `⟦v4.public.${mixed(120)}.${mixed(20)}~v4.public.${mixed(120)}⟧.`,
    `⟦k4.secret.${mixed(86)}⟧`,
  ],
  generic_api_key: [
    'api_key="⟦abcd1234efgh5678⟧"',
    "X-Api-Key: ⟦abcd1234efgh5678⟧",
    '{"clientSecret":"⟦abcd1234efgh5678⟧"}',
    "https://x.test/?access_token=⟦abcd1234efgh5678⟧&page=2",
    "password: ⟦hunter2hunter2⟧",
    "DB_PASSWORD => '⟦s3cr3t-pass⟧'",
    `⟦AIza${mixed(35)}⟧`,
    `⟦sk-ant-${mixed(40)}⟧`,
    `⟦glpat-${mixed(20)}⟧`,
    `⟦sk-proj-${mixed(60)}⟧`,
  ],
};

for (const [name, texts] of Object.entries(finds)) {
  test(`${name} is found, and exactly as far as it goes`, () => {
    for (const marked of texts) {
      const wanted = [...marked.matchAll(/⟦(.*?)⟧/gs)].map((match) => match[1]);
      assert.deepEqual(found(marked.replaceAll(/[⟦⟧]/g, ""), name), wanted, marked);
    }
  });
}

test("every class has texts in which it is found", () => {
  assert.deepEqual(Object.keys(finds).sort(), [...CLASSES].sort());
});

const leaves: Readonly<Record<string, readonly string[]>> = {
  email: [
    "@ada",
    "ada@",
    "a@b",
    "a@b.c",
    "npm i @scope/pkg@1.2.3",
    "git@@x",
    "x @ y.com",
    "a@.com",
    "@".repeat(50),
  ],
  phone_intl: [
    "+1700000000",
    "+20240101",
    "2024-01-01T00:00:00+01:00",
    "a+31612345678",
    "0012",
    "1+1=2",
    "+999999999999",
  ],
  iban: ["NL92 ABNA 0417 1643 00", "NL91ABNA041716430", "XX91ABNA0417164300", "xNL91ABNA0417164300", "AB12"],
  bsn: ["111222334", "000000000", "3.111222333", "111222333.5", "a111222333", "1112223330"],
  credit_card: [
    "4111 1111 1111 1112",
    "41111111111111111",
    "0.4111111111111111",
    "a4111111111111111",
    "41 11 11 11 11 11 11 11",
    "1700000000000",
    "1234567890123456",
    "0000000000000000",
  ],
  ssn_us: [
    "000-12-3456",
    "666-12-3456",
    "900-12-3456",
    "536-00-4399",
    "536-90-0000",
    "536904399",
    "5369-0-4399",
  ],
  vat_eu: ["DE136695977", "DE12", "XX123456789", "de136695976", "IT is 12345678901 wide"],
  ipv4: ["1.2.3", "1.2.3.4.5", "256.1.1.1", "v1.2.3.4", "01.2.3.4", "127.0.0.1", "0.0.0.0", "120.0.6099.109"],
  ipv6: ["::1", "std::vector", "a::b", "12:30:45", "00:1a:2b:3c:4d:5e", "::", "fe80:::1", "dead::beef"],
  aws_access_key: ["AKIAIOSFODNN7EXAMPL", "AKIAIOSFODNN7EXAMPLEX", "xAKIAIOSFODNN7EXAMPLE"],
  aws_secret_key: [`aws ${"a".repeat(40)}`, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", `aws ${mixed(41)}`],
  github_pat: ["ghp_short", `xghp_${mixed(36)}`],
  jwt: ["eyJ", "eyJhbGciOiJIUzI1NiJ9", "eyJhbGciOiJIUzI1NiJ9.e30", "xeyJhbGciOiJIUzI1NiJ9.e30.x"],
  oauth_bearer: ["the bearer of authentication-tokens-here", "Bearer short1", "bearer", "Bearer realm"],
  ssh_private_key: ["-----BEGIN PUBLIC KEY-----", "-----BEGIN CERTIFICATE-----", "-".repeat(100)],
  gcp_service_account_key: [
    '{"type":"service_account"}',
    "service_account",
    '"service_account" "private_key"',
  ],
  generic_api_key: [
    "password: required",
    "nextPageToken: abcd1234efgh5678",
    "the key is: abcdefghijklmnop",
    "tokens: 1024",
    'id: "3f2b8c1e-9d4a-4c7b-8e21-0a1b2c3d4e5f"',
    "monkey=abcd1234efgh5678",
    "sk-2024-some-long-article-title-about-nothing-at-all",
  ],
};

for (const [name, texts] of Object.entries(leaves)) {
  test(`${name} leaves alone what only looks like it`, () => {
    for (const text of texts) assert.deepEqual(found(text, name), [], text);
  });
}

/** All classes at once; what is left of a text that no class should touch. */
const matched = (text: string) =>
  (finder.find(text) ?? finder.findFolded(foldText(text).text)).map((m) => m.class);

test("ordinary text holds nothing", () => {
  const corpus = [
    "The quarterly report is due on 2026-11-22 at 13:42:00.123Z; see section 4.2.1 and table 12.",
    "for (let i = 0; i < items.length; i += 1) sum += items[i].price * 1.21; // std::move(a)::b",
    "Version 10.4.2-rc.1+build.20261122, commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b.",
    "https://example.com/docs/page-2?sort=asc&limit=100&cursor=eyJpZCI6MTAwfQ#top",
    "INSERT INTO t (a, b) VALUES (1, 'x'), (2, 'y') -- 1024 rows",
    '{"width":1920,"height":1080,"ratio":1.7777777777777777,"epoch":1700000000000,"ns":1700000000000000000}',
    "ISBN 978-3-16-148410-0, EAN 4006381333931? No: order 2026/000123, invoice RE-2026-0042.",
    "Die Straße ist 12,5 km lang – naïve café, 日本語のテキスト、текст, مرحبا.",
    "MAC 00:1a:2b:3c:4d:5e, colour #ff8800, size 10x20, ratio 16:9, temperature -12.5 °C.",
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    `diff --git a/x b/x\n@@ -1,4 +1,5 @@\n+20261122 added\n-4 removed`,
    "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore.",
  ];
  for (const text of corpus) assert.deepEqual(matched(text), [], text);
});

test("identifiers, digests and times hold nothing", () => {
  const hex = fc
    .string({ minLength: 1, maxLength: 20 })
    .map((seed) => createHash("sha256").update(seed).digest("hex"));
  const time = fc.date({ min: new Date("2000-01-01"), max: new Date("2099-12-31"), noInvalidDate: true });
  const ordinary = fc.oneof(
    fc.uuid(),
    hex,
    hex.map((text) => text.slice(0, 40)),
    time.map((date) => date.toISOString()),
    time.map((date) => String(Math.abs(date.getTime()) % 1e8)),
    fc.double({ noNaN: true, min: -1e6, max: 1e6 }).map(String),
  );
  fc.assert(fc.property(ordinary, (text) => assert.deepEqual(matched(`at ${text}, then`), [], text)));
});

test("hostile repetitions are read in linear time", () => {
  const seeds = (
    'a 1 @ a@ a@b. eyJ- eyJaaaaaaaaa. bearer_ key= sk- ghp_ -----BEGIN_PRIVATE_KEY----- {"service_account" 4111- 1. +1 : a:: NL91 DE1 ' +
    "[REDACTED v4.public. /a secret: aws/ AKIA 00 xoxb ４ \u200b4"
  )
    .split(" ")
    .map((seed) => seed.replaceAll("_", " "));
  for (const seed of seeds) {
    const text = foldText(seed.repeat(Math.ceil(20_000 / seed.length))).text;
    const reads = countReads(text);
    assert.ok(
      reads < 200 * text.length,
      `${JSON.stringify(seed)} reads each character ${reads / text.length} times`,
    );
  }
});

/** How many characters the recognizers ask a text for, all searches together. */
function countReads(text: string): number {
  let reads = 0;
  const counting = {
    length: text.length,
    charCodeAt: (at: number) => count(text.charCodeAt(at)),
    charAt: (at: number) => count(text.charAt(at)),
    slice: (start: number, end?: number) => {
      const part = text.slice(start, end);
      reads += Math.min(part.length, 8_192);
      return part;
    },
    startsWith: (part: string, at?: number) => count(text.startsWith(part, at)),
  };
  const count = <T>(value: T): T => {
    reads += 1;
    return value;
  };
  finder.findFolded(counting as unknown as string);
  return reads;
}
