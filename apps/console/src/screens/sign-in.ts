// The way in: an admin token, typed or pasted, that goes into memory and no further unless the reader asks for it.
import { element } from "../element.ts";
import { checkField, form, problem, textField } from "../form.ts";
import { note } from "../parts.ts";
import { readToken } from "../session.ts";

export function signIn(options: {
  /** Why the reader is here, such as the control plane's refusal; "" = no reason to tell. */
  message: string;
  onToken: (token: string, options: { kept: boolean }) => void;
}): HTMLElement {
  const token = textField({
    label: "Admin token",
    hint: "The superadmin's, or that of a tenant's admin.",
    type: "password",
    autocomplete: "current-password",
    required: true,
  });
  const kept = checkField({ label: "Stay signed in when this tab is reloaded" });
  return element(
    "main",
    { class: "alone" },
    element("p", { class: "brand" }, "Postern"),
    element("h1", {}, "Sign in"),
    options.message === "" ? undefined : problem(options.message),
    form({
      label: "Sign in",
      fields: [token.node, kept.node],
      send: "Sign in",
      onSend() {
        const read = readToken(token.control.value);
        if (read === undefined) return problem("Paste the admin token: one word of printable characters.");
        options.onToken(read, { kept: kept.control.checked });
        return undefined;
      },
    }),
    note("The token is sent in a header to this control plane only. It never stands in an address."),
  );
}
