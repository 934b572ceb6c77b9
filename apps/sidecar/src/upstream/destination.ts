// Where a tool server is, read once from its configured address, and how a connection to it is made: its name is resolved here, what it
// resolves to is checked, and the connection goes to exactly what was checked. That is repeated for each connection, since names move.
import { connect, isIP, type LookupFunction } from "node:net";
import { connect as connectTls } from "node:tls";
import { Fault } from "@postern/fault";
import {
  type AddressRulesOptions,
  createAddressRules,
  guardedLookup,
  hostOf,
  type Resolve,
} from "@postern/network";

export interface Destination {
  readonly url: URL;
  readonly origin: string;
  /** Path and query. */
  readonly path: string;
  /** For net.connect: resolves, checks and pins. Fails with what is wrong if any of the addresses may not be reached. */
  readonly lookup: LookupFunction;
  /** Whether a connection can be made now. */
  reach(timeoutMs: number): Promise<{ readonly ok: boolean; readonly detail?: string }>;
}

export interface DestinationRules {
  readonly addresses?: AddressRulesOptions;
  /** Default: as the operating system resolves. */
  readonly resolve?: Resolve;
}

/** @throws Fault invalid "config.invalid" for an address that may not be reached, or that two readers could take for two places. */
export function readDestination(
  text: string,
  { addresses = {}, resolve }: DestinationRules = {},
): Destination {
  const url = readUrl(text);
  const host = hostOf(url);
  const rules = createAddressRules(addresses, isIP(host) === 0 ? undefined : host);
  if (isIP(host) !== 0) {
    const refusal = rules.refusalOf(host);
    if (refusal !== undefined) throw invalid(`${host} may not be reached: ${refusal}`);
  }
  const lookup = guardedLookup(rules, resolve);

  return {
    url,
    origin: url.origin,
    path: `${url.pathname}${url.search}`,
    lookup,
    reach: (timeoutMs) => reach(url, host, lookup, timeoutMs),
  };
}

/** `URL` reads 0x7f.1, 2130706433 and 127.0.0.1. as 127.0.0.1; a person who reads the configuration does not. */
function readUrl(text: string): URL {
  const url = URL.parse(text);
  const written = /^https?:\/\/([^/?#]*)/i.exec(text)?.[1];
  if (url === null || written === undefined)
    throw invalid(`${JSON.stringify(text)} is no http or https address`);
  if (!/^(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i.test(written)) {
    throw invalid("the address of a tool server must be a host name or an IP address, without credentials");
  }
  const host = written.replace(/:\d+$/, "").toLowerCase();
  if (host.endsWith(".")) throw invalid(`${written} must not end with a dot`);
  if (host !== url.hostname) throw invalid(`${written} must be written as ${url.hostname}`);
  return url;
}

/** A connection, opened and closed: the least that can be asked without sending a message. */
function reach(
  url: URL,
  host: string,
  lookup: LookupFunction,
  timeoutMs: number,
): Promise<{ ok: boolean; detail?: string }> {
  const isTls = url.protocol === "https:";
  const port = Number(url.port || (isTls ? 443 : 80));
  return new Promise((resolve) => {
    const socket = isTls
      ? connectTls({ host, port, lookup, servername: isIP(host) === 0 ? host : "" })
      : connect({ host, port, lookup });
    const settle = (answer: { ok: boolean; detail?: string }) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(timeoutMs, () => settle({ ok: false, detail: `no connection within ${timeoutMs} ms` }));
    socket.once(isTls ? "secureConnect" : "connect", () => settle({ ok: true }));
    socket.once("error", (error) => settle({ ok: false, detail: error.message }));
  });
}

const invalid = (problem: string) =>
  new Fault("invalid", "config.invalid", `The configuration cannot be used: ${problem}.`);
