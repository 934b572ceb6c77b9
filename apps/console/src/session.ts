// Holds the admin token: in memory, or on request in the tab's session storage, which ends with the tab. It is never written anywhere else
// and never becomes a part of an address.

export interface Session {
  token(): string | undefined;
  /** Whether a login at the identity provider began it, so that signing out ends it on the control plane too. */
  isLogin(): boolean;
  /** `kept` = it survives a reload of this tab. */
  begin(token: string, options: { kept: boolean; isLogin?: boolean }): void;
  end(): void;
}

const SLOT = "postern.admin-token";

export function createSession(storage: Pick<Storage, "getItem" | "setItem" | "removeItem">): Session {
  let current = storage.getItem(SLOT) ?? undefined;
  let login = false;
  return {
    token: () => current,
    isLogin: () => login,
    begin(token, { kept, isLogin = false }) {
      current = token;
      login = isLogin;
      if (kept) storage.setItem(SLOT, token);
      else storage.removeItem(SLOT);
    },
    end() {
      current = undefined;
      login = false;
      storage.removeItem(SLOT);
    },
  };
}

const TOKEN = /^[\x21-\x7e]{1,4096}$/;

/** What a person pasted, without what surrounds it; undefined when it cannot be a token. */
export function readToken(pasted: string): string | undefined {
  const token = pasted.trim().replace(/^Bearer +/i, "");
  return TOKEN.test(token) ? token : undefined;
}
