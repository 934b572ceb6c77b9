// The keys that issuers sign with, fetched when they are needed and kept for a while. How often one issuer is asked has a bound that no
// token can move: a key id that is not known asks once and is then unknown, and where keys come from is never a matter of the token.
import { KeySetUrl } from "@postern/contracts";
import { type Clock, Fault } from "@postern/fault";
import { createLocalJWKSet, type JWK, type JWTVerifyGetKey } from "jose";
import { z } from "zod";
import type { JsonFetch } from "./json-fetch.ts";
import type { TrustedIssuer } from "./model.ts";

export interface KeySets {
  /**
   * The issuer's keys; `isStale` asks again for a token whose key is not among those that were given last time, as far as the bound allows.
   * Faults: unavailable "issuers.unreachable", "issuers.metadata", "issuers.keys".
   */
  of(
    issuer: Pick<TrustedIssuer, "issuer" | "trust">,
    options?: { isStale: boolean },
  ): Promise<JWTVerifyGetKey>;
}

export interface KeySetPorts {
  readonly fetchJson: JsonFetch;
  readonly clock: Pick<Clock, "monotonicMs">;
}

/** After this long keys are fetched again. */
const FRESH_MS = 600_000;
/** Keys that cannot be fetched again are believed for so long in all. */
const BELIEVED_MS = 3_600_000;
/** One issuer is asked no more often than this, whatever tokens say. */
const PAUSE_MS = 30_000;
/** Nor, while there are no keys of it at all, more often than this. */
const RETRY_MS = 5_000;
const ISSUERS_MAX = 256;
const KEYS_MAX = 64;

interface Entry {
  keys: JWTVerifyGetKey | undefined;
  fetchedMs: number;
  askedMs: number;
  failure: Fault | undefined;
  asking: Promise<void> | undefined;
}

export function createKeySets({ fetchJson, clock }: KeySetPorts): KeySets {
  const entries = new Map<string, Entry>();

  function entryOf(key: string): Entry {
    const known = entries.get(key);
    if (known !== undefined) {
      entries.delete(key);
      entries.set(key, known);
      return known;
    }
    const entry: Entry = {
      keys: undefined,
      fetchedMs: Number.NEGATIVE_INFINITY,
      askedMs: Number.NEGATIVE_INFINITY,
      failure: undefined,
      asking: undefined,
    };
    entries.set(key, entry);
    for (const oldest of entries.keys()) {
      if (entries.size <= ISSUERS_MAX) break;
      entries.delete(oldest);
    }
    return entry;
  }

  async function ask(
    entry: Entry,
    { issuer, trust }: Pick<TrustedIssuer, "issuer" | "trust">,
  ): Promise<void> {
    entry.askedMs = clock.monotonicMs();
    try {
      const address = trust.jwks_uri ?? (await discover(issuer, fetchJson));
      entry.keys = readKeys(await fetchJson(address));
      entry.fetchedMs = clock.monotonicMs();
      entry.failure = undefined;
    } catch (caught) {
      if (!(caught instanceof Fault)) throw caught;
      entry.failure = caught;
    }
  }

  return {
    async of(issuer, { isStale } = { isStale: false }) {
      // Where keys were said to be is part of what they are kept under: one tenant's address for them says nothing to another tenant.
      const entry = entryOf(JSON.stringify([issuer.issuer, issuer.trust.jwks_uri ?? null]));
      const nowMs = clock.monotonicMs();
      const isWanted = isStale || nowMs - entry.fetchedMs > FRESH_MS;
      const pauseMs = entry.keys === undefined ? RETRY_MS : PAUSE_MS;
      if (isWanted && entry.asking === undefined && nowMs - entry.askedMs >= pauseMs) {
        entry.asking = ask(entry, issuer).finally(() => {
          entry.asking = undefined;
        });
      }
      if (isWanted) await entry.asking;
      if (entry.keys === undefined || clock.monotonicMs() - entry.fetchedMs > BELIEVED_MS) {
        throw entry.failure ?? noKeys("they were not fetched");
      }
      return entry.keys;
    },
  };
}

const Metadata = z.object({ issuer: z.string(), jwks_uri: z.string().max(512) });

/** RFC 8414 §3 and OpenID Connect Discovery §4: the metadata must name the very issuer that it was asked of. */
async function discover(issuer: string, fetchJson: JsonFetch): Promise<string> {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, "");
  const addresses = [
    `${origin}${path}/.well-known/openid-configuration`,
    `${origin}/.well-known/oauth-authorization-server${path}`,
  ];
  let failure: unknown;
  for (const address of addresses) {
    try {
      const metadata = Metadata.safeParse(await fetchJson(address));
      if (metadata.success && metadata.data.issuer === issuer) return keyAddress(metadata.data.jwks_uri);
      failure = badMetadata("it names another issuer or no keys");
    } catch (caught) {
      failure = caught;
    }
  }
  throw failure;
}

function keyAddress(text: string): string {
  const parsed = KeySetUrl.safeParse(text);
  if (!parsed.success) throw badMetadata("its jwks_uri is not an https address");
  return parsed.data;
}

const Keys = z.object({ keys: z.array(z.looseObject({ kty: z.string(), use: z.string().optional() })) });

/** Only public keys for signatures; a set that is larger than any issuer's is no set. */
function readKeys(document: unknown): JWTVerifyGetKey {
  const parsed = Keys.safeParse(document);
  if (!parsed.success) throw noKeys("the document is not a key set");
  if (parsed.data.keys.length > KEYS_MAX) throw noKeys(`there are more than ${KEYS_MAX}`);
  const keys = parsed.data.keys.filter(
    ({ kty, use = "sig" }) => ["RSA", "EC", "OKP"].includes(kty) && use === "sig",
  );
  return createLocalJWKSet({ keys: keys as JWK[] });
}

function badMetadata(detail: string): Fault {
  return new Fault("unavailable", "issuers.metadata", "The issuer's metadata cannot be used.", { detail });
}

function noKeys(detail: string): Fault {
  return new Fault("unavailable", "issuers.keys", "The issuer's keys cannot be used.", { detail });
}
