// A verifier that has seen no token before.
import { createVerifier as createReal, type Verifier, type VerifierOptions } from "@postern/capability";

export function createVerifier(options: VerifierOptions): Verifier {
  return { ...createReal(options), verify: (token) => createReal(options).verify(token) };
}
