// How long a secret is believed, and what is left of it when its place fails.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Secret, secret } from "@postern/config";
import { fixedClock } from "@postern/testkit";
import { faultOf } from "../upstream.fixture.ts";
import { createSecretHolder } from "./secret-holder.ts";
import { noSecret, secretTrouble } from "./secret-source.ts";

function createRig({ freshMs = 1_000, usableMs = 10_000 } = {}) {
  const clock = fixedClock();
  const told: (string | undefined)[] = [];
  const place: { asked: number; fetch: () => Promise<Secret> } = {
    asked: 0,
    fetch: async () => secret("one"),
  };
  const holder = createSecretHolder({
    ...{ freshMs, usableMs, clock },
    fetch() {
      place.asked += 1;
      return place.fetch();
    },
    onChange: (problem) => void told.push(problem?.kind),
  });
  const reveal = async () => (await holder.current()).reveal();
  return { clock, told, place, holder, reveal };
}

/** What goes on behind has come to its end. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test("a secret is asked for once by all who wait, and used as it is while it is fresh", async () => {
  const { place, holder, reveal } = createRig();
  assert.deepEqual(await Promise.all([reveal(), reveal(), reveal()]), ["one", "one", "one"]);
  assert.equal(place.asked, 1);
  assert.ok(!(holder.current() instanceof Promise));
});

test("an older one is used while it is renewed, and one that is too old is waited for", async () => {
  const { clock, place, reveal } = createRig();
  await reveal();
  place.fetch = async () => secret("two");
  clock.advance(1_000);
  assert.equal(await reveal(), "one");
  await settled();
  assert.equal(await reveal(), "two");
  place.fetch = async () => secret("three");
  clock.advance(10_000);
  assert.equal(await reveal(), "three");
});

test("while its place is away the last one is used, for a time, and the place is left alone for a moment", async () => {
  const { clock, place, reveal, holder, told } = createRig();
  await reveal();
  place.fetch = async () => Promise.reject(secretTrouble("away"));
  clock.advance(1_000);
  for (let times = 0; times < 5; times += 1) assert.equal(await reveal(), "one");
  assert.equal(place.asked, 2);
  clock.advance(9_000);
  assert.equal((await faultOf(reveal())).kind, "unavailable");
  assert.match(holder.problem() ?? "", /away/);
  place.fetch = async () => secret("two");
  assert.equal((await faultOf(reveal())).kind, "unavailable");
  clock.advance(1_000);
  assert.equal(await reveal(), "two");
  assert.equal(holder.problem(), undefined);
  assert.deepEqual(told, ["unavailable", undefined]);
});

test("one that is known to be gone is not used any more", async () => {
  const { clock, place, reveal } = createRig();
  await reveal();
  place.fetch = async () => Promise.reject(noSecret("it was deleted"));
  clock.advance(1_000);
  await reveal();
  await settled();
  assert.equal((await faultOf(reveal())).kind, "not_found");
});

test("one that was refused is asked for anew, and no more often than each second", async () => {
  const { clock, place, reveal, holder } = createRig({ freshMs: Number.POSITIVE_INFINITY });
  await reveal();
  holder.doubt();
  await reveal();
  assert.equal(place.asked, 1);
  clock.advance(1_000);
  holder.doubt();
  place.fetch = async () => Promise.reject(secretTrouble("away"));
  assert.equal((await faultOf(reveal())).kind, "unavailable");
  clock.advance(1_000);
  place.fetch = async () => secret("two");
  assert.equal(await reveal(), "two");
});

test("trouble of no known kind says nothing of what it stumbled over", async () => {
  const { place, holder } = createRig();
  place.fetch = async () => Promise.reject(new Error("cannot parse hunter2"));
  const fault = await faultOf(Promise.resolve(holder.current()));
  assert.doesNotMatch(JSON.stringify([fault.message, fault.detail, holder.problem()]), /hunter2/);
});
