// postern inspect: a token explained. Without a key this is what the token says of itself; with one, whether it is genuine.
import { createVerifier, inspect as inspectToken, type TokenView } from "@postern/capability";
import type { Clock, Fault } from "@postern/fault";
import { createKeySet, kidOf } from "@postern/signing";
import { columns } from "../columns.ts";
import { command, usage } from "../command.ts";
import { relativeTime } from "../duration.ts";
import { textOrStdin } from "../text-source.ts";
import { snakeKeys } from "../wire-names.ts";

interface Signature {
  readonly status: "unchecked" | "valid" | "invalid";
  readonly detail: string;
}

export const inspect = command({
  name: "inspect",
  summary: "Explain a token.",
  usage: "[token | -]",
  details:
    "Without a token, POSTERN_CAPABILITY is explained. With --key, exit code 1 says that the signatures do not verify.",
  positionals: { min: 0, max: 1 },
  options: {
    key: { value: "K4.PUBLIC", description: "Public key to check the signatures with." },
  },
  example: 'postern inspect "$TOKEN" --key k4.public.…',
  async run({ options, positionals }, world) {
    const given = positionals[0] ?? world.config().capability?.reveal();
    if (given === undefined) throw usage("give a token, - for standard input, or POSTERN_CAPABILITY");
    const token = await textOrStdin(given, world);
    const view = await inspectToken(token);
    const signature = await checkSignature(token, options.key, world.clock);
    const nowMs = world.clock.nowMs();
    const { verified: _, ...said } = view;
    return {
      ok: signature.status !== "invalid",
      json: snakeKeys({ ...said, expired: isExpired(view, nowMs), signature }),
      text: describe(view, signature, nowMs),
    };
  },
});

async function checkSignature(token: string, key: string | undefined, clock: Clock): Promise<Signature> {
  if (key === undefined) return { status: "unchecked", detail: "Not checked: give --key." };
  const trusted = { kid: kidOf(key), public_key: key, use: "capability", status: "active" } as const;
  let trouble: Fault | undefined;
  const verifier = createVerifier({
    keys: () => createKeySet([trusted]),
    clock,
    onFault: (fault) => {
      trouble = fault;
    },
  });
  const verified = await verifier.verify(token);
  if (trouble !== undefined) throw trouble;
  if (verified.ok) return { status: "valid", detail: `Valid under ${trusted.kid}.` };
  return { status: "invalid", detail: verified.reason.detail };
}

function isExpired({ expiresAt }: TokenView, nowMs: number): boolean {
  return expiresAt !== undefined && nowMs >= Date.parse(expiresAt);
}

function describe(view: TokenView, signature: Signature, nowMs: number): string {
  const { expiresAt, issuedAt, notBefore, hops } = view;
  const relative = (at: string) => `${at} (${relativeTime(Date.parse(at), nowMs)})`;
  const facts = [
    ["Agent", view.agent],
    ["Tenant", view.tenant],
    ["Issuer", view.issuer],
    ["Token id", view.jti],
    ["Root id", view.rootJti],
    ["Issued", relative(issuedAt)],
    ...(notBefore === undefined ? [] : [["Not before", relative(notBefore)]]),
    ["Expires", expiresAt === undefined ? "never" : relative(expiresAt)],
    ["Attenuable", view.attenuable ? "yes, by the holder of its attenuation key" : "no"],
    ["Signed by", view.kid],
    ["Signatures", signature.detail],
  ];
  const blocks = hops.map(({ jti, caveats }, index) =>
    [
      `${index === 0 ? "Minted" : `Narrowed (${index})`} as ${jti}`,
      ...caveats.map(({ explanation }) => `  - ${explanation}`),
      ...(caveats.length === 0 ? ["  - Narrows nothing."] : []),
    ].join("\n"),
  );
  return [columns(facts), ...blocks].join("\n\n");
}
