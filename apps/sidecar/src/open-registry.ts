// The registered upstreams of a sidecar whose operator wants them, put together from its settings. Of one whose operator does not, they are
// counted and nothing else.
import type { CallClients } from "./call-clients.ts";
import type { SidecarConfig } from "./config.ts";
import { endSession } from "./end-session.ts";
import { guardOf } from "./open-upstreams.ts";
import type { Sessions } from "./sessions.ts";
import type { Surroundings } from "./surroundings.ts";
import { openRegistered } from "./upstream/registry/open-registered.ts";
import type { RegistryOptions } from "./upstream/registry/registry-settings.ts";
import { createSecretHosts } from "./upstream/registry/secret-hosts.ts";
import { createSecretPlaces } from "./upstream/registry/secret-places.ts";
import {
  createUpstreamRegistry,
  type RegistryPorts,
  type UpstreamRegistry,
} from "./upstream/registry/upstream-registry.ts";
import { createVault } from "./upstream/registry/vault-secrets.ts";
import type { Upstream } from "./upstream/upstream.ts";

export interface OpenRegistryPorts
  extends Pick<Surroundings, "clock" | "sleep" | "log">,
    Pick<RegistryPorts, "upstreams" | "places"> {
  readonly sessions: Pick<Sessions, "release">;
  readonly callClients: Pick<CallClients, "release">;
}

const VAULT_TIMEOUT_MS = 5_000;
/** Sessions of one upstream that it is told of at once when it goes; it forgets others by itself. */
const SESSIONS_TOLD_MAX = 256;
const TELLING_MS = 5_000;

export function openRegistry(config: SidecarConfig, ports: OpenRegistryPorts): UpstreamRegistry {
  return config.registry === undefined ? uncalled(ports) : opened(config, config.registry, ports);
}

function opened(config: SidecarConfig, options: RegistryOptions, ports: OpenRegistryPorts): UpstreamRegistry {
  const { clock, log, sleep } = ports;
  const vault = options.vault && createVault({ ...options.vault, timeoutMs: VAULT_TIMEOUT_MS, clock });
  const registered = {
    ...{ clock, log },
    hosts: createSecretHosts(options.hosts),
    places: createSecretPlaces({
      folder: options.secretsDir,
      variables: options.variables,
      vault,
      vaultTtlMs: options.vault?.ttlMs ?? 0,
      clock,
    }),
    limits: {
      ...guardOf(config),
      answerTimeoutMs: config.upstreamTimeoutMs,
      streamTimeoutMs: config.upstreamStreamTimeoutMs,
      answerBytesMax: config.responseBytesMax,
      networks: config.upstreamNetworks,
    },
  };
  const registry = createUpstreamRegistry({
    ...ports,
    open: (upstream) => openRegistered(upstream, registered),
    letGo: (upstream) => letGo(upstream, ports, sleep),
  });
  return {
    ...registry,
    async close() {
      await registry.close();
      await vault?.close();
    },
  };
}

function letGo(
  upstream: Upstream,
  { sessions, callClients }: OpenRegistryPorts,
  sleep: Surroundings["sleep"],
): () => Promise<void> {
  const sessionIds = sessions.release(upstream.name).slice(0, SESSIONS_TOLD_MAX);
  const endClients = callClients.release(upstream);
  return async () => {
    const told = new AbortController();
    const telling = [endClients(), ...sessionIds.map((id) => endSession(upstream, id, told.signal))];
    await Promise.race([Promise.all(telling), sleep(TELLING_MS, told.signal)]);
    told.abort();
  };
}

/** What is registered and not served is worth one line in the log. */
function uncalled({ log }: Pick<OpenRegistryPorts, "log">): UpstreamRegistry {
  let count = 0;
  return {
    take({ upstreams }) {
      if (upstreams.length > count)
        log.info("registered upstreams are not served: POSTERN_UPSTREAM_REGISTRY is off", {
          upstreams: upstreams.length,
        });
      count = upstreams.length;
    },
    warnings: () => [],
    close: async () => {},
  };
}
