// A tool server's credential that is a secret of its own, sent in a header. Where the secret cannot be had the call fails, unsent.
import type { Secret } from "@postern/config";
import { toFault } from "@postern/fault";
import type { Credential } from "../credential.ts";
import { upstreamFault } from "../upstream.ts";
import type { SecretHolder } from "./secret-holder.ts";

export interface SecretCredentialOptions {
  readonly holder: SecretHolder;
  /** Name of the header, in any case. */
  readonly header: string;
  /** What stands before the secret. */
  readonly prefix: string;
}

export function createSecretCredential({ holder, header, prefix }: SecretCredentialOptions): Credential {
  const spoken = (secret: Secret) => `${prefix}${secret.reveal()}`;
  return {
    header: header.toLowerCase(),
    authorizationFor() {
      const current = holder.current();
      return current instanceof Promise ? current.then(spoken, refuse) : spoken(current);
    },
    forget: () => holder.doubt(),
    close: async () => {},
  };
}

function refuse(caught: unknown): never {
  throw upstreamFault("upstream.unavailable", "The sidecar does not have the tool server's credential", {
    sent: false,
    detail: toFault(caught).message,
  });
}
