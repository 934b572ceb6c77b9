// The sidecar as it would be if it gave OPA objects to print instead of text that is ready.
import { exchangeExport } from "./exchange-export.ts";

exchangeExport("@postern/policy", "createPolicyEngine", new URL("./object-engine.ts", import.meta.url));
