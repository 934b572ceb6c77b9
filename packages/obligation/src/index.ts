export {
  type CompiledObligations,
  compileObligations,
  SUPPORTED_OBLIGATIONS,
} from "./compile-obligations.ts";
export type { Applied, Obligations, RequestOutcome, ResponseOutcome } from "./obligations.ts";
export { CLASSES } from "./recognizers/built-in.ts";
export { refuseTooLarge } from "./response-limit.ts";
