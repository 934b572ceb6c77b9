// Every official client in every era it speaks, through the sidecar, against a server that uses all of the protocol.
import { after, test } from "node:test";
import { startFixture } from "../conformance/ways.ts";
import { assertStory, STORY_CAVEATS, STORY_POLICY } from "./clients-story.ts";
import { findPython, tellPythonStory } from "./python-clients.ts";
import { startStack } from "./stack.ts";
import { TYPESCRIPT_CLIENTS, tellStory } from "./typescript-clients.ts";

const file = { after };
const stack = await startStack(file, STORY_POLICY, {
  POSTERN_UPSTREAM_URL: await startFixture(file),
});

/** Each client has a token of its own, so that none spends what another has. */
async function door() {
  const { token } = await stack.mint({ caveats: STORY_CAVEATS });
  return { url: stack.sidecar.mcpUrl, token };
}

for (const name of Object.keys(TYPESCRIPT_CLIENTS)) {
  test(`${name} tells the whole story`, { timeout: 120_000 }, async (t) => {
    assertStory(await tellStory(t, name, await door()));
  });
}

for (const mode of ["legacy", "2026-07-28"]) {
  test(`the Python client in mode ${mode} tells the whole story`, { timeout: 600_000 }, async (t) => {
    const python = await findPython();
    if (!python.ok) return t.skip(python.why);
    assertStory(await tellPythonStory(python.program, await door(), mode));
  });
}
