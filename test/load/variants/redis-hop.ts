// The sidecar as it would be if each call asked a Redis server for its budget.
import { exchangeExport } from "./exchange-export.ts";

exchangeExport("@postern/budget", "createLeaseLedger", new URL("./redis-ledger.ts", import.meta.url));
