import assert from "node:assert/strict";
import { test } from "node:test";
import { capabilityOf } from "./pipeline.fixture.ts";
import { createSessions } from "./sessions.ts";

const alice = capabilityOf({ agent: "alice", rootJti: "root-1" });

test("a session belongs to the capability root that opened it, on its upstream", () => {
  const sessions = createSessions({ sessionsMax: 10 });
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
  const sessions = createSessions({ sessionsMax: 10 });
  sessions.bind("files", "s1", alice);
  assert.equal(sessions.bind("files", "s1", capabilityOf({ agent: "mallory" })), false);
  assert.equal(sessions.isOwnedBy("files", "s1", alice), true);
});

test("the session unused for longest is forgotten first, and a forgotten one exists for nobody", () => {
  const sessions = createSessions({ sessionsMax: 2 });
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
