// From what a person typed to the body of a mint request, or a sentence that says what to change. Empty fields are left out: absent and
// zero differ on the wire.

export interface MintFields {
  readonly tenant: string;
  readonly subject: string;
  /** One tool or pattern a line; commas do too. */
  readonly tools: string;
  readonly maxCalls: string;
  readonly ttl: string;
  readonly ttlUnit: string;
  readonly stepUp: boolean;
}

export interface MintRequest {
  readonly tenant: string;
  readonly subject: string;
  readonly tools?: readonly string[];
  readonly max_calls?: number;
  readonly ttl_seconds?: number;
  readonly step_up?: true;
}

export const TTL_UNITS = [
  { name: "minutes", seconds: 60 },
  { name: "hours", seconds: 3_600 },
  { name: "days", seconds: 86_400 },
] as const;

type Read =
  | { readonly ok: true; readonly request: MintRequest }
  | { readonly ok: false; readonly problem: string };

export function readMintRequest(fields: MintFields): Read {
  const subject = fields.subject.trim();
  if (subject === "") return refuse("Name the agent that the token speaks for.");
  const tools = fields.tools
    .split(/[\n,]/)
    .map((tool) => tool.trim())
    .filter((tool) => tool !== "");
  const maxCalls = readWhole(fields.maxCalls);
  if (maxCalls === "wrong") return refuse("Calls: a whole number of at least 1, or nothing.");
  const ttl = readWhole(fields.ttl);
  if (ttl === "wrong") return refuse("Lifetime: a whole number of at least 1, or nothing.");
  const unit = TTL_UNITS.find(({ name }) => name === fields.ttlUnit) ?? TTL_UNITS[0];
  const request: MintRequest = {
    tenant: fields.tenant,
    subject,
    ...(tools.length === 0 ? {} : { tools }),
    ...(maxCalls === undefined ? {} : { max_calls: maxCalls }),
    ...(ttl === undefined ? {} : { ttl_seconds: ttl * unit.seconds }),
    ...(fields.stepUp ? { step_up: true as const } : {}),
  };
  return { ok: true, request };
}

function readWhole(text: string): number | undefined | "wrong" {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  const value = /^\d+$/.test(trimmed) ? Number(trimmed) : Number.NaN;
  return Number.isSafeInteger(value) && value >= 1 ? value : "wrong";
}

function refuse(problem: string): Read {
  return { ok: false, problem };
}
