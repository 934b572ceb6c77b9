import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { repositoryRoot } from "@postern/testkit";
import { createMetrics, METRICS } from "./metrics.ts";

const root = repositoryRoot;
const page = readFileSync(join(root, "docs/observability.md"), "utf8");
const alerts = /^## Alerts[\s\S]*?(?=^## )/m.exec(page)?.[0] ?? "";
const dashboard = readFileSync(join(root, "deploy/dashboards/sidecar.json"), "utf8");

test("the page of metrics has every row of the table as it stands, and no other", () => {
  const told = page.split("\n").filter((line) => line.startsWith("| `postern_"));
  const wanted = Object.values(METRICS).map(({ name, type, labels, help }) => {
    const names = labels.map((label) => `\`${label}\``).join(", ");
    return `| \`${name}\` | ${type} | ${names === "" ? "" : `${names} `}| ${help} |`;
  });
  assert.deepEqual(told.sort(), wanted.sort());
});

test("every query stands on a metric that is exported, with labels that it has", async () => {
  const known = new Map<string, readonly string[]>(
    Object.values(METRICS).flatMap(({ name, type, labels }) => {
      const names = type === "histogram" ? ["_bucket", "_count", "_sum"].map((part) => name + part) : [name];
      return names.map((own): [string, readonly string[]] => [own, labels]);
    }),
  );
  const { body } = await createMetrics([], { process: true }).expose();
  for (const [, name = ""] of body.matchAll(/^# TYPE (\w+)/gm)) known.set(name, []);
  const parsed = JSON.parse(dashboard) as { panels: { targets: { expr: string }[] }[] };
  const queries = [
    ...parsed.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
    ...[...page.matchAll(/```promql\n([^`]*)```/g)].flatMap(([, text = ""]) => text.trim().split("\n")),
    ...[...alerts.matchAll(/^\| [^|]+ \| `([^`]*)`/gm)].map(([, text = ""]) => text),
  ];
  assert.ok(queries.length > 40, String(queries.length));
  for (const query of queries) {
    const names = query.match(/\b(postern|nodejs|process)_\w+/g) ?? [];
    assert.ok(names.length > 0, query);
    for (const name of names) assert.ok(known.has(name), `${name} in ${query}`);
    for (const [, name = "", matched = ""] of query.matchAll(/\b(postern_\w+)\{([^}]*)\}/g)) {
      const labels = [...matched.matchAll(/(\w+)\s*(?:=~|!=|!~|=)/g)].map(([, label]) => label);
      const own = [...(known.get(name) ?? []), "namespace", "pod"];
      for (const label of labels) assert.ok(own.includes(label ?? ""), `${name} has no label ${label}`);
    }
  }
});
