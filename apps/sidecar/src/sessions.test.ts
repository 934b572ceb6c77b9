import assert from "node:assert/strict";
import { test } from "node:test";
import { fixedClock } from "@postern/testkit";
import { capabilityOf } from "./pipeline.fixture.ts";
import { createSessions, type SessionsOptions } from "./sessions.ts";

const clock = fixedClock();
const tableOf = (limits: Partial<SessionsOptions> = {}) =>
  createSessions({ sessionsMax: 10, sessionsPerRootMax: 10, clock, ...limits });

const alice = capabilityOf({ agent: "alice", rootJti: "root-1" });

test("a session belongs to the capability root that opened it, on its upstream", () => {
  const sessions = tableOf();
  assert.equal(sessions.bind("files", "s1", alice), true);
  assert.equal(
    sessions.isOwnedBy("files", "s1", capabilityOf({ agent: "alice", rootJti: "root-1", jti: "child" })),
    true,
  );
  assert.equal(sessions.isOwnedBy("files", "s1", capabilityOf({ agent: "alice", rootJti: "root-2" })), false);
  assert.equal(
    sessions.isOwnedBy("files", "s1", capabilityOf({ agent: "mallory", rootJti: "root-1" })),
    false,
  );
  assert.equal(sessions.isOwnedBy("other", "s1", alice), false);
  assert.equal(sessions.isOwnedBy("files", "s2", alice), false);
});

test("a session id that is somebody else's cannot be bound again", () => {
  const sessions = tableOf();
  sessions.bind("files", "s1", alice);
  assert.equal(sessions.bind("files", "s1", capabilityOf({ agent: "mallory" })), false);
  assert.equal(sessions.isOwnedBy("files", "s1", alice), true);
});

test("the session unused for longest is forgotten first, and a forgotten one exists for nobody", () => {
  const sessions = tableOf({ sessionsMax: 2 });
  sessions.bind("files", "s1", alice);
  sessions.bind("files", "s2", alice);
  sessions.isOwnedBy("files", "s1", alice);
  sessions.bind("files", "s3", alice);
  assert.deepEqual(
    ["s1", "s2", "s3"].map((id) => sessions.isOwnedBy("files", id, alice)),
    [true, false, true],
  );
  sessions.forget("files", "s1");
  assert.equal(sessions.isOwnedBy("files", "s1", alice), false);
  assert.equal(sessions.size, 1);
});

test("a root has so many sessions and no more, opening ones included, and takes no place of another root", () => {
  const sessions = tableOf({ sessionsPerRootMax: 2 });
  const child = capabilityOf({ agent: "alice", rootJti: "root-1", jti: "child" });
  assert.equal(sessions.bind("files", "s1", alice), true);
  const leave = sessions.open(child);
  assert.ok(leave);
  assert.equal(sessions.open(alice), undefined);
  assert.ok(sessions.open(capabilityOf({ agent: "alice", rootJti: "root-2" })));
  leave();
  leave();
  assert.ok(sessions.open(alice));
  assert.equal(sessions.open(alice), undefined);
  sessions.forget("files", "s1");
  assert.ok(sessions.open(alice));
});

test("sessions that their owner has long not used make room for a new one, and are told as forgotten", () => {
  const forgotten: string[] = [];
  const sessions = tableOf({
    sessionsPerRootMax: 2,
    idleMs: 1_000,
    onForgotten: (upstream, id) => forgotten.push(`${upstream}/${id}`),
  });
  const bob = capabilityOf({ agent: "bob", rootJti: "root-2" });
  sessions.bind("files", "theirs", bob);
  sessions.bind("files", "s1", alice);
  sessions.bind("files", "s2", alice);
  clock.advance(999);
  sessions.isOwnedBy("files", "s2", alice);
  assert.equal(sessions.open(alice), undefined);
  clock.advance(1);
  assert.ok(sessions.open(alice));
  assert.deepEqual(forgotten, ["files/s1"]);
  assert.equal(sessions.isOwnedBy("files", "theirs", bob), true);
});

test("the sessions of an upstream that goes are forgotten at once, and those of others are not", () => {
  const forgotten: string[] = [];
  const sessions = tableOf({ sessionsPerRootMax: 3, onForgotten: (_, id) => forgotten.push(id) });
  for (const id of ["s1", "s2"]) sessions.bind("crm", id, alice);
  sessions.bind("files", "s1", alice);
  assert.equal(sessions.open(alice), undefined);
  assert.deepEqual(sessions.release("crm"), ["s1", "s2"]);
  assert.equal(sessions.isOwnedBy("crm", "s1", alice), false);
  assert.equal(sessions.isOwnedBy("files", "s1", alice), true);
  assert.ok(sessions.open(alice));
  assert.deepEqual([sessions.release("crm"), forgotten], [[], []]);
});
