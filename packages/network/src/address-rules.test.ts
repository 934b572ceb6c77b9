import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type AddressRulesOptions, createAddressRules, isNetwork } from "./address-rules.ts";

const STRICT = { isStrict: true };

const CASES: readonly [address: string, usually: boolean, strictly: boolean][] = [
  ["8.8.8.8", true, true],
  ["2606:4700::1111", true, true],
  ["127.0.0.1", true, false],
  ["127.255.255.254", true, false],
  ["::1", true, false],
  ["10.0.0.1", true, false],
  ["172.31.255.255", true, false],
  ["192.168.0.1", true, false],
  ["100.64.0.1", true, false],
  ["fd12:3456::1", true, false],
  ["169.254.169.254", false, false],
  ["169.254.170.2", false, false],
  ["fe80::1", false, false],
  ["fe80::1%eth0", false, false],
  ["fd00:ec2::254", false, false],
  ["fd00:0ec2:0:0:0:0:0:254", false, false],
  ["100.100.100.200", false, false],
  ["192.0.0.192", false, false],
  ["0.0.0.0", false, false],
  ["0.1.2.3", false, false],
  ["::", false, false],
  ["224.0.0.1", false, false],
  ["ff02::1", false, false],
  ["255.255.255.255", false, false],
  ["240.0.0.1", false, false],
  ["198.18.0.1", false, false],
  ["::ffff:169.254.169.254", false, false],
  ["::ffff:127.0.0.1", false, false],
  ["::ffff:a9fe:a9fe", false, false],
  ["::ffff:8.8.8.8", false, false],
  ["::127.0.0.1", false, false],
  ["64:ff9b::a9fe:a9fe", false, false],
  ["2002:a9fe:a9fe::1", false, false],
  ["2001:0:4136:e378::1", false, false],
  ["fec0::1", false, false],
  ["2001:db8::1", false, false],
  ["", false, false],
  ["localhost", false, false],
  ["127.1", false, false],
  ["0x7f000001", false, false],
  ["2130706433", false, false],
  ["0177.0.0.1", false, false],
];
for (const [address, usually, strictly] of CASES) {
  test(`${JSON.stringify(address)} ${usually ? "may" : "may not"} be reached, in strict mode it ${strictly ? "may" : "may not"}`, () => {
    const may = (options?: AddressRulesOptions) =>
      createAddressRules(options).refusalOf(address) === undefined;
    assert.deepEqual([may(), may(STRICT)], [usually, strictly]);
  });
}

test("a listed network may be reached, whatever else it is, and so may no neighbour of it", () => {
  const networks = ["169.254.170.0/24", "fd00:ec2::254/128", "64:ff9b::/96", "10.1.0.0/16"];
  const { refusalOf } = createAddressRules({ networks, isStrict: true });
  for (const good of ["169.254.170.2", "fd00:ec2::254", "64:ff9b::808:808", "10.1.2.3"])
    assert.equal(refusalOf(good), undefined, good);
  for (const bad of ["169.254.169.254", "10.2.0.1", "fd00:ec2::253", "127.0.0.1"])
    assert.notEqual(refusalOf(bad), undefined, bad);
});

test("IPv4 in the clothes of IPv6 is refused even where the network it stands for, or hides in, is listed", () => {
  const { refusalOf } = createAddressRules({ networks: ["0.0.0.0/0", "::/0"] });
  assert.equal(refusalOf("169.254.169.254"), undefined);
  assert.notEqual(refusalOf("::ffff:169.254.169.254"), undefined);
});

test("an address that the configuration names is good in strict mode if it is near, and only then", () => {
  assert.equal(createAddressRules(STRICT, "10.0.0.7").refusalOf("10.0.0.7"), undefined);
  assert.notEqual(createAddressRules(STRICT, "10.0.0.7").refusalOf("10.0.0.8"), undefined);
  assert.notEqual(createAddressRules({}, "169.254.169.254").refusalOf("169.254.169.254"), undefined);
});

test("every address of a forbidden range is refused, in every spelling of IPv6", () => {
  const { refusalOf } = createAddressRules();
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 255 }), (a, b) => {
      const hex = (n: number) => n.toString(16).padStart(2, "0");
      assert.notEqual(refusalOf(`169.254.${a}.${b}`), undefined);
      assert.notEqual(refusalOf(`::ffff:169.254.${a}.${b}`), undefined);
      assert.notEqual(refusalOf(`0:0:0:0:0:FFFF:A9FE:${hex(a)}${hex(b)}`), undefined);
      assert.notEqual(refusalOf(`fe80::${hex(a)}${hex(b)}`), undefined);
    }),
  );
});

test("a network is written in CIDR notation", () => {
  for (const good of ["10.0.0.0/8", "fd00::/8", "::/0"]) assert.equal(isNetwork(good), true, good);
  for (const bad of ["10.0.0.0", "10.0.0.0/33", "all", "", "localhost/8"])
    assert.equal(isNetwork(bad), false, bad);
});
