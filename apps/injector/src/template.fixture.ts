// The sidecar's template as the chart really writes it, taken from the reviewed manifests: what the tests inject is what a cluster would get.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "@postern/testkit";
import { parseAllDocuments } from "yaml";
import { parseTemplate } from "./template.ts";

const manifests = readFileSync(join(repositoryRoot, "test", "helm", "injector.golden.yaml"), "utf8");
const configMap = parseAllDocuments(manifests)
  .map((document) => document.toJS() as { kind: string; data?: Record<string, string> })
  .find(({ kind, data }) => kind === "ConfigMap" && data?.["container.yaml"] !== undefined);

/** The two files, by name. */
export const TEMPLATE_FILES = {
  "container.yaml": configMap?.data?.["container.yaml"] ?? "",
  "volumes.yaml": configMap?.data?.["volumes.yaml"] ?? "",
} as const;

export const TEMPLATE = parseTemplate(TEMPLATE_FILES["container.yaml"], TEMPLATE_FILES["volumes.yaml"]);
