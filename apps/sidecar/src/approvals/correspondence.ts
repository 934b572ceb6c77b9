// What callers say about calls of theirs that are held: an answer to our question, or that they do not want the call any more. Neither is any
// business of a tool server, which has heard of neither.
import type { JsonObject, JsonValue } from "@postern/contracts";
import { member } from "@postern/mcp";
import { rootOf } from "../sessions.ts";
import type { Authenticated, IdentifiedCall } from "../stages.ts";
import { declines, isQuestionId } from "./user-questions.ts";
import type { Stay } from "./waiting-room.ts";

export interface Correspondence {
  /** `question`: the id under which the caller was asked. The result ends it, harmless at any time. */
  open(stage: Authenticated<IdentifiedCall>, stay: Pick<Stay, "end">, question?: string): () => void;
  /** Whether a message was for us. */
  hears(stage: Authenticated): boolean;
}

export function createCorrespondence(): Correspondence {
  const held = new Map<string, Pick<Stay, "end">>();
  return {
    open(stage, stay, question) {
      const keys = [requestKey(stage, stage.message?.id?.value), questionKey(stage, question)];
      const known = keys.filter((key) => key !== undefined);
      for (const key of known) held.set(key, stay);
      return () => {
        for (const key of known) if (held.get(key) === stay) held.delete(key);
      };
    },
    hears(stage) {
      const { message, method } = stage;
      if (message?.kind === "response") {
        const id = message.id?.value;
        if (!isQuestionId(id)) return false;
        // An answer that nobody waits for, or somebody else's, is heard and comes to nothing.
        if (declines(message.result)) held.get(questionKey(stage, id) ?? "")?.end("given_up");
        return true;
      }
      if (method !== "notifications/cancelled" || message?.params === undefined) return false;
      const stay = held.get(requestKey(stage, requestIdIn(message.params)) ?? "");
      stay?.end("left");
      return stay !== undefined;
    },
  };
}

const requestIdIn = (params: JsonObject): JsonValue | undefined => member(params, "requestId");

/** Ids are a session's own, and a session is its owner's own. */
function requestKey(stage: Authenticated, id: JsonValue | undefined): string | undefined {
  return typeof id === "string" || typeof id === "number"
    ? `request\n${ownerKey(stage)}\n${typeof id}\n${id}`
    : undefined;
}

const questionKey = (stage: Authenticated, id: string | undefined) =>
  id === undefined ? undefined : `question\n${ownerKey(stage)}\n${id}`;

const ownerKey = ({ capability, sessionId, upstream }: Authenticated) =>
  `${rootOf(capability)}\n${upstream}\n${sessionId}`;
