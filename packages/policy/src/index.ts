export { type PackedBundle, type PackRequest, packBundle } from "./bundle.ts";
export {
  createPolicyEngine,
  type PolicyEngine,
  type PolicyEngineOptions,
  type PolicySeat,
  type PolicyTrouble,
  type PolicyVerdict,
} from "./engine.ts";
export { type OpenedBundle, type OpenOptions, openBundle } from "./open-bundle.ts";
export type { PolicyQuestion } from "./policy-input.ts";
