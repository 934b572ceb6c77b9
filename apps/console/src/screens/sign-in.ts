// The way in: the company's identity provider where there is one, or an admin token, typed or pasted, that goes into memory and no further
// unless the reader asks for it.
import { element } from "../element.ts";
import { checkField, form, problem, textField } from "../form.ts";
import { LOGIN_ADDRESS } from "../login.ts";
import { actions, button, note } from "../parts.ts";
import { readToken } from "../session.ts";

export function signIn(options: {
  /** Why the reader is here, such as the control plane's refusal; "" = no reason to tell. */
  message: string;
  /** Whether there is an identity provider; heard once it is known. */
  canLogIn: Promise<boolean>;
  onToken: (token: string, options: { kept: boolean }) => void;
}): HTMLElement {
  const token = textField({
    label: "Admin token",
    hint: "The superadmin's, that of a tenant's admin, or an operator's.",
    type: "password",
    autocomplete: "current-password",
    required: true,
  });
  const kept = checkField({ label: "Stay signed in when this tab is reloaded" });
  const provider = element("div", {});
  void options.canLogIn.then((known) => {
    if (!known) return;
    const way = button("Sign in with your organisation", () => location.assign(LOGIN_ADDRESS), "main");
    provider.replaceChildren(actions(way), note("Or with a token:"));
  });
  return element(
    "main",
    { class: "alone" },
    element("p", { class: "brand" }, "Postern"),
    element("h1", {}, "Sign in"),
    options.message === "" ? undefined : problem(options.message),
    provider,
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
