import assert from "node:assert/strict";
import { test } from "node:test";
import { loadConfig } from "@postern/config";
import { readTracing, TRACING_SETTINGS } from "./tracing-settings.ts";

const read = (environment: Readonly<Record<string, string>>) =>
  readTracing(loadConfig(TRACING_SETTINGS, environment, "OTEL_").config);

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318" };

test("there are no traces without an address, or when they are switched off", () => {
  assert.equal(read({}), undefined);
  assert.equal(read({ OTEL_TRACES_SAMPLER: "always_on" }), undefined);
  assert.equal(read({ ...ENDPOINT, OTEL_SDK_DISABLED: "true" }), undefined);
  assert.equal(read({ ...ENDPOINT, OTEL_TRACES_EXPORTER: "none" }), undefined);
});

test("the general address gets the path of traces, the special one stands as it is", () => {
  assert.equal(read(ENDPOINT)?.url, "http://127.0.0.1:4318/v1/traces");
  assert.equal(
    read({ OTEL_EXPORTER_OTLP_ENDPOINT: "https://otel.example/in/" })?.url,
    "https://otel.example/in/v1/traces",
  );
  assert.equal(
    read({ ...ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://c:1/x" })?.url,
    "http://c:1/x",
  );
});

test("every setting has OpenTelemetry's default, and the special name goes before the general one", () => {
  assert.deepEqual(read(ENDPOINT), {
    url: "http://127.0.0.1:4318/v1/traces",
    headers: {},
    timeoutMs: 10_000,
    sampler: "parentbased_always_on",
    ratio: 1,
    resource: { "service.name": "postern-sidecar" },
  });
  assert.deepEqual(
    read({
      ...ENDPOINT,
      OTEL_EXPORTER_OTLP_HEADERS: "a=general",
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: "authorization=Bearer%20abc, x-tenant = ops ",
      OTEL_EXPORTER_OTLP_TIMEOUT: "500",
      OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
      OTEL_TRACES_SAMPLER_ARG: "0.25",
      OTEL_SERVICE_NAME: "door",
      OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=prod,service.name=other",
    }),
    {
      url: "http://127.0.0.1:4318/v1/traces",
      headers: { authorization: "Bearer abc", "x-tenant": "ops" },
      timeoutMs: 500,
      sampler: "parentbased_traceidratio",
      ratio: 0.25,
      resource: { "deployment.environment.name": "prod", "service.name": "door" },
    },
  );
});

test("what cannot be used is told by name and without its value", () => {
  const wrong: readonly Readonly<Record<string, string>>[] = [
    { OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4317" },
    { OTEL_EXPORTER_OTLP_ENDPOINT: "http://user:canary@collector" },
    { OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" },
    { OTEL_EXPORTER_OTLP_HEADERS: "canary" },
    { OTEL_EXPORTER_OTLP_HEADERS: "a=%zzcanary" },
    { OTEL_EXPORTER_OTLP_HEADERS: "a=b%0d%0ax:canary" },
    { OTEL_TRACES_SAMPLER: "sometimes" },
    { OTEL_TRACES_SAMPLER_ARG: "2" },
    { OTEL_RESOURCE_ATTRIBUTES: "canary" },
  ];
  for (const environment of wrong) {
    const [name = ""] = Object.keys(environment);
    assert.throws(
      () => read({ ...ENDPOINT, ...environment }),
      (caught: Error) => caught.message.includes(name) && !caught.message.includes("canary"),
    );
  }
});

test("the headers of the collector never print themselves", () => {
  const { config } = loadConfig(TRACING_SETTINGS, { OTEL_EXPORTER_OTLP_HEADERS: "a=canary" }, "OTEL_");
  assert.doesNotMatch(JSON.stringify(config), /canary/);
});
