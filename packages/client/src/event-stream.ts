// Reading server-sent events as they come (WHATWG HTML §9.2.6): any line ending, cut anywhere, and no event larger than agreed.
import { Fault } from "@postern/fault";

export interface StreamEvent {
  /** "message" when the stream names none. */
  readonly event: string;
  /** The last id seen so far; "" before the first one. */
  readonly id: string;
  readonly data: string;
}

/** The events of a stream. Raises Fault upstream "client.too_large" for an event of more than `charsMax` characters. */
export async function* readEvents(
  chunks: AsyncIterable<Uint8Array>,
  charsMax: number,
): AsyncGenerator<StreamEvent, void> {
  const decoder = createEventDecoder(charsMax);
  for await (const chunk of chunks) yield* decoder.push(chunk);
}

export function createEventDecoder(charsMax: number): { push(chunk: Uint8Array): StreamEvent[] } {
  const utf8 = new TextDecoder();
  let unfinishedLine = "";
  let isAfterCarriageReturn = false;
  let event = "";
  let id = "";
  let data: string[] = [];
  let dataChars = 0;

  function field(line: string): void {
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (name === "event") event = value;
    if (name === "id" && !value.includes("\0")) id = value;
    if (name !== "data") return;
    data.push(value);
    dataChars += value.length + 1;
  }

  /** A blank line ends the event; one without data is none. */
  function finished(): StreamEvent[] {
    const found = data.length > 0 ? [{ event: event || "message", id, data: data.join("\n") }] : [];
    event = "";
    data = [];
    dataChars = 0;
    return found;
  }

  return {
    push(chunk) {
      let text = utf8.decode(chunk, { stream: true });
      if (text === "") return [];
      // The line feed of a CRLF pair may come with the next chunk.
      if (isAfterCarriageReturn && text.startsWith("\n")) text = text.slice(1);
      isAfterCarriageReturn = text.endsWith("\r");
      const lines = text.split(/\r\n|\r|\n/);
      lines[0] = unfinishedLine + lines[0];
      unfinishedLine = lines.pop() ?? "";
      const events = lines.flatMap((line) => {
        if (line === "") return finished();
        field(line);
        return [];
      });
      if (unfinishedLine.length + dataChars > charsMax)
        throw new Fault("upstream", "client.too_large", `An event is larger than ${charsMax} characters.`);
      return events;
    },
  };
}
