import assert from "node:assert/strict";
import { test } from "node:test";
import type { PinMode, ToolPin } from "@postern/contracts";
import { createPinTable } from "./pin-table.ts";

const [a, b, c] = ["a", "b", "c"].map((digit) => digit.repeat(64)) as [string, string, string];
const seen = (digest: string, suspicious = false) => ({ digest, suspicious });
const pin = (changes: Partial<ToolPin> = {}): ToolPin => ({
  ...{ upstream: "files", tool: "read", status: "pinned", digests: [a], reason: "pin.unapproved" },
  ...{ explicit: false, since: 1 },
  ...changes,
});
const tableIn = (mode: PinMode, ...pins: ToolPin[]) => {
  const table = createPinTable(["files", "mail"], { toolsMax: 4 });
  table.take(mode, pins);
  return table;
};
type Table = ReturnType<typeof tableIn>;
const codeOf = (table: Table, upstream = "files", tool = "read") => table.refusalOf(upstream, tool)?.code;

test("before anything is known of what is approved, everything is refused", () => {
  const table = createPinTable(["files"]);
  table.see("files", "read", seen(a));
  assert.equal(codeOf(table), "pin.unapproved");
  assert.equal(codeOf(table, "files", "other"), "pin.unapproved");
});

/** What is synced × what is seen here, in order → what holds in trust_first and in approve_all. */
const cases: readonly [
  title: string,
  pin: ToolPin | undefined,
  offered: readonly ReturnType<typeof seen>[],
  first: string | undefined,
  all?: string | undefined,
][] = [
  ["unknown, never listed", undefined, [], undefined, "pin.unapproved"],
  ["unknown, listed", undefined, [seen(a)], undefined, "pin.unapproved"],
  ["unknown, listed twice alike", undefined, [seen(a), seen(a)], undefined, "pin.unapproved"],
  ["unknown, changed meanwhile", undefined, [seen(a), seen(b)], "pin.changed", "pin.unapproved"],
  ["unknown, changed and changed back", undefined, [seen(a), seen(b), seen(a)], undefined, "pin.unapproved"],
  ["unknown, suspicious", undefined, [seen(a, true)], "pin.unapproved"],
  ["unknown, without a digest", undefined, [seen("", true)], "pin.unapproved"],
  ["approved, never listed", pin(), [], undefined],
  ["approved, listed as approved", pin(), [seen(a)], undefined],
  ["approved, suspicious all the same", pin(), [seen(a, true)], undefined],
  ["approved, another definition listed", pin(), [seen(b)], "pin.changed"],
  ["approved, changed back", pin(), [seen(b), seen(a)], undefined],
  ["approved, now without a digest", pin(), [seen(a), seen("", true)], "pin.changed"],
  ["two approved, either listed", pin({ digests: [a, b] }), [seen(a), seen(b)], undefined],
  ["two approved, a third listed", pin({ digests: [a, b] }), [seen(c)], "pin.changed"],
  [
    "changed elsewhere, never listed here",
    pin({ status: "quarantined", reason: "pin.changed" }),
    [],
    "pin.changed",
  ],
  [
    "changed elsewhere, the approved one listed here",
    pin({ status: "quarantined", reason: "pin.changed" }),
    [seen(a)],
    undefined,
  ],
  [
    "changed elsewhere and here",
    pin({ status: "quarantined", reason: "pin.changed" }),
    [seen(b)],
    "pin.changed",
  ],
  [
    "waiting for its first approval",
    pin({ status: "quarantined", digests: [] }),
    [seen(a)],
    "pin.unapproved",
  ],
  ["waiting, never listed", pin({ status: "quarantined", digests: [] }), [], "pin.unapproved"],
  [
    "waiting as somebody's shadow",
    pin({ status: "quarantined", digests: [], reason: "pin.shadowed" }),
    [seen(a)],
    "pin.shadowed",
  ],
  ["taken out of use, never listed", pin({ status: "blocked" }), [], "pin.unapproved"],
  ["taken out of use, listed as approved", pin({ status: "blocked" }), [seen(a)], "pin.unapproved"],
];
for (const [title, synced, offered, first, all = first] of cases) {
  test(`a tool that is ${title} is ${first === undefined ? "usable" : `refused with ${first}`}`, () => {
    for (const [mode, code] of [
      ["trust_first", first],
      ["approve_all", all],
      ["off", undefined],
    ] as const) {
      // Whichever is known first.
      for (const order of ["synced", "seen"]) {
        const table = createPinTable(["files", "mail"]);
        const sync = () => table.take(mode, synced === undefined ? [] : [synced]);
        if (order === "synced") sync();
        for (const each of offered) table.see("files", "read", each);
        if (order === "seen") sync();
        assert.equal(codeOf(table), code, `${mode}, ${order} first`);
      }
    }
  });
}

