export { type AttenuatedToken, type AttenuateRequest, attenuate } from "./attenuate.ts";
export type { CapabilityCall, CapabilityMessage } from "./caveat.ts";
export { CLOCK_SKEW_MS, checkCapability, checkStanding, type Revocations } from "./check.ts";
export { matchGlob } from "./glob.ts";
export { inspect, type TokenView } from "./inspect.ts";
export { type MintedToken, type MintRequest, mint } from "./mint.ts";
export { createVerifier, type Verified, type Verifier, type VerifierOptions } from "./verifier.ts";
