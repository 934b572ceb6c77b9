// The bar over every screen while the reader acts under an elevation: what it gives, until when, and the ways out of it.
import type { Elevation } from "./admin-people.ts";
import { element } from "./element.ts";
import { instant, remaining } from "./format.ts";
import { actions, button } from "./parts.ts";
import type { Pulse } from "./pulse.ts";

export function elevationBar(
  { role, tenant, reason, expires_at }: Elevation,
  ports: {
    readonly onLeave: () => void;
    readonly onEnd: () => void;
    readonly nowMs: () => number;
    readonly pulse: Pulse;
    readonly signal: AbortSignal;
  },
): HTMLElement {
  const left = element("span", {});
  const tell = () => {
    const time = remaining(Date.parse(expires_at) - ports.nowMs());
    left.textContent =
      time === ""
        ? "it is over, and calls that name it are refused"
        : `${time} left, until ${instant(expires_at)} UTC`;
  };
  tell();
  ports.pulse.every(1_000, ports.signal, tell);
  return element(
    "section",
    { class: "banner elevated", "aria-label": "Elevation" },
    element(
      "p",
      {},
      element("strong", {}, `You act with the role ${role} in ${tenant}: `),
      left,
      `. Reason: ${reason}`,
    ),
    actions(button("Act without it", ports.onLeave), button("End it for good", ports.onEnd)),
  );
}
