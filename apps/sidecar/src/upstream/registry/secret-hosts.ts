// Where secrets of registered upstreams may go. Their names and the addresses both come from the control plane, so without this list whoever
// may register an upstream could have any secret of the sidecar's folder sent to himself. What is not listed gets none.

export interface SecretHosts {
  /** Whether a secret may be sent to this address. */
  allows(url: URL): boolean;
}

const PATTERN =
  /^(?:(https?):\/\/)?(\[[0-9a-f:.]+\]|(?:\*\.)?[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?)(?::(\d{1,5}|\*))?$/;

/** Whether `text` is a pattern: "crm.example.com", "*.example.com:8443", "http://crm:8080". */
export const isHostPattern = (text: string): boolean => PATTERN.test(text);

/**
 * A pattern means https unless it says http://, the port of its scheme unless it names one (`:*` = any), and with `*.` every name below the
 * one that follows, but not that one itself. What is no pattern allows nothing.
 */
export function createSecretHosts(patterns: readonly string[]): SecretHosts {
  const rules = patterns.map(ruleOf);
  return { allows: (url) => rules.some((allows) => allows(url)) };
}

function ruleOf(pattern: string): (url: URL) => boolean {
  const [, scheme = "https", host, port] = PATTERN.exec(pattern) ?? [];
  if (host === undefined) return () => false;
  return (url) =>
    url.protocol === `${scheme}:` &&
    (port === "*" || portOf(url) === (port ?? usualPort(scheme))) &&
    (host.startsWith("*.") ? isBelow(url.hostname, host.slice(1)) : url.hostname === host);
}

const isBelow = (host: string, suffix: string) => host.endsWith(suffix) && host.length > suffix.length;
const portOf = ({ port, protocol }: URL) => (port === "" ? usualPort(protocol.slice(0, -1)) : port);
const usualPort = (scheme: string) => (scheme === "https" ? "443" : "80");
