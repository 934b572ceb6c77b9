export { DEFAULT_RULES, type IntentRule } from "./default-rules.ts";
export type { Extractor } from "./extractor.ts";
export {
  createIntentResolver,
  type DeclaredIntent,
  type IntentResolver,
  type IntentResolverOptions,
  type Resolved,
} from "./intent-resolver.ts";
export { matchIntent } from "./match-intent.ts";
export { type ProvenanceFinding, signMemories, verifyProvenance } from "./provenance.ts";
export { createRuleExtractor } from "./rule-extractor.ts";
