// Signing in with the company's identity provider: the browser leaves, comes back with a code behind `#`, and fetches a session with it. The
// cookie that binds the two to this browser is sent to the login endpoints only, and to nothing else that this page asks for.

export type Fetch = (path: string, init: RequestInit) => Promise<Response>;

/** Where the browser goes to log in. */
export const LOGIN_ADDRESS = "/v1/auth/login";

/** The code in the address of a browser that has come back; undefined in every other address. */
export function loginCode(hash: string): string | undefined {
  return /^#signed-in=([A-Za-z0-9._-]{1,256})$/.exec(hash)?.[1];
}

/** Whether the control plane knows an identity provider. A service that cannot say is taken to know none. */
export async function canLogIn(fetch: Fetch): Promise<boolean> {
  try {
    const answer = await fetch("/v1/auth", { cache: "no-store", credentials: "omit", redirect: "error" });
    const { methods } = (await answer.json()) as { methods?: unknown };
    return answer.ok && Array.isArray(methods) && methods.includes("oidc");
  } catch {
    return false;
  }
}

/** The session's token, or in `problem` why there is none, for the reader. */
export async function fetchSession(
  fetch: Fetch,
  code: string,
): Promise<{ token: string } | { problem: string }> {
  try {
    const answer = await fetch("/v1/auth/session", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ code }),
      cache: "no-store",
      credentials: "same-origin",
      redirect: "error",
    });
    const { token, error } = (await answer.json()) as { token?: unknown; error?: unknown };
    if (answer.ok && typeof token === "string") return { token };
    return { problem: typeof error === "string" ? error : "The login did not succeed. Sign in again." };
  } catch {
    return { problem: "The control plane cannot be reached. Check that it runs, then sign in again." };
  }
}

/** Ends the session on the control plane. When that cannot be reached, it ends by itself within hours. */
export async function endSession(fetch: Fetch, token: string): Promise<void> {
  const headers = { authorization: `Bearer ${token}` };
  await fetch("/v1/auth/session", { method: "DELETE", headers, credentials: "omit", keepalive: true }).catch(
    () => {},
  );
}