const mail = (changes: Partial<ToolPin> = {}) => pin({ upstream: "mail", since: 2, ...changes });
const shadows: readonly [title: string, prepare: (table: Table) => void, files: boolean, mail: boolean][] = [
  [
    "both approved by sight, the earlier one has the name",
    (table) => table.take("trust_first", [mail(), pin()]),
    true,
    false,
  ],
  [
    "a person approved the later one too",
    (table) => table.take("trust_first", [pin(), mail({ explicit: true })]),
    true,
    true,
  ],
  [
    "only one is approved, the other was seen first",
    (table) => {
      table.see("mail", "read", seen(b));
      table.take("trust_first", [pin()]);
    },
    true,
    false,
  ],
  [
    "only one is approved, the other was never listed",
    (table) => table.take("trust_first", [pin()]),
    true,
    false,
  ],
  [
    "nothing is known, the one seen first has the name",
    (table) => {
      table.see("mail", "read", seen(b));
      table.see("files", "read", seen(a));
    },
    false,
    true,
  ],
  [
    "the one that had the name is taken out of use",
    (table) => {
      table.take("trust_first", [pin(), mail()]);
      table.take("trust_first", [pin({ status: "blocked" })]);
    },
    false,
    true,
  ],
  [
    "the other is an upstream of another sidecar",
    (table) => {
      table.take("trust_first", [pin({ upstream: "elsewhere" })]);
      table.see("mail", "read", seen(b));
    },
    false,
    true,
  ],
];
for (const [title, prepare, files, mailbox] of shadows) {
  test(`of two tools of one name: ${title}`, () => {
    const table = tableIn("trust_first");
    prepare(table);
    assert.deepEqual([codeOf(table) === undefined, codeOf(table, "mail") === undefined], [files, mailbox]);
  });
}

test("an upstream that offers too much gets nothing new, in its own name only", () => {
  const table = tableIn("trust_first");
  for (let at = 0; at < 4; at += 1) assert.equal(table.see("files", `t${at}`, seen(a)), true);
  assert.equal(table.see("files", "t4", seen(a)), false);
  assert.equal(table.see("files", "t0", seen(a)), true);
  assert.deepEqual(
    ["t0", "t4", "never"].map((tool) => codeOf(table, "files", tool)),
    [undefined, "pin.unapproved", "pin.unapproved"],
  );
  assert.equal(codeOf(table, "mail", "never"), undefined);
});

test("what the inventory does not take is refused, and so is a name that no tool can have", () => {
  const table = tableIn("trust_first");
  table.see("files", "read", seen(a));
  table.refuse("files", "read");
  assert.equal(codeOf(table), "pin.unapproved");
  for (const name of ["", "a\u0000", "a\nb", "x".repeat(257), "\ud800"])
    assert.equal(codeOf(table, "files", name), "pin.unapproved", JSON.stringify(name));
});

test("a change of the mode changes what holds for everything", () => {
  const table = tableIn("trust_first");
  table.see("files", "read", seen(a));
  for (const [mode, code] of [
    ["approve_all", "pin.unapproved"],
    ["off", undefined],
    ["trust_first", undefined],
  ] as const) {
    table.take(mode, []);
    assert.equal(codeOf(table), code, mode);
  }
});

test("what is approved at an upstream that comes later holds from the moment it comes", () => {
  const table = createPinTable(["files"], { isChanging: true });
  table.take("trust_first", [pin({ upstream: "crm", digests: [b] })]);
  table.see("files", "read", seen(a));
  assert.deepEqual([codeOf(table), codeOf(table, "crm")], [undefined, "pin.unapproved"]);
  table.serve(["files", "crm"]);
  assert.deepEqual([codeOf(table), codeOf(table, "crm")], ["pin.shadowed", undefined]);
  table.see("crm", "read", seen(c));
  assert.equal(codeOf(table, "crm"), "pin.changed");
  table.serve(["files"]);
  assert.deepEqual([codeOf(table), codeOf(table, "crm")], [undefined, "pin.unapproved"]);
});

test("an upstream that goes and comes back is trusted no second time", () => {
  const table = createPinTable([], { isChanging: true });
  table.take("trust_first", []);
  table.serve(["crm"]);
  table.see("crm", "read", seen(a));
  table.serve([]);
  table.serve(["crm"]);
  assert.equal(codeOf(table, "crm"), undefined);
  table.see("crm", "read", seen(b));
  assert.equal(codeOf(table, "crm"), "pin.changed");
});
