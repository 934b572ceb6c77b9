// How the fuzzer changes a request: a mutation is a plain value, so that a failing request is printed, shrunk and made again from its seed.
import fc from "fast-check";
import { bearer, JSON_TYPE } from "./message.ts";
import type { Seed } from "./seeds.ts";

/** `at` is a place as a fraction, so that it means something in a text of any length; `pick` chooses from a list of any length. */
export interface Mutation {
  readonly kind: (typeof KINDS)[number];
  readonly at: number;
  readonly pick: number;
}

const KINDS = [
  "flip a bit",
  "cut the body",
  "insert in the body",
  "remove from the body",
  "repeat a part of the body",
  "repeat a member",
  "respell a member",
  "fold a letter",
  "change a number",
  "wrap the body",
  "drop a header",
  "repeat a header",
  "recase a header",
  "insert a header",
  "change a header's value",
  "change the request line",
  "change the length",
  "flip a bit anywhere",
  "insert anywhere",
  "cut anywhere",
] as const;

export const mutations: fc.Arbitrary<Mutation[]> = fc.array(
  fc.record({
    kind: fc.constantFrom(...KINDS),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    pick: fc.nat({ max: 10_000 }),
  }),
  { maxLength: 4 },
);

const BYTES = [
  "\0",
  "\r\n",
  "\n",
  "\ufeff",
  "\u200b",
  "\u2028",
  "\\u0000",
  "\\ud800",
  "\\u006e",
  '"',
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  "\x80",
  "\xff",
  "//",
  "1e999",
  "-0",
  "9007199254740993",
  '"__proto__":1,',
  '"name":"forbidden",',
  '"method":"tools/call",',
  "x".repeat(70_000),
  "[".repeat(100),
];
const FOLDS: Readonly<Record<string, string>> = {
  s: "\u017f",
  k: "\u212a",
  i: "\u0131",
  a: "\u0430",
  n: "\uff4e",
  e: "e\u0301",
  o: "\u03bf",
  t: "T",
  m: "M",
  p: "P",
};
const NUMBERS = [
  "1.0",
  "1e0",
  "-0",
  "01",
  "9007199254740992",
  "1e400",
  "NaN",
  "null",
  '"1"',
  "true",
  "{}",
  "[1]",
];
const WRAPS = ["[@]", "@@", "@\n@", "[@,@]", "\ufeff@", " @ ", "@,", '{"a":@}', "\x1e@\n", "(@)", '"@"'];
const HEADERS = [
  "Transfer-Encoding: chunked",
  "Transfer-Encoding: identity, chunked",
  "Content-Length: 0",
  "Content-Length: 5",
  "Content-Length: -1",
  "Content-Encoding: gzip",
  "Content-Type: text/plain",
  "Connection: upgrade, authorization",
  "Upgrade: h2c",
  "Expect: 100-continue",
  "Host: evil.example",
  "Origin: https://evil.example",
  "Origin: null",
  "Sec-Fetch-Site: cross-site",
  "Mcp-Session-Id: stolen",
  "Mcp-Name: record",
  "Mcp-Method: tools/list",
  "MCP-Protocol-Version: 2026-07-28",
  "MCP-Protocol-Version: 2025-03-26",
  "Last-Event-ID: 1",
  "X-Intent-Prompt: ",
  "Authorization: Bearer x",
  "X-HTTP-Method-Override: GET",
  "Accept: text/event-stream",
  "Trailer: X-T",
  " folded",
  "no colon",
  ": no name",
  "X\x00: 1",
  "X-Long: ".padEnd(9_000, "x"),
];
const LINES = [
  "GET @ HTTP/1.1",
  "DELETE @ HTTP/1.1",
  "PUT @ HTTP/1.1",
  "OPTIONS @ HTTP/1.1",
  "POST @ HTTP/1.0",
  "POST @ HTTP/2.0",
  "POST  @ HTTP/1.1",
  "post @ HTTP/1.1",
  "POST @?a=b HTTP/1.1",
  "POST /@ HTTP/1.1",
  "POST http://localhost@ HTTP/1.1",
  "POST /v1/../@ HTTP/1.1",
  "POST * HTTP/1.1",
  "POST /healthz HTTP/1.1",
  "POST /v1/tool-call HTTP/1.1",
  "\r\nPOST @ HTTP/1.1",
];

const chosen = (list: readonly string[], pick: number) => list[pick % list.length] ?? "";
const placeIn = (length: number, at: number) => Math.min(length, Math.floor(at * (length + 1)));

/** Latin-1 texts throughout, so that a character is a byte. */
interface Draft {
  line: string;
  lines: string[];
  body: string;
  length: number | undefined;
}

