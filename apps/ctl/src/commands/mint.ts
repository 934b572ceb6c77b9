// postern mint: a fresh capability token, from the control plane.
import { createAdminClient } from "@postern/client";
import { CAVEAT_OPTIONS, caveatsFrom } from "../caveat-options.ts";
import { command } from "../command.ts";
import { ADMIN_OPTIONS, adminConnection } from "../connection.ts";
import { parseSeconds } from "../duration.ts";

export const mint = command({
  name: "mint",
  summary: "Issue a capability token.",
  usage: "--subject AGENT",
  positionals: { min: 0, max: 0 },
  options: {
    subject: { value: "AGENT", required: true, description: "Agent that the token speaks for." },
    ttl: { value: "TIME", description: "Lifetime, such as 15m or 8h; without it the token does not expire." },
    ...CAVEAT_OPTIONS,
    "step-up": { description: "Stamp that the holder proved a fresh factor just now." },
    attenuable: { description: "Let the holder narrow the token offline; prints the key for that once." },
    issuer: { value: "NAME", description: "Issuer to write into the token." },
    ...ADMIN_OPTIONS,
  },
  example: "postern mint --subject finance-bot --tool 'read_*' --max-calls 100 --ttl 8h",
  async run({ options }, { config }) {
    const { url, token, tenant } = await adminConnection(options, config());
    const minted = await createAdminClient({ url, token }).mint({
      subject: options.subject,
      issuer: options.issuer,
      tenant,
      ttl_seconds: options.ttl === undefined ? undefined : parseSeconds(options.ttl, "ttl"),
      step_up: options["step-up"] || undefined,
      attenuable: options.attenuable || undefined,
      caveats: caveatsFrom(options),
    });
    const { jti, expires_at, attenuation_key } = minted;
    const lines = [
      `Token ${jti} for ${options.subject}, ${expires_at === undefined ? "without expiry" : `until ${expires_at}`}:`,
      minted.token,
      ...(attenuation_key === undefined ? [] : ["Attenuation key, shown only now:", attenuation_key]),
    ];
    return { ok: true, json: minted, text: lines.join("\n") };
  },
});
