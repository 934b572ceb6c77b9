// The only way in which this page makes elements. Texts become text nodes with nothing hidden in them, never markup, and an attribute that
// would run code is refused: names of tools, reasons and argument keys come from attackers.
import { visible } from "./format.ts";

export type Child = Node | string | undefined;
export type Attributes = Readonly<Record<string, string | boolean | undefined>>;

/** `true` sets an attribute without a value; `false` and `undefined` leave it out. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  setAttributes(made, attributes);
  made.append(...nodesOf(children));
  return made;
}

/** As `element`, for drawings. */
export function drawn<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[Tag] {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  setAttributes(made, attributes);
  made.append(...nodesOf(children));
  return made;
}

export function nodesOf(children: readonly Child[]): Node[] {
  return children
    .filter((child) => child !== undefined)
    .map((child) => (typeof child === "string" ? document.createTextNode(visible(child)) : child));
}

/** Addresses lead within the page only, but for what the page itself has made (`blob:`). */
const ADDRESS = /^(#|blob:)/;

function setAttributes(made: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    const text = value === true ? "" : value;
    if (/^(on|style$|src)/i.test(name) || (name === "href" && !ADDRESS.test(text))) {
      throw new Error(`the attribute ${name} must not be set to ${text}`);
    }
    made.setAttribute(name, text);
  }
}
