export { type PackedBundle, type PackRequest, packBundle } from "./bundle.ts";
export { DEFAULT_POLICY } from "./default-policy.ts";
export {
  createPolicyEngine,
  type PolicyEngine,
  type PolicyEngineOptions,
  type PolicyTrouble,
  type PolicyVerdict,
} from "./engine.ts";
export { type OpenedBundle, type OpenOptions, openBundle } from "./open-bundle.ts";
