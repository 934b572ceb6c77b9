// From what a tenant registered to a tool server that answers. The address is the tenant's choice, so it may be public, or in a network that the
// operator listed, and a secret goes only to a host that he listed. What cannot be used is there all the same, and refuses whoever calls; why it
// does is for the operator to read.
import { isIP } from "node:net";
import type { RegisteredUpstream } from "@postern/contracts";
import { type Clock, Fault, toFault } from "@postern/fault";
import { createAddressRules, hostOf } from "@postern/network";
import type { Logger } from "@postern/telemetry";
import { type Credential, createCredential } from "../credential.ts";
import { type GuardOptions, guardUpstream } from "../guarded.ts";
import { createHttpUpstream } from "../http.ts";
import { createSseUpstream } from "../sse.ts";
import { createTokenEndpoint } from "../token-endpoint.ts";
import { type Upstream, upstreamFault } from "../upstream.ts";
import { createSecretCredential } from "./secret-credential.ts";
import type { SecretHolder } from "./secret-holder.ts";
import type { SecretHosts } from "./secret-hosts.ts";
import type { SecretPlaces } from "./secret-places.ts";

export interface OpenedUpstream {
  readonly upstream: Upstream;
  /** Why its calls are refused; undefined when nothing is known against them. */
  problem(): string | undefined;
}

export interface RegisteredPorts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly hosts: SecretHosts;
  readonly places: SecretPlaces;
  readonly limits: RegisteredLimits;
}

export interface RegisteredLimits extends Omit<GuardOptions, "clock"> {
  readonly answerTimeoutMs: number;
  readonly streamTimeoutMs: number;
  /** Largest answer, and largest event of a stream. */
  readonly answerBytesMax: number;
  /** Networks (CIDR) that may be reached besides public addresses. */
  readonly networks: readonly string[];
}

const CREDENTIAL_TIMEOUT_MS = 10_000;

export function openRegistered(registered: RegisteredUpstream, ports: RegisteredPorts): OpenedUpstream {
  const { name } = registered;
  try {
    return open(registered, ports);
  } catch (caught) {
    const { message: problem } = toFault(caught);
    ports.log.warn("registered upstream cannot be used", { upstream: name, problem });
    return { upstream: refusing(name, problem), problem: () => problem };
  }
}

function open(registered: RegisteredUpstream, ports: RegisteredPorts): OpenedUpstream {
  const { name, transport, url } = registered;
  const { clock, log, limits } = ports;
  const { answerTimeoutMs, streamTimeoutMs, answerBytesMax } = limits;
  const addresses = { networks: limits.networks, isStrict: true };
  refuseAddress(url, addresses);
  const { credential, holder } = credentialOf(registered, addresses, ports);
  const remote = {
    ...{ name, url, clock, addresses, answerTimeoutMs, streamTimeoutMs },
    ...(credential !== undefined && { credential }),
  };
  const upstream =
    transport === "http"
      ? createHttpUpstream({ ...remote, bodyBytesMax: answerBytesMax })
      : createSseUpstream({
          ...remote,
          eventBytesMax: answerBytesMax,
          onDiagnostic: (text) => log.debug("tool server says", { upstream: name, text }),
        });
  // The first call need not wait for it, and an operator hears at once when it is not there.
  Promise.resolve(holder?.current()).catch(() => {});
  return { upstream: guardUpstream(upstream, { ...limits, clock }), problem: () => holder?.problem() };
}

/** An address that is written as numbers is nobody's name: it counts as reached wherever the tenant, and not the operator, wrote it. */
function refuseAddress(address: string, addresses: { networks: readonly string[]; isStrict: boolean }): void {
  const host = hostOf(new URL(address));
  const refusal = isIP(host) === 0 ? undefined : createAddressRules(addresses).refusalOf(host);
  if (refusal !== undefined) throw unusable(`its address may not be reached: ${refusal}`);
}

interface Opened {
  readonly credential: Credential | undefined;
  readonly holder: SecretHolder | undefined;
}

function credentialOf(
  { name, url, auth }: RegisteredUpstream,
  addresses: { networks: readonly string[]; isStrict: boolean },
  { clock, log, hosts, places }: RegisteredPorts,
): Opened {
  if (auth.kind === "none") return { credential: undefined, holder: undefined };
  refuseHost(url, hosts);
  const holder = places.holderFor(auth.secret, (problem) => {
    if (problem === undefined) log.info("secret of an upstream can be had again", { upstream: name });
    else log.warn("secret of an upstream cannot be had", { upstream: name, problem: problem.message });
  });
  if (auth.kind === "header") return { holder, credential: createSecretCredential({ ...auth, holder }) };
  refuseHost(auth.token_url, hosts);
  refuseAddress(auth.token_url, addresses);
  const { token_url: tokenUrl, client_id: clientId, scopes, resource } = auth;
  const endpoint = createTokenEndpoint({
    ...{ tokenUrl, clientId, addresses, timeoutMs: CREDENTIAL_TIMEOUT_MS },
    clientSecret: async () => (await holder.current()).reveal(),
  });
  const parameters = {
    ...(scopes.length > 0 && { scope: scopes.join(" ") }),
    ...(resource !== undefined && { resource }),
  };
  const grant = { type: "client_credentials", parameters } as const;
  return { holder, credential: createCredential({ endpoint, grant, clock }) };
}

function refuseHost(address: string, hosts: SecretHosts): void {
  const url = new URL(address);
  if (!hosts.allows(url)) throw unusable(`the operator of this sidecar lets no secret go to ${url.origin}`);
}

const unusable = (why: string) =>
  new Fault("forbidden", "upstream.registered", `The tool server cannot be used here: ${why}.`);

/** There, and of no use: nothing is ever sent. */
function refusing(name: string, problem: string): Upstream {
  const refusal = "The sidecar cannot use this tool server; its operator can see why";
  return {
    name,
    forward: () =>
      Promise.reject(upstreamFault("upstream.unavailable", refusal, { sent: false, detail: problem })),
    load: () => ({ calls: 0, isLeftAlone: false }),
    idle: async () => {},
    probe: async () => ({ ok: false, detail: problem }),
    close: async () => {},
  };
}
