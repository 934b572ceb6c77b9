// Reading a JSON body without trusting it: bounded while it is read, UTF-8 or nothing, JSON by media type, bounded nesting,
// and no key that could reach a prototype.
import { Fault } from "@postern/fault";

/** Default limit on a body, bytes. */
export const BODY_BYTES_MAX = 1_048_576;
/** Default limit on objects and arrays within one another. */
const BODY_DEPTH_MAX = 64;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The body as JSON; undefined when it is empty.
 * Raises Fault too_large "http.body_too_large", invalid "http.media_type" | "http.encoding" (415), invalid "http.json".
 */
export async function readJson(
  request: Request,
  bytesMax: number,
  depthMax: number = BODY_DEPTH_MAX,
): Promise<unknown> {
  const bytes = await readBounded(request, bytesMax);
  if (bytes.byteLength === 0) return undefined;
  assertJsonType(request.headers);
  const value = parseJson(bytes);
  assertPlain(value, depthMax);
  return value;
}

/** Refuses a body that the operation does not take. Raises Fault invalid "http.body_unexpected". */
export function refuseBody(request: Request): void {
  const length = request.headers.get("content-length") ?? "0";
  if (length !== "0" || request.headers.has("transfer-encoding"))
    throw new Fault("invalid", "http.body_unexpected", "This operation takes no body.");
}

async function readBounded(request: Request, bytesMax: number): Promise<Uint8Array> {
  if (Number(request.headers.get("content-length") ?? 0) > bytesMax) throw tooLarge(bytesMax);
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop early cancels the body, so that no more of it is read.
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > bytesMax) throw tooLarge(bytesMax);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

function tooLarge(bytesMax: number): Fault {
  return new Fault("too_large", "http.body_too_large", `The body is larger than ${bytesMax} bytes.`);
}

function assertJsonType(headers: Headers): void {
  const encoding = headers.get("content-encoding");
  if (encoding !== null && encoding !== "identity")
    throw new Fault("invalid", "http.encoding", "Send the body without content encoding.");
  const [type = "", ...parameters] = (headers.get("content-type") ?? "").toLowerCase().split(";");
  const charset = parameters.map((text) => text.trim()).find((text) => text.startsWith("charset="));
  const isJson = /^application\/(?:json|[a-z0-9.-]+\+json)$/.test(type.trim());
  if (!isJson || (charset !== undefined && !/^charset="?utf-8"?$/.test(charset)))
    throw new Fault("invalid", "http.media_type", "Send the body as 'Content-Type: application/json'.");
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(bytes));
  } catch (cause) {
    throw new Fault("invalid", "http.json", "The body is not valid JSON in UTF-8.", { cause });
  }
}

/** Walks level by level, so that nesting costs no stack. */
function assertPlain(value: unknown, depthMax: number): void {
  let level = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > depthMax)
      throw new Fault("invalid", "http.json", `The body is nested deeper than ${depthMax} levels.`);
    const deeper: unknown[] = [];
    for (const item of level) {
      if (typeof item !== "object" || item === null) continue;
      if (Object.hasOwn(item, "__proto__"))
        throw new Fault("invalid", "http.json", "The body holds a key named __proto__.");
      for (const child of Object.values(item)) if (typeof child === "object") deeper.push(child);
    }
    level = deeper;
  }
}
