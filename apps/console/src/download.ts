// Saves an answer as a file. The request carries the token in a header, so a plain link cannot do it.
import { element } from "./element.ts";

let lastAddress = "";

/** `fallbackName` is used when the answer names no file. */
export async function save(response: Response, fallbackName: string): Promise<void> {
  const given = /filename="([A-Za-z0-9._-]+)"/.exec(response.headers.get("content-disposition") ?? "")?.[1];
  // The browser may still be reading the file before this one, but not the one before that.
  URL.revokeObjectURL(lastAddress);
  lastAddress = URL.createObjectURL(await response.blob());
  element("a", { href: lastAddress, download: given ?? fallbackName }).click();
}
