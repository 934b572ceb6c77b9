import assert from "node:assert/strict";
import { test } from "node:test";
import { createSession, readToken } from "./session.ts";

function tabStorage() {
  const slots = new Map<string, string>();
  return {
    slots,
    getItem: (name: string) => slots.get(name) ?? null,
    setItem: (name: string, value: string) => void slots.set(name, value),
    removeItem: (name: string) => void slots.delete(name),
  };
}

test("a token that is not kept is in memory only", () => {
  const storage = tabStorage();
  const session = createSession(storage);
  session.begin("secret", { kept: false });
  assert.equal(session.token(), "secret");
  assert.equal(storage.slots.size, 0);
  assert.equal(createSession(storage).token(), undefined);
});

test("a kept token survives a reload, and signing out forgets it", () => {
  const storage = tabStorage();
  createSession(storage).begin("secret", { kept: true });
  const reloaded = createSession(storage);
  assert.equal(reloaded.token(), "secret");
  reloaded.end();
  assert.equal(reloaded.token(), undefined);
  assert.equal(storage.slots.size, 0);
});

test("a session of a login is known as one until it ends", () => {
  const session = createSession(tabStorage());
  session.begin("secret", { kept: false, isLogin: true });
  assert.equal(session.isLogin(), true);
  session.begin("other", { kept: false });
  assert.equal(session.isLogin(), false);
  session.begin("secret", { kept: false, isLogin: true });
  session.end();
  assert.equal(session.isLogin(), false);
});

test("a token that is not kept replaces one that was", () => {
  const storage = tabStorage();
  const session = createSession(storage);
  session.begin("first", { kept: true });
  session.begin("second", { kept: false });
  assert.equal(createSession(storage).token(), undefined);
});

test("a pasted token is freed of what surrounds it, and what cannot be one is refused", () => {
  assert.equal(readToken("  Bearer abc.def\n"), "abc.def");
  for (const wrong of ["", "  ", "two words", "naïve", "a\u0000b", "x".repeat(4097)]) {
    assert.equal(readToken(wrong), undefined, wrong.slice(0, 20));
  }
});
