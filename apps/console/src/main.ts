// Starts the console in a browser: hands it the browser's clock, network and storage.
import { createSession } from "./session.ts";
import { startConsole } from "./shell.ts";

startConsole({
  root: document.body,
  session: createSession(sessionStorage),
  fetch: (path, init) => fetch(path, init),
  nowMs: () => Date.now(),
});
