// A collector: takes spans over OTLP/HTTP and reads them back by the field numbers of the public protocol (opentelemetry-proto, trace/v1), so
// that what is tested is what another product would read.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { defer, type TestScope } from "@postern/testkit";

export interface ReceivedSpan {
  readonly resource: Attributes;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly state: string;
  readonly name: string;
  /** 2 = server, 3 = client. */
  readonly kind: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly attributes: Attributes;
  readonly events: readonly {
    readonly name: string;
    readonly atNs: bigint;
    readonly attributes: Attributes;
  }[];
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  /** 0 = unset, 2 = error. */
  readonly status: number;
  /** Whether its parent is somebody else's span. */
  readonly hasRemoteParent: boolean;
}
type Attributes = Readonly<Record<string, string | number | boolean>>;

export interface OtlpReceiver {
  readonly url: string;
  readonly spans: ReceivedSpan[];
  /** Everything that was sent, as it was. */
  readonly bodies: Buffer[];
  readonly headers: Record<string, string | string[] | undefined>[];
  /** HTTP status of its answers. */
  status: number;
  /** Answers nothing while it is true. */
  isSilent: boolean;
  /** Resolves when so many requests have come. */
  requests(count: number): Promise<void>;
}

export async function startOtlpReceiver(t: TestScope): Promise<OtlpReceiver> {
  const waiting: { count: number; resolve: () => void }[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks);
      receiver.bodies.push(body);
      receiver.headers.push(request.headers);
      if (receiver.status === 200) receiver.spans.push(...spansIn(body));
      for (const { count, resolve } of waiting) if (receiver.bodies.length >= count) resolve();
      if (receiver.isSilent) return;
      response.writeHead(receiver.status, { "content-type": "application/x-protobuf" });
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  defer(t, async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  });
  const { port } = server.address() as AddressInfo;
  const receiver: OtlpReceiver = {
    url: `http://127.0.0.1:${port}/v1/traces`,
    spans: [],
    bodies: [],
    headers: [],
    status: 200,
    isSilent: false,
    requests: (count) =>
      new Promise((resolve) => {
        if (receiver.bodies.length >= count) resolve();
        else waiting.push({ count, resolve });
      }),
  };
  return receiver;
}

function spansIn(body: Buffer): ReceivedSpan[] {
  return messages(body, 1).flatMap((resourceSpans) => {
    const resource = Object.assign({}, ...messages(resourceSpans, 1).map((own) => attributesIn(own, 1)));
    const spans = messages(resourceSpans, 2).flatMap((scoped) => messages(scoped, 2));
    return spans.map((span) => readSpan(span, resource));
  });
}

const REMOTE_PARENT = 0x200;

const readSpan = (span: Buffer, resource: Attributes): ReceivedSpan => ({
  resource,
  traceId: hex(span, 1),
  spanId: hex(span, 2),
  state: text(span, 3),
  parentSpanId: hex(span, 4),
  name: text(span, 5),
  kind: integer(span, 6),
  startNs: fixed64(span, 7),
  endNs: fixed64(span, 8),
  attributes: attributesIn(span, 9),
  events: messages(span, 11).map((event) => ({
    atNs: fixed64(event, 1),
    name: text(event, 2),
    attributes: attributesIn(event, 3),
  })),
  links: messages(span, 13).map((link) => ({ traceId: hex(link, 1), spanId: hex(link, 2) })),
  hasRemoteParent: ((first(span, 16)?.bytes.readUInt32LE() ?? 0) & REMOTE_PARENT) === REMOTE_PARENT,
  status: messages(span, 15).map((status) => integer(status, 3))[0] ?? 0,
});

function attributesIn(message: Buffer, number: number): Attributes {
  return Object.fromEntries(messages(message, number).map((pair) => [text(pair, 1), valueIn(pair)]));
}

function valueIn(pair: Buffer): string | number | boolean {
  const [value] = messages(pair, 2);
  const [field] = value === undefined ? [] : fieldsOf(value);
  if (field === undefined) return "";
  if (field.number === 1) return field.bytes.toString();
  if (field.number === 2) return field.varint === 1n;
  return field.number === 4 ? field.bytes.readDoubleLE() : Number(BigInt.asIntN(64, field.varint));
}

interface Field {
  readonly number: number;
  readonly varint: bigint;
  readonly bytes: Buffer;
}

/** The protobuf wire format: varint (0), eight bytes (1), counted bytes (2), four bytes (5). */
function fieldsOf(message: Buffer): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message.readUInt8(at);
      at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const tag = Number(varint());
    const form = tag & 7;
    const own = form === 0 ? varint() : 0n;
    const length = form === 1 ? 8 : form === 5 ? 4 : form === 2 ? Number(varint()) : 0;
    fields.push({ number: tag >> 3, varint: own, bytes: message.subarray(at, at + length) });
    at += length;
  }
  return fields;
}

const all = (message: Buffer, number: number) => fieldsOf(message).filter((field) => field.number === number);
const messages = (message: Buffer, number: number) => all(message, number).map(({ bytes }) => bytes);
const first = (message: Buffer, number: number) => all(message, number)[0];
const text = (message: Buffer, number: number) => first(message, number)?.bytes.toString() ?? "";
const hex = (message: Buffer, number: number) => first(message, number)?.bytes.toString("hex") ?? "";
const integer = (message: Buffer, number: number) => Number(first(message, number)?.varint ?? 0n);
const fixed64 = (message: Buffer, number: number) => first(message, number)?.bytes.readBigUInt64LE() ?? 0n;
