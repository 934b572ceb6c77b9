// The port that turns a prompt into the tools it calls for.
import type { ExtractRequest, Intent } from "@postern/contracts";

export interface Extractor {
  /** Throws a Fault when it cannot say; the caller then denies. */
  extract(request: ExtractRequest): Promise<Intent>;
}
