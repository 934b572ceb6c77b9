// The extractor contract: POST /v1/extract.
import { z } from "zod";

export const INTENT_PROMPT_CHARS_MAX = 8000;

export const ExtractRequest = z.strictObject({
  prompt: z.string().min(1).max(INTENT_PROMPT_CHARS_MAX),
  agent_id: z.string().max(200).optional(),
});
export type ExtractRequest = z.infer<typeof ExtractRequest>;

export const Intent = z.strictObject({
  summary: z.string().max(2000),
  /** Exact tool names. An empty list allows nothing. */
  allowed_tools: z.array(z.string().max(256)).max(1024),
  forbidden_tools: z.array(z.string().max(256)).max(1024),
  confidence: z.number().min(0).max(1),
  rationale: z.string().max(4000).optional(),
});
export type Intent = z.infer<typeof Intent>;

export const ExtractResponse = z.object({
  intent: Intent,
  model: z.string().max(200),
  latency_ms: z.number().min(0),
});
export type ExtractResponse = z.infer<typeof ExtractResponse>;
