// Writes the `input` of a policy, and of that nothing but what the policy can read (see input-paths.ts): what it cannot read cannot change its
// decision, so leaving it out saves time and lets like calls have like texts. All that OPA is ever given as input is written here.
import type { Capability } from "@postern/contracts";
import { INPUT_MEMBERS, type PolicyQuestion } from "./policy-input.ts";

/**
 * Text that JSON.stringify could have made. Undefined if it cannot be written, such as nesting too deep, or holds half of a surrogate pair,
 * which OPA reads differently from a tool server.
 */
export type InputWriter = (question: PolicyQuestion) => string | undefined;

/** What is read of a value: all of it, or these members of an object. */
type Reading = typeof ALL | Map<string, Reading>;
const ALL = "all";

/** Undefined if there is nothing to be written. */
type Writer<Value> = (value: Value) => string | undefined;

/** `paths` are those of a bundle's manifest. */
export function createInputWriter(paths: readonly string[]): InputWriter {
  const members = readingOf(paths.includes("*") ? Object.keys(INPUT_MEMBERS) : paths);
  const write = objectOf([...members].flatMap(([name, reading]) => memberWriter(name, reading) ?? []));
  return (question) => {
    try {
      const text = write(question);
      return hasLoneSurrogate(text) ? undefined : text;
    } catch (thrown) {
      // JSON.stringify at the end of its stack. Whatever else is thrown, looking something up has thrown.
      if (thrown instanceof RangeError) return undefined;
      throw thrown;
    }
  };
}

function readingOf(paths: readonly string[]): ReadonlyMap<string, Reading> {
  const root = new Map<string, Reading>();
  for (const path of paths) addPath(root, path.split("."));
  return root;
}

function addPath(at: Map<string, Reading>, [step = "", ...rest]: readonly string[]): void {
  const known = at.get(step);
  // What is read whole stays so, whatever is named below it.
  if (known === ALL) return;
  const inner: Reading = rest.length === 0 ? ALL : (known ?? new Map<string, Reading>());
  at.set(step, inner);
  if (inner !== ALL) addPath(inner, rest);
}

interface Member<Value> {
  /** The name as JSON, and its colon. */
  readonly label: string;
  readonly write: Writer<Value>;
}

const memberOf = <Value>(name: string, write: Writer<Value>): Member<Value> => ({
  label: `${JSON.stringify(name)}:`,
  write,
});

/** Undefined for a member that no input has. */
function memberWriter(name: string, reading: Reading): Member<PolicyQuestion> | undefined {
  if (!isMember(name)) return undefined;
  const member = INPUT_MEMBERS[name];
  const writeValue = valueWriter(reading);
  const write = (question: PolicyQuestion) => writeValue(member(question));
  return memberOf(name, name === "capability" ? onceForEach(write, reading) : write);
}

/** What is said of a capability changes only with the age of its step-up. */
function onceForEach(write: Writer<PolicyQuestion>, reading: Reading): Writer<PolicyQuestion> {
  const readsAge = reading === ALL || reading.has("step_up_age_seconds");
  const written = new WeakMap<Capability, string | undefined>();
  return (question) => {
    const { capability } = question;
    if (readsAge && capability.stepUpAtMs !== undefined) return write(question);
    if (!written.has(capability)) written.set(capability, write(question));
    return written.get(capability);
  };
}

/** Of a step into what is no object there is nothing to write: it leads nowhere in Rego too. */
function valueWriter(reading: Reading): Writer<unknown> {
  if (reading === ALL) return JSON.stringify;
  const members = [...reading].map(([name, inner]) => {
    const write = valueWriter(inner);
    return memberOf(name, (value: object) =>
      Object.hasOwn(value, name) ? write((value as Readonly<Record<string, unknown>>)[name]) : undefined,
    );
  });
  const write = objectOf(members);
  return (value) =>
    typeof value === "object" && value !== null && !Array.isArray(value) ? write(value) : undefined;
}

function objectOf<Value>(members: readonly Member<Value>[]): (value: Value) => string {
  return (value) => {
    let text = "";
    for (const { label, write } of members) {
      const written = write(value);
      if (written !== undefined) text += (text === "" ? "{" : ",") + label + written;
    }
    return text === "" ? "{}" : `${text}}`;
  };
}

const isMember = (name: string): name is keyof typeof INPUT_MEMBERS => Object.hasOwn(INPUT_MEMBERS, name);

/** JSON.stringify escapes lone surrogates, and only those, in lower case; an even number of backslashes before is other text. */
const hasLoneSurrogate = (json: string) => json.includes("\\ud") && /(?<!\\)(?:\\\\)*\\ud[89a-f]/.test(json);
