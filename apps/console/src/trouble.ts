// How trouble reads: the control plane's own words, unchanged and with their line breaks, its code for a search in the documentation, and
// what the reader can do about it.

import { type Child, element } from "./element.ts";
import { isTrouble } from "./exchange.ts";

const ADVICE: Readonly<Record<number, string>> = {
  0: "",
  403: "The screen People shows what you may do, and how to ask for more.",
  404: "It may have been removed, or belong to another tenant.",
  409: "Something changed meanwhile: read the page again.",
  429: "Wait a little, then try again.",
  503: "The control plane is not ready for this. Its /readyz tells why.",
};

/** What an elevation that does not do is answered with. It is never passed over, so that nobody acts as somebody else than he means to. */
const UNUSABLE = "elevations.unusable";

export function showTrouble(caught: unknown, ...more: readonly Child[]): HTMLElement {
  if (!isTrouble(caught)) {
    return element("div", { class: "trouble", role: "alert" }, words(String(caught)), ...more);
  }
  const { message, code, status, requestId } = caught;
  const told = [code, requestId === "" ? "" : `request ${requestId}`]
    .filter((text) => text !== "")
    .join(" · ");
  const advice = code === UNUSABLE ? "Above you can go on without the elevation." : (ADVICE[status] ?? "");
  return element(
    "div",
    { class: "trouble", role: "alert" },
    words(message),
    advice === "" ? undefined : element("p", {}, advice),
    told === "" ? undefined : element("p", { class: "faint" }, told),
    ...more,
  );
}

/** Several lines may be drawings, as a compiler's that points at a column. */
export function words(message: string): HTMLElement {
  return element("pre", { class: message.includes("\n") ? undefined : "prose" }, message);
}
