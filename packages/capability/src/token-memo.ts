// The tokens of the calls of this very minute, so that most calls find theirs by one comparison instead of a digest: comparing a text costs a
// fiftieth of hashing it. Few of them, each in the one place that its last characters (of a signature, hence random) give it, and all are
// let go with the minute: a copy of this process's memory gives nobody a credential that was not in use just then.

export interface TokenMemo<Value> {
  get(token: string, nowMs: number): Value | undefined;
  put(token: string, value: Value): void;
}

const PLACES = 256;
const MINUTE_MS = 60_000;

export function createTokenMemo<Value>(): TokenMemo<Value> {
  let places: ({ readonly token: string; readonly value: Value } | undefined)[] = [];
  let minute = 0;
  return {
    get(token, nowMs) {
      const minuteNow = Math.floor(nowMs / MINUTE_MS);
      if (minuteNow !== minute) {
        places = new Array(PLACES).fill(undefined);
        minute = minuteNow;
      }
      const found = places[placeOf(token)];
      return found !== undefined && found.token === token ? found.value : undefined;
    },
    put(token, value) {
      places[placeOf(token)] = { token, value };
    },
  };
}

/** Base64url has six bits in a character, and few of them stand in the last one. */
function placeOf(token: string): number {
  const end = token.length;
  return (token.charCodeAt(end - 2) * 67 + token.charCodeAt(end - 3)) % PLACES;
}
