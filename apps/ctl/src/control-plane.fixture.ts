// For tests: a control plane that answers by script, and `postern` run against it.
import { scriptedServer, type TestScope } from "@postern/testkit";
import { postern, posternJson } from "./cli.fixture.ts";

export type Answer = readonly [status: number, body?: unknown];
/** `line`: "METHOD /path?query". */
export type Answering = (line: string, body: string) => Answer;

/** `seen`: each request as "METHOD /path?query body". `run` and `json` add where it is and a token; `at` is that, and a tenant. */
export async function controlPlane(t: TestScope, answer: Answering) {
  const seen: string[] = [];
  const { url } = await scriptedServer(t, ({ method, url, body }, response) => {
    const line = `${method} ${url}`;
    seen.push(`${line} ${body}`.trim());
    const [status, value] = answer(line, body);
    response.writeHead(status, { "content-type": "application/json" });
    response.end(value === undefined ? "" : JSON.stringify(value));
  });
  const at = ["--url", url, "--token", "secret"];
  return {
    ...{ seen, at: [...at, "--tenant", "acme"] },
    run: (...args: string[]) => postern([...args, ...at]),
    json: (...args: string[]) => posternJson([...args, ...at]),
  };
}

/** Answers these lines with 200 and their values, and nothing else. */
export const service = (t: TestScope, answers: Readonly<Record<string, unknown>>) =>
  controlPlane(t, (line) =>
    line in answers ? [200, answers[line]] : [404, { error: `nothing at ${line}` }],
  );
