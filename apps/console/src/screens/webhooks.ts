// Who outside is told of what, whether it arrives, and the secret that messages are signed with, which is shown once.
import { type Delivery, WEBHOOK_EVENTS, type Webhook } from "../admin-setup.ts";
import { type Acts, createActs } from "../attempt.ts";
import { type Child, element } from "../element.ts";
import { checkField, form, problem, textField } from "../form.ts";
import { count, instant } from "../format.ts";
import { offered } from "../gate.ts";
import { actions, badge, code, facts, faint, link, note, nothing, panel } from "../parts.ts";
import type { Place, Screen } from "../screen.ts";
import { shownOnce } from "../secret.ts";
import { pagedTable, table } from "../table.ts";

const PAGE = 50;

export const webhooksScreen: Screen = { name: "webhooks", title: "Webhooks", show };

async function show(place: Place): Promise<readonly Child[]> {
  const { item } = place.route;
  // An address may hold what its receiver knows its callers by, so only administrators see them.
  if (!place.may("administer")) return [offered(place, "administer", () => undefined)];
  if (item !== "") return await showOne(place, item);
  const listed = table({
    caption: "Webhooks",
    rows: await place.api.webhooks(place.tenant),
    columns: [
      { title: "Address", cell: ({ id, url }) => link(url, place.at({ item: id })) },
      { title: "State", kind: "short", cell: ({ enabled }) => badge(enabled ? "enabled" : "disabled") },
      { title: "Description", cell: ({ description }) => description || nothing() },
      { title: "Events", cell: ({ events }) => events.join(", ") },
      { title: "Delivered", kind: "number", cell: ({ delivered }) => count(delivered) },
      { title: "Given up", kind: "number", cell: ({ dropped }) => count(dropped) },
      { title: "Last trouble", cell: ({ last_error }) => last_error || nothing() },
    ],
    empty: "Nobody is told of anything.",
  });
  return [panel("Webhooks", listed), panel("Add", addForm(place))];
}

function addForm(place: Place): HTMLElement {
  const url = textField({ label: "Address", maxlength: "2048", placeholder: "https://" });
  const description = textField({ label: "Description", maxlength: "200" });
  const boxes = WEBHOOK_EVENTS.map((name) => ({ name, field: checkField({ label: name, checked: true }) }));
  const events = element(
    "fieldset",
    {},
    element("legend", {}, "Events"),
    ...boxes.map(({ field }) => field.node),
  );
  return form({
    label: "Add a webhook",
    fields: [url.node, description.node, events],
    send: "Add",
    async onSend() {
      const chosen = boxes.filter(({ field }) => field.control.checked).map(({ name }) => name);
      if (chosen.length === 0) return problem("Choose at least one event.");
      const { secret, id } = await place.api.addWebhook({
        tenant: place.tenant,
        url: url.control.value.trim(),
        description: description.control.value.trim(),
        events: chosen,
      });
      place.say("Added");
      return element(
        "div",
        {},
        secretShown(place, secret),
        note(link("The new webhook", place.at({ item: id }))),
      );
    },
  });
}

function secretShown(place: Place, secret: string): HTMLElement {
  return shownOnce({
    title: "The webhook's secret",
    secretLabel: "Secret",
    secret,
    about: [["For", "checking signatures, as Standard Webhooks describes"]],
    say: place.say,
  });
}

async function showOne(place: Place, id: string): Promise<readonly Child[]> {
  const query = { limit: PAGE };
  const [webhook, first] = await Promise.all([place.api.webhook(id), place.api.deliveries(id, query)]);
  const acts = createActs(place);
  const listed = pagedTable(
    place,
    {
      caption: "Deliveries, the latest first",
      label: "Older deliveries",
      columns: [
        { title: "Since (UTC)", kind: "short", cell: ({ created_at }) => instant(created_at) },
        { title: "Event", cell: ({ type }) => type },
        { title: "State", kind: "short", cell: ({ status }) => badge(status) },
        { title: "Attempts", kind: "number", cell: ({ attempts }) => count(attempts) },
        { title: "Answer", kind: "number", cell: ({ response_status }) => String(response_status ?? "–") },
        { title: "Trouble", cell: ({ last_error }) => last_error || nothing() },
        { title: "Next (UTC)", cell: ({ next_attempt_at }) => instant(next_attempt_at) },
        { title: "Again", kind: "actions", cell: (delivery) => retry(place, acts, id, delivery) },
      ],
      empty: "Nothing was sent yet.",
    },
    first,
    (cursor) => place.api.deliveries(id, { ...query, cursor }),
  );
  return [
    element("p", {}, link("← All webhooks", place.at({}))),
    panel("Webhook", about(webhook), webhookActs(place, webhook)),
    panel("Deliveries", listed, acts.outcome),
  ];
}

function about(webhook: Webhook): HTMLElement {
  const { url, events, description, enabled, disabled_because = "", failing_since, last_error } = webhook;
  return facts([
    ["Address", code(url)],
    ["State", element("span", {}, badge(enabled ? "enabled" : "disabled"), ` ${disabled_because}`)],
    ["Events", events.join(", ")],
    ["Description", description || nothing()],
    ["Delivered, given up", `${count(webhook.delivered)}, ${count(webhook.dropped)}`],
    ["Last delivered", instant(webhook.last_delivered_at)],
    [
      "Failing since",
      failing_since === undefined ? faint("it works, as far as is known") : instant(failing_since),
    ],
    ["Last trouble", last_error || nothing()],
  ]);
}

function webhookActs(place: Place, webhook: Webhook): HTMLElement {
  const acts = createActs(place);
  const { id, enabled } = webhook;
  const test = form({
    label: "Test",
    fields: [],
    send: "Send a test message",
    async onSend() {
      const { delivered, response_status, error } = await place.api.testWebhook(id);
      const answer =
        response_status === undefined ? "there was no answer" : `the answer was ${response_status}`;
      return element(
        "p",
        { class: `verdict ${delivered ? "good" : "bad"}`, role: "status" },
        delivered ? `It was taken: ${answer}.` : `It was not taken: ${answer}. ${error}`,
      );
    },
  });
  const rotate = form({
    label: "New secret",
    fields: [note("For a day messages are signed with the secret before as well.")],
    send: "Give it a new secret",
    kind: "quiet",
    onSend: async () => secretShown(place, (await place.api.rotateWebhookSecret(id)).secret),
  });
  const turn = acts.button({
    label: enabled ? "Turn off" : "Turn on",
    act: async () => {
      await place.api.changeWebhook(id, { enabled: !enabled });
      return enabled ? "It is off" : "It is on";
    },
  });
  const remove = acts.button({
    label: "Delete",
    kind: "danger",
    question: "Delete this webhook?",
    consequence: "It is forgotten with all its deliveries; what waits for it is never sent.",
    act: async () => {
      await place.api.removeWebhook(id);
      place.go({});
      return "Deleted";
    },
  });
  return element("div", {}, test, rotate, actions(turn, remove), acts.outcome);
}

function retry(place: Place, acts: Acts, id: string, { id: delivery, status }: Delivery): Child {
  if (status === "delivered") return nothing();
  return acts.button({
    label: "Send again",
    kind: "text",
    act: async () => {
      await place.api.retryDelivery(id, delivery);
      return "It goes out at once";
    },
  });
}
