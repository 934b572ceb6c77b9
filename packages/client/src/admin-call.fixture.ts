// For tests only: a server that answers every operation of the admin door with no more than the fields that every answer to it has.
import { type ScriptedServer, scriptedServer, type TestScope } from "@postern/testkit";
import { ADMIN_OPERATIONS } from "./admin-operations.generated.ts";

export async function plainAnswers(t: TestScope): Promise<ScriptedServer> {
  return await scriptedServer(t, ({ method, url }, response) => {
    const answer = plainAnswer(method, url);
    response.writeHead(answer === undefined ? 204 : 200);
    response.end(typeof answer === "string" ? answer : JSON.stringify(answer));
  });
}

/** undefined = the operation answers nothing. Raises an Error when no operation has this method and path. */
export function plainAnswer(method: string, url: string): unknown {
  const path = url.replace(/\?.*/, "");
  const fits = (template: string) => new RegExp(`^${template.replace(/\{\w+\}/g, "[^/]+")}$`).test(path);
  // A path that is written out goes before one that a parameter makes fit.
  const row = Object.values(ADMIN_OPERATIONS)
    .filter((each) => each.method === method && fits(each.path))
    .sort((a, b) => a.path.split("{").length - b.path.split("{").length)[0];
  if (row === undefined) throw new Error(`there is no operation ${method} ${path}`);
  if (row.answer === "nothing" || row.answer === "text") return row.answer === "text" ? "text" : undefined;
  const object = Object.fromEntries(row.fields.map((field) => [field, field === "items" ? [] : field]));
  return row.answer === "list" ? [object] : object;
}
