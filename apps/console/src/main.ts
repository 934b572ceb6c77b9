// Starts the console in a browser: hands it the browser's clock, timers, network and storage.
import { createPulse } from "./pulse.ts";
import { createSession } from "./session.ts";
import { startConsole } from "./shell.ts";

startConsole({
  root: document.body,
  session: createSession(sessionStorage),
  fetch: (path, init) => fetch(path, init),
  nowMs: () => Date.now(),
  pulse: createPulse({
    later(afterMs, run) {
      const timer = setTimeout(run, afterMs);
      return () => clearTimeout(timer);
    },
    isHidden: () => document.hidden,
    onSeen(run) {
      const hear = () => {
        if (!document.hidden) run();
      };
      document.addEventListener("visibilitychange", hear);
      return () => document.removeEventListener("visibilitychange", hear);
    },
  }),
});
