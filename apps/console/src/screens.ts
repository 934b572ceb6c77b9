// Every screen, in the order of the navigation.
import type { Screen } from "./screen.ts";
import { approvalsScreen } from "./screens/approvals.ts";
import { eventsScreen } from "./screens/events.ts";
import { haltsScreen } from "./screens/halts.ts";
import { keysScreen } from "./screens/keys.ts";
import { overviewScreen } from "./screens/overview.ts";
import { peopleScreen } from "./screens/people.ts";
import { policiesScreen } from "./screens/policies.ts";
import { settingsScreen } from "./screens/settings.ts";
import { sidecarsScreen } from "./screens/sidecars.ts";
import { tenantsScreen } from "./screens/tenants.ts";
import { tokensScreen } from "./screens/tokens.ts";
import { toolsScreen } from "./screens/tools.ts";
import { upstreamsScreen } from "./screens/upstreams.ts";
import { verifyScreen } from "./screens/verify.ts";
import { webhooksScreen } from "./screens/webhooks.ts";

export { overviewScreen };

export const screens: readonly Screen[] = [
  overviewScreen,
  approvalsScreen,
  haltsScreen,
  eventsScreen,
  verifyScreen,
  policiesScreen,
  toolsScreen,
  upstreamsScreen,
  tokensScreen,
  sidecarsScreen,
  keysScreen,
  peopleScreen,
  webhooksScreen,
  settingsScreen,
  tenantsScreen,
];
