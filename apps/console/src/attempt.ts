// One act behind a button: confirmed first where that is asked for, said when it is done, and its trouble told beside the button.
import { confirmed } from "./dialog.ts";
import { element } from "./element.ts";
import { type ButtonKind, button } from "./parts.ts";
import type { Place } from "./screen.ts";
import { showTrouble } from "./trouble.ts";

export interface ActSpec {
  readonly label: string;
  readonly kind?: ButtonKind;
  /** What is asked first, and what it says will happen. */
  readonly question?: string;
  readonly consequence?: string;
  /** Gives what to say when it is done; default "<label>: done". */
  readonly act: () => Promise<string | undefined>;
}

export interface Acts {
  /** Where trouble is told. */
  readonly outcome: HTMLElement;
  button(spec: ActSpec): HTMLButtonElement;
}

/** Buttons that share one place for their trouble. The screen is shown anew after each act that succeeds. */
export function createActs(place: Place): Acts {
  const outcome = element("div", { class: "outcome" });
  return {
    outcome,
    button({ label, kind = "quiet", question, consequence = "", act }) {
      const run = async () => {
        if (made.disabled) return;
        const options = { consequence, yes: label, kind: kind === "danger" ? kind : "main" } as const;
        if (question !== undefined && !(await confirmed(question, options))) return;
        made.disabled = true;
        try {
          const said = await act();
          place.again();
          place.say(said ?? `${label}: done`);
        } catch (caught) {
          outcome.replaceChildren(showTrouble(caught));
        }
        made.disabled = false;
      };
      const made = button(label, () => void run(), kind);
      if (question !== undefined) made.setAttribute("aria-haspopup", "dialog");
      return made;
    },
  };
}
