// Registered tool servers: where each is, and which secret opens it. The secrets themselves stay where sidecars find them.
import type { Upstream } from "../admin-setup.ts";
import { createActs } from "../attempt.ts";
import { type Child, element } from "../element.ts";
import { checkField, choiceField, form, problem, textField } from "../form.ts";
import { instant } from "../format.ts";
import { offered } from "../gate.ts";
import { actions, badge, code, faint, link, note, panel } from "../parts.ts";
import type { Place, Screen } from "../screen.ts";
import { pagedTable } from "../table.ts";
import { readUpstream } from "../upstream-request.ts";

const PAGE = 100;

export const upstreamsScreen: Screen = { name: "upstreams", title: "Upstreams", show };

async function show(place: Place): Promise<readonly Child[]> {
  const { api, tenant } = place;
  const query = { tenant, limit: PAGE };
  const first = await api.upstreams(query);
  const { item } = place.route;
  if (item !== "") {
    const found = first.items.find(({ name }) => name === item);
    return [
      element("p", {}, link("← All upstreams", place.at({}))),
      found === undefined ? faint("There is no such upstream.") : showOne(place, found),
    ];
  }
  const listed = pagedTable(
    place,
    {
      caption: "Registered upstreams by name",
      label: "More upstreams",
      columns: [
        { title: "Name", cell: ({ name }) => link(name, place.at({ item: name })) },
        { title: "State", kind: "short", cell: ({ enabled }) => badge(enabled ? "enabled" : "disabled") },
        { title: "Address", cell: ({ url }) => code(url) },
        { title: "Transport", kind: "short", cell: ({ transport }) => transport },
        { title: "Credential", cell: (upstream) => authTold(upstream) },
        { title: "Changed (UTC)", kind: "short", cell: ({ updated_at }) => instant(updated_at) },
        { title: "By", cell: ({ updated_by }) => updated_by },
      ],
      empty: "No tool server is registered. Sidecars reach those of their own configuration only.",
    },
    first,
    (cursor) => api.upstreams({ ...query, cursor }),
  );
  return [
    panel("Upstreams", listed),
    panel(
      "Register",
      offered(place, "administer", () => upstreamForm(place, undefined)),
    ),
  ];
}

function showOne(place: Place, upstream: Upstream): HTMLElement {
  const acts = createActs(place);
  const remove = acts.button({
    label: "Remove",
    kind: "danger",
    question: `Remove ${upstream.name}?`,
    consequence: "Sidecars stop reaching it at once. Calls under way finish; sessions end.",
    act: async () => {
      await place.api.removeUpstream(place.tenant, upstream.name);
      place.go({});
      return "Removed";
    },
  });
  return panel(
    upstream.name,
    offered(place, "administer", () =>
      element("div", {}, upstreamForm(place, upstream), actions(remove), acts.outcome),
    ),
  );
}

function authTold({ auth }: Upstream): Child {
  if (auth.kind === "none") return faint("none");
  const { secret } = auth;
  const named = secret.from === "vault" ? secret.path : secret.name;
  return element("span", {}, `${auth.kind}, secret `, code(named), ` from ${secret.from}`);
}

/** Registers a new one, or changes the one that is given. */
function upstreamForm(place: Place, upstream: Upstream | undefined): HTMLElement {
  const name = textField({ label: "Name", maxlength: "64", hint: "Sidecars serve it at /v1/mcp/<name>." });
  const fields = settingFields(upstream);
  return form({
    label: upstream === undefined ? "Register an upstream" : "Change the upstream",
    fields: [upstream === undefined ? name.node : undefined, ...fields.nodes],
    send: upstream === undefined ? "Register" : "Save",
    async onSend() {
      const named = upstream?.name ?? name.control.value.trim();
      if (named === "") return problem("Give it a name.");
      const read = readUpstream(fields.read());
      if (!read.ok) return problem(read.problem);
      const { api, tenant } = place;
      if (upstream === undefined) await api.addUpstream({ tenant, name: named, ...read.request });
      else await api.replaceUpstream(tenant, named, read.request);
      place.again();
      place.say("Saved");
      return undefined;
    },
  });
}

function settingFields(upstream: Upstream | undefined) {
  const auth = upstream?.auth ?? { kind: "none" as const };
  const secret = auth.kind === "none" ? undefined : auth.secret;
  const url = textField({ label: "Address", value: upstream?.url, maxlength: "2048" });
  const transport = choiceField(
    { label: "Transport" },
    [
      ["http", "Streamable HTTP"],
      ["sse", "HTTP+SSE of 2024-11-05"],
    ],
    upstream?.transport ?? "http",
  );
  const enabled = checkField({ label: "Sidecars hear of it", checked: upstream?.enabled ?? true });
  const kind = choiceField(
    { label: "Credential" },
    [
      ["none", "none"],
      ["header", "a secret in a header"],
      ["oauth", "an access token by client credentials"],
    ],
    auth.kind,
  );
  const from = choiceField(
    { label: "Secret from" },
    [
      ["file", "the sidecar's folder of secrets"],
      ["env", "the sidecar's environment"],
      ["vault", "Vault"],
    ],
    secret?.from ?? "file",
  );
  const named = textField({
    label: "Name of the secret",
    value: secret === undefined ? "" : secret.from === "vault" ? secret.path : secret.name,
    hint: "Its name, never the secret itself. In Vault: mount/path#field.",
  });
  const header = textField({
    label: "Header",
    value: auth.kind === "header" ? auth.header : "authorization",
  });
  const prefix = textField({
    label: "Before the secret",
    value: auth.kind === "header" ? auth.prefix : "Bearer ",
  });
  const tokenUrl = textField({ label: "Token endpoint", value: auth.kind === "oauth" ? auth.token_url : "" });
  const clientId = textField({ label: "Client id", value: auth.kind === "oauth" ? auth.client_id : "" });
  const scopes = textField({ label: "Scopes", value: auth.kind === "oauth" ? auth.scopes.join(" ") : "" });
  return {
    nodes: [
      ...[url.node, transport.node, enabled.node, kind.node],
      element("div", { class: "pair" }, from.node, named.node),
      note("For a secret in a header:"),
      element("div", { class: "pair" }, header.node, prefix.node),
      note("For client credentials:"),
      element("div", { class: "pair" }, tokenUrl.node, clientId.node),
      scopes.node,
    ],
    read: () => ({
      url: url.control.value,
      transport: transport.control.value,
      enabled: enabled.control.checked,
      auth: kind.control.value,
      from: from.control.value,
      secret: named.control.value,
      header: header.control.value,
      prefix: prefix.control.value,
      tokenUrl: tokenUrl.control.value,
      clientId: clientId.control.value,
      scopes: scopes.control.value,
    }),
  };
}
