// Capability tokens: issue one, and take one back. Tokens are not kept, so there is no list of them; the log tells of every mint.
import { type Child, element } from "../element.ts";
import { areaField, checkField, choiceField, form, problem, textField } from "../form.ts";
import { instant } from "../format.ts";
import { offered } from "../gate.ts";
import { readMintRequest, TTL_UNITS } from "../mint-request.ts";
import { code, link, note, nothing, panel } from "../parts.ts";
import type { Place, Screen } from "../screen.ts";
import { shownOnce } from "../secret.ts";
import { pagedTable } from "../table.ts";

const PAGE = 50;

export const tokensScreen: Screen = { name: "tokens", title: "Tokens", show };

async function show(place: Place): Promise<readonly Child[]> {
  const query = { tenant: place.tenant, limit: PAGE };
  const first = await place.api.revocations(query);
  const revoked = pagedTable(
    place,
    {
      caption: "Revocations, newest first",
      label: "Older revocations",
      columns: [
        { title: "Revoked (UTC)", cell: ({ revoked_at }) => instant(revoked_at) },
        { title: "Token id", cell: ({ jti }) => code(jti) },
        { title: "Reason", cell: ({ reason }) => reason || nothing() },
      ],
      empty: "Nothing was revoked for this tenant.",
    },
    first,
    (cursor) => place.api.revocations({ ...query, cursor }),
  );
  return [
    element(
      "div",
      { class: "halves" },
      panel(
        "Mint",
        offered(place, "operate", () => mintForm(place)),
      ),
      panel(
        "Revoke",
        offered(place, "operate", () => revokeForm(place)),
      ),
    ),
    panel("Revocations", revoked),
  ];
}

function mintForm(place: Place): HTMLElement {
  const subject = textField({
    label: "Agent",
    hint: "Who the token speaks for.",
    maxlength: "200",
    required: true,
  });
  const tools = areaField({
    label: "Tools",
    rows: "4",
    hint: "One a line; * and ? are wildcards. Empty: every tool that the policy allows.",
  });
  const maxCalls = textField({ label: "Calls at most", inputmode: "numeric", hint: "Empty: no limit." });
  const ttl = textField({
    label: "Lifetime",
    inputmode: "numeric",
    value: "8",
    hint: "Empty: it does not expire.",
  });
  const unit = choiceField(
    { label: "Unit of the lifetime" },
    TTL_UNITS.map(({ name }) => [name, name] as const),
    "hours",
  );
  const stepUp = checkField({
    label: "Stamp a fresh second factor",
    hint: "Only when the agent's person has just proved one.",
  });
  return form({
    label: "Mint a token",
    fields: [
      subject.node,
      tools.node,
      maxCalls.node,
      element("div", { class: "pair" }, ttl.node, unit.node),
      stepUp.node,
    ],
    send: "Mint",
    async onSend() {
      const read = readMintRequest({
        tenant: place.tenant,
        subject: subject.control.value,
        tools: tools.control.value,
        maxCalls: maxCalls.control.value,
        ttl: ttl.control.value,
        ttlUnit: unit.control.value,
        stepUp: stepUp.control.checked,
      });
      if (!read.ok) return problem(read.problem);
      const minted = await place.api.mint(read.request);
      place.say("Minted");
      return shownOnce({
        title: "The new token",
        secretLabel: "Token",
        secret: minted.token,
        about: [
          ["Token id", code(minted.jti)],
          ["Agent", minted.subject],
          ["Tenant", minted.tenant],
          ["Expires", minted.expires_at === undefined ? "never" : `${instant(minted.expires_at)} UTC`],
        ],
        say: place.say,
      });
    },
  });
}

function revokeForm(place: Place): HTMLElement {
  const jti = textField({
    label: "Token id",
    hint: "The jti. Every token that was derived from it is revoked with it.",
    required: true,
  });
  const reason = textField({ label: "Reason", maxlength: "1024", hint: "Stands in the log." });
  return element(
    "div",
    {},
    form({
      label: "Revoke a token",
      fields: [jti.node, reason.node],
      send: "Revoke",
      kind: "danger",
      async onSend() {
        const id = jti.control.value.trim();
        if (id === "") return problem("Name the token's id (jti).");
        await place.api.revoke({ tenant: place.tenant, jti: id, reason: reason.control.value.trim() });
        place.again();
        place.say(`Revoked ${id}`);
        return undefined;
      },
    }),
    note(
      "Tokens are not stored. Who minted what stands in the log: ",
      link("mint events", place.at({ screen: "events", query: { tool: "admin/mint" } })),
      ".",
    ),
  );
}
