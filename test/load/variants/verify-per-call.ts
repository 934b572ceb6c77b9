// The sidecar as it would be if it remembered no token: every call pays for its signature.
import { exchangeExport } from "./exchange-export.ts";

exchangeExport("@postern/capability", "createVerifier", new URL("./forgetful-verifier.ts", import.meta.url));
