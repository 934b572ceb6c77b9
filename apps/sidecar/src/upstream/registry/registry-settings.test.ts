// What an operator opens, and what is open by itself: nothing.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";
import { temporaryDirectory } from "@postern/testkit";
import { readConfig } from "../../config.ts";

const required = {
  POSTERN_CONTROL_PLANE_URL: "http://127.0.0.1:8080",
  POSTERN_SIDECAR_CREDENTIAL: "x",
  POSTERN_TRUST_ROOT: `k4.public.${"A".repeat(43)}`,
  POSTERN_DATA_DIR: "/var/lib/postern",
};
const on = { ...required, POSTERN_UPSTREAM_REGISTRY: "on" };

test("without being asked to, a sidecar serves no registered upstream, and needs one of its own", () => {
  assert.equal(readConfig({ ...required, POSTERN_UPSTREAM_URL: "http://a/" }).config.registry, undefined);
  assert.throws(() => readConfig(required), /set exactly one of POSTERN_UPSTREAM_URL/);
});

test("with the registry a sidecar may start with no upstream, and opens no place for secrets by itself", () => {
  const { config } = readConfig({ ...on, PATH: "/bin", SOME_TOKEN: "hunter2" });
  assert.deepEqual(config.upstreams, []);
  const { hosts, secretsDir, vault, variables } = config.registry ?? assert.fail();
  assert.deepEqual([hosts, secretsDir, vault, variables.size], [[], undefined, undefined, 0]);
  assert.throws(
    () => readConfig({ ...on, POSTERN_UPSTREAM_URL: "http://a/", POSTERN_UPSTREAM_COMMAND: '["b"]' }),
    /exactly one/,
  );
});

test("secrets stand in variables of one prefix, which are no unknown settings and print nothing", () => {
  const { config, unknown } = readConfig({
    ...on,
    POSTERN_UPSTREAM_SECRET_CRM: "hunter2",
    POSTERN_UPSTREAM_X: "y",
  });
  assert.deepEqual(unknown, ["POSTERN_UPSTREAM_X"]);
  assert.deepEqual([...(config.registry?.variables.keys() ?? [])], ["CRM"]);
  assert.equal(config.registry?.variables.get("CRM")?.reveal(), "hunter2");
  assert.doesNotMatch(`${inspect(config, { depth: 9 })}${JSON.stringify(config)}`, /hunter2/);
});

test("Vault is opened with a token, a file that holds one, or a role, and only one of them", (t) => {
  const path = join(temporaryDirectory(t), "token");
  writeFileSync(path, "hunter2");
  const vaultOf = (settings: Record<string, string>) =>
    readConfig({ ...on, POSTERN_VAULT_ADDR: "https://vault:8200/", ...settings }).config.registry?.vault;
  assert.deepEqual(vaultOf({ POSTERN_VAULT_TOKEN: "t" })?.login.by, "token");
  assert.deepEqual(vaultOf({ POSTERN_VAULT_TOKEN_FILE: path })?.login, { by: "file", path });
  const byRole = vaultOf({ POSTERN_VAULT_ROLE: "postern", POSTERN_VAULT_LOGIN_MOUNT: "k8s/east" });
  assert.equal(byRole?.address, "https://vault:8200");
  assert.deepEqual([byRole?.login.by, byRole?.ttlMs], ["kubernetes", 60_000]);
  for (const wrong of [{}, { POSTERN_VAULT_TOKEN: "t", POSTERN_VAULT_ROLE: "r" }] as Record<string, string>[])
    assert.throws(() => vaultOf(wrong), /exactly one of POSTERN_VAULT_TOKEN and POSTERN_VAULT_ROLE/);
});

test("a pattern that is none is refused at the start", () => {
  const hosts = (text: string) =>
    readConfig({ ...on, POSTERN_UPSTREAM_REGISTRY_HOSTS: text }).config.registry?.hosts;
  assert.deepEqual(hosts("crm.example, *.tools.example:*"), ["crm.example", "*.tools.example:*"]);
  for (const wrong of ["*", "crm.*", "https://crm/x", "crm example"])
    assert.throws(() => hosts(wrong), /POSTERN_UPSTREAM_REGISTRY_HOSTS must be hosts/);
});
