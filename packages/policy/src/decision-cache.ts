// Decisions of one policy by the exact text that it was given: it can see nothing else, so the same text has the same decision. Where texts hardly
// ever repeat it steps aside for a while, so that such a policy pays next to nothing for it. Bounded, and gone with its policy.

export interface DecisionCache<Decision> {
  get(inputJson: string): Decision | undefined;
  put(inputJson: string, decision: Decision): void;
}

export interface DecisionCacheOptions {
  /** Decisions to keep, at least; twice as many at most. */
  readonly entriesMax?: number;
  /** A longer text is not kept. */
  readonly charsMax?: number;
  /** Look-ups after which it is asked whether they were worth it. */
  readonly trialLookups?: number;
  /** Calls that pass by before the next trial. */
  readonly restCalls?: number;
}

/** Fewer hits than this are not worth writing down the others. */
const HIT_SHARE_MIN = 1 / 16;

/** Paths whose values are never the same again. */
const UNIQUE: ReadonlySet<string> = new Set(["*", "request_id", "time", "time.now", "time.unix_ms"]);

/** Whether two calls can have the same text at all. Budgets go down with every call. */
export function canRepeat(paths: readonly string[]): boolean {
  return !paths.some((path) => UNIQUE.has(path) || /^budget(\.|$)/.test(path));
}

export function createDecisionCache<Decision>(options: DecisionCacheOptions = {}): DecisionCache<Decision> {
  const { entriesMax = 2_048, charsMax = 1_024, trialLookups = 1_024, restCalls = 16_384 } = options;
  /** What was asked for lately is in `young`; what has not been asked for since `young` was full last is forgotten. */
  let young = new Map<string, Decision>();
  let old = new Map<string, Decision>();
  let lookups = 0;
  let hits = 0;
  let rest = 0;

  function keep(inputJson: string, decision: Decision): void {
    if (young.size >= entriesMax) [old, young] = [young, new Map()];
    young.set(inputJson, decision);
  }

  function review(): void {
    if (hits < trialLookups * HIT_SHARE_MIN) {
      rest = restCalls;
      young = new Map();
      old = new Map();
    }
    lookups = 0;
    hits = 0;
  }

  return {
    get(inputJson) {
      if (rest > 0) {
        rest -= 1;
        return undefined;
      }
      if (inputJson.length > charsMax) return undefined;
      lookups += 1;
      if (lookups > trialLookups) review();
      const recent = young.get(inputJson);
      const decision = recent ?? old.get(inputJson);
      if (decision === undefined) return undefined;
      hits += 1;
      if (recent === undefined) keep(inputJson, decision);
      return decision;
    },
    put(inputJson, decision) {
      if (rest === 0 && inputJson.length <= charsMax) keep(inputJson, decision);
    },
  };
}
