// One story, told by every real client: what the fixture server offers is listed, used, asked back for and refused, and the session goes on
// after each refusal. A client that cannot tell it word for word has lost something on its way through the sidecar.
import assert from "node:assert/strict";

/** What the clients do not know: which tool meets which check. */
export const STORY_POLICY = `package intentgate.policy

default decision := {"allow": true, "cost_micros": 1}

decision := {"allow": false, "reason": "barred", "rule": "barred"} if input.tool == "test_audio_content"

decision := {"allow": true, "cost_micros": 1000000} if input.tool == "test_image_content"

decision := {"allow": false, "escalate": true, "rule": "ask"} if input.tool == "test_multiple_content_types"
`;

export const STORY_CAVEATS = [
  { type: "tool_deny" as const, tools: ["test_embedded_resource"] },
  { type: "max_cost" as const, micros: 500_000 },
];

/** A prompt of which nobody can make sense. */
export const SENSELESS_PROMPT = "please do something that nobody can make sense of";

/** Tool that meets the refusal of each check. "intent" is any tool with a senseless prompt. */
export const REFUSED_TOOLS = {
  capability: "test_embedded_resource",
  intent: "test_simple_text",
  policy: "test_audio_content",
  budget: "test_image_content",
  approval: "test_multiple_content_types",
} as const;
export type Refusal = keyof typeof REFUSED_TOOLS;

const REFUSALS: Readonly<Record<Refusal, { code: number; reason: string }>> = {
  capability: { code: -32010, reason: "capability.tool" },
  intent: { code: -32011, reason: "intent.low_confidence" },
  policy: { code: -32012, reason: "policy.denied" },
  budget: { code: -32013, reason: "budget.cost" },
  approval: { code: -32014, reason: "policy.escalated" },
};

/** What a client saw. */
export interface Story {
  readonly tools: readonly string[];
  readonly resources: readonly string[];
  readonly templates: readonly string[];
  readonly prompts: readonly string[];
  /** Text of a tool, a resource, a resource behind a template, a prompt. */
  readonly said: string;
  readonly read: string;
  readonly filled: string;
  readonly prompted: string;
  readonly completed: readonly string[];
  readonly progress: readonly number[];
  /** Text of the tools that ask back. */
  readonly sampled: string;
  readonly elicited: string;
  readonly rooted: string;
  readonly twice: string;
  readonly askedPrompt: string;
  /** Methods that the server asked of the client, in order. */
  readonly asked: readonly string[];
  /** Whether a tool that fails is told as a result. */
  readonly failed: boolean;
  readonly refused: Readonly<Record<Refusal, { code: unknown; reason: unknown; afterwards: string }>>;
}

const SIMPLE_TEXT = "This is a simple text response for testing.";

/** @throws AssertionError naming what the client did not see. */
export function assertStory(story: Story): void {
  assert.ok(story.tools.includes("test_simple_text"), "lists tools");
  for (const hidden of [REFUSED_TOOLS.capability, REFUSED_TOOLS.policy])
    assert.ok(!story.tools.includes(hidden), `does not list ${hidden}`);
  assert.ok(story.resources.includes("test://static-text"), "lists resources");
  assert.deepEqual(story.templates, ["test://template/{id}/data"]);
  assert.ok(story.prompts.includes("test_prompt_with_arguments"), "lists prompts");
  assert.equal(story.said, SIMPLE_TEXT);
  assert.equal(story.read, "This is the content of the static text resource.");
  assert.equal(story.filled, '{"id":"7","templateTest":true,"data":"Data for ID: 7"}');
  assert.equal(story.prompted, "Prompt with arguments: arg1='one', arg2='two'");
  assert.deepEqual(story.completed, ["paris", "park", "party"]);
  assert.deepEqual(story.progress, [0, 50, 100]);
  assert.equal(story.sampled, "LLM response: Paris");
  assert.equal(story.elicited, "Hello, Alice!");
  assert.match(story.rooted, /file:\/\/\/a-root/);
  assert.equal(story.twice, "Alice likes blue.");
  assert.equal(story.askedPrompt, "In the context of a test.");
  assert.deepEqual(story.asked, [
    "sampling/createMessage",
    "elicitation/create",
    "roots/list",
    "elicitation/create",
    "elicitation/create",
    "elicitation/create",
  ]);
  assert.equal(story.failed, true);
  for (const [check, { code, reason }] of Object.entries(REFUSALS))
    assert.deepEqual(story.refused[check as Refusal], { code, reason, afterwards: SIMPLE_TEXT }, check);
}
