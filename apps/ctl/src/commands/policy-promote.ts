// postern policy promote: a Rego file becomes the tenant's active policy.
import { basename } from "node:path";
import { createAdminClient, isProposal } from "@postern/client";
import { command } from "../command.ts";
import { ADMIN_OPTIONS, adminConnection } from "../connection.ts";
import { uncompiled } from "../rego-source.ts";
import { fileText } from "../text-source.ts";
import { proposed } from "./policy-proposals.ts";

export const policyPromote = command({
  name: "policy promote",
  summary: "Make a Rego file the tenant's active policy.",
  usage: "<file.rego>",
  details:
    "Creates a draft, which the control plane compiles, and promotes it; where the tenant asks for two people, the promotion waits for another one. Rego that does not compile changes nothing (exit code 1).",
  positionals: { min: 1, max: 1 },
  options: {
    name: { value: "NAME", description: "Name of the draft; the file's name without it." },
    description: { value: "TEXT", description: "What changed." },
    ...ADMIN_OPTIONS,
  },
  example: "postern policy promote policy.rego --description 'lower the transfer limit'",
  async run({ options, positionals: [path = ""] }, { config }) {
    const rego_source = await fileText(path);
    const { url, token, tenant } = await adminConnection(options, config());
    const client = createAdminClient({ url, token, timeoutMs: 60_000 });
    const name = options.name ?? basename(path, ".rego");
    const request = { name, description: options.description, rego_source, tenant };
    const draft = await client.createDraft(request).catch(uncompiled);
    if (!("id" in draft)) return { ok: false, json: { ok: false, ...draft }, text: draft.message };
    const active = await client.promote(draft.id, { tenant });
    if (isProposal(active)) return proposed(active);
    return {
      ok: true,
      json: active,
      text: `Policy ${active.name} is active for ${active.tenant} (draft ${active.draft_id}, sha256 ${active.rego_sha256}).`,
    };
  },
});