/** The bytes of a request that `seed` became. */
export function mutate(seed: Seed, steps: readonly Mutation[], token: string, requestId: string): Buffer {
  const draft: Draft = {
    line: `${seed.method} ${seed.target} HTTP/1.1`,
    lines: ["Host: localhost", bearer(token), JSON_TYPE, `X-Request-Id: ${requestId}`, ...seed.head],
    body: seed.body.toString("latin1"),
    length: undefined,
  };
  for (const step of steps) change(draft, step);
  const { line, lines, body, length = body.length } = draft;
  const head = [line, ...lines, ...(body === "" ? [] : [`Content-Length: ${length}`]), "Connection: close"];
  const text = steps.reduce(changeBytes, `${head.join("\r\n")}\r\n\r\n${body}`);
  return Buffer.from(text, "latin1");
}

function change(draft: Draft, { kind, at, pick }: Mutation): void {
  const { body, lines } = draft;
  const place = placeIn(body.length, at);
  const row = placeIn(lines.length - 1, at);
  switch (kind) {
    case "flip a bit":
      draft.body = flipped(body, place, pick);
      return;
    case "cut the body":
      draft.body = body.slice(0, place);
      return;
    case "insert in the body":
      draft.body = body.slice(0, place) + latin1(chosen(BYTES, pick)) + body.slice(place);
      return;
    case "remove from the body":
      draft.body = body.slice(0, place) + body.slice(place + 1 + (pick % 8));
      return;
    case "repeat a part of the body":
      draft.body = body.slice(0, place + 1 + (pick % 40)) + body.slice(place);
      return;
    case "repeat a member":
      draft.body = atMatch(
        body,
        /"[^"\\]{1,40}":(?:"[^"\\]*"|[\d.]+|\{\}|true|null)/g,
        at,
        (found) => `${found},${found}`,
      );
      return;
    case "respell a member":
      draft.body = atMatch(body, /"[A-Za-z_/]{1,40}"(?=:)/g, at, (found) => respelt(found, pick));
      return;
    case "fold a letter":
      draft.body = atMatch(body, /[skianeotmp]/g, at, (found) => latin1(FOLDS[found] ?? found));
      return;
    case "change a number":
      draft.body = atMatch(body, /(?<=[:,[])-?\d+(?:\.\d+)?/g, at, () => chosen(NUMBERS, pick));
      return;
    case "wrap the body":
      draft.body = latin1(chosen(WRAPS, pick)).replaceAll("@", () => body);
      return;
    case "drop a header":
      lines.splice(row, 1);
      return;
    case "repeat a header":
      lines.splice(row, 0, lines[row] ?? "");
      return;
    case "recase a header":
      lines[row] = (lines[row] ?? "").replace(/^[^:]+/, (name) =>
        pick % 2 === 0 ? name.toUpperCase() : name.toLowerCase(),
      );
      return;
    case "insert a header":
      lines.splice(row, 0, chosen(HEADERS, pick));
      return;
    case "change a header's value":
      lines[row] = flipped(lines[row] ?? "", placeIn((lines[row] ?? "").length, pick / 10_000), pick);
      return;
    case "change the request line":
      draft.line = chosen(LINES, pick).replace("@", draft.line.split(" ")[1] ?? "");
      return;
    case "change the length":
      draft.length = Math.max(0, body.length + (pick % 21) - 10);
      return;
    default:
  }
}

/** What happens to the whole request, framing and all. */
function changeBytes(text: string, { kind, at, pick }: Mutation): string {
  const place = placeIn(text.length, at);
  if (kind === "flip a bit anywhere") return flipped(text, place, pick);
  if (kind === "insert anywhere")
    return text.slice(0, place) + latin1(chosen(BYTES, pick)) + text.slice(place);
  if (kind === "cut anywhere") return text.slice(0, place) + text.slice(place + 1 + (pick % 30));
  return text;
}

const latin1 = (text: string) => (/[^\0-\xff]/.test(text) ? Buffer.from(text).toString("latin1") : text);

function flipped(text: string, place: number, pick: number): string {
  if (place >= text.length) return text;
  return (
    text.slice(0, place) +
    String.fromCharCode(text.charCodeAt(place) ^ (1 << (pick % 8))) +
    text.slice(place + 1)
  );
}

function respelt(quoted: string, pick: number): string {
  const first = quoted.charCodeAt(1).toString(16).padStart(4, "0");
  const ways = [
    quoted.toUpperCase(),
    `"\\u${first}${quoted.slice(2)}`,
    `${quoted.slice(0, -1)}\\u0000"`,
    `${quoted.slice(0, -1)} "`,
  ];
  return chosen(ways, pick);
}

function atMatch(text: string, pattern: RegExp, at: number, replace: (found: string) => string): string {
  const matches = [...text.matchAll(pattern)];
  const match = matches[Math.min(matches.length - 1, Math.floor(at * matches.length))];
  if (match === undefined) return text;
  return text.slice(0, match.index) + replace(match[0]) + text.slice(match.index + match[0].length);
}
