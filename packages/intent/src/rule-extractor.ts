// An extractor without a model: the same prompt always means the same. It reads a prompt clause by clause:
//   - a clause that holds one of a rule's phrases, as whole words in any case, calls for the rule's tools;
//   - a name in backticks, or a word with an underscore, is the name of a tool and calls for it;
//   - a clause that negates anything ("not", "never", "without", …) forbids every tool that it would have called for.
// A prompt in which nothing is found gives confidence 0 and empty lists, so that nothing is allowed.
import type { Intent } from "@postern/contracts";
import { DEFAULT_RULES, type IntentRule } from "./default-rules.ts";
import type { Extractor } from "./extractor.ts";

const CLAUSE_END = /[.!?;:]+(?:\s|$)|\n+|\b(?:but|instead)\b/u;
const WORD = /[\p{L}\p{N}_'-]+/gu;
const NAMED_TOOL = /`([^`\s]{1,256})`|(?<![\p{L}\p{N}_-])([\p{L}\p{N}-]+_[\p{L}\p{N}_-]+)/gu;
const NEGATIONS = new Set([
  "no",
  "not",
  "never",
  "none",
  "nor",
  "neither",
  "without",
  "cannot",
  "avoid",
  "except",
  "dont",
]);
const TOOLS_MAX = 1024;
const NAME_CHARS_MAX = 256;
const SUMMARY_CHARS_MAX = 2000;

export function createRuleExtractor(rules: readonly IntentRule[] = DEFAULT_RULES): Extractor {
  return {
    async extract({ prompt }) {
      const allowed = new Set<string>();
      const forbidden = new Set<string>();
      for (const clause of prompt.replaceAll("’", "'").split(CLAUSE_END)) {
        const words = wordsOf(clause);
        const found = words.some(isNegation) ? forbidden : allowed;
        for (const tool of [...namedTools(clause), ...toolsOf(rules, words)]) found.add(tool);
      }
      return intentOf([...allowed], [...forbidden]);
    },
  };
}

function wordsOf(clause: string): readonly string[] {
  return clause.toLowerCase().match(WORD) ?? [];
}

function isNegation(word: string): boolean {
  return NEGATIONS.has(word) || word.endsWith("n't");
}

function namedTools(clause: string): readonly string[] {
  const names = [...clause.matchAll(NAMED_TOOL)].map(([, quoted, plain]) => quoted ?? plain ?? "");
  return names.filter((name) => name.length <= NAME_CHARS_MAX);
}

function toolsOf(rules: readonly IntentRule[], words: readonly string[]): readonly string[] {
  const text = ` ${words.join(" ")} `;
  const matching = rules.filter((rule) =>
    rule.when.some((phrase) => text.includes(` ${phrase.toLowerCase()} `)),
  );
  return matching.flatMap((rule) => rule.tools);
}

function intentOf(allowed: readonly string[], forbidden: readonly string[]): Intent {
  const found = allowed.length + forbidden.length;
  // Half of a long list would forbid less than the prompt does, so a prompt with too many names counts as not understood.
  if (found === 0 || found > TOOLS_MAX) {
    return {
      summary: "The prompt was not understood.",
      allowed_tools: [],
      forbidden_tools: [],
      confidence: 0,
    };
  }
  const calls = allowed.length > 0 ? `calls for ${allowed.join(", ")}` : "calls for no tool";
  const forbids = forbidden.length > 0 ? ` and forbids ${forbidden.join(", ")}` : "";
  return {
    summary: `The prompt ${calls}${forbids}.`.slice(0, SUMMARY_CHARS_MAX),
    allowed_tools: [...allowed],
    forbidden_tools: [...forbidden],
    confidence: 1,
  };
}
