// Clean-up in reverse order. node:test runs `after` hooks first in, first out, which would remove a folder before the
// process that writes into it has ended.
import type { TestContext } from "node:test";

/** Whatever can run a hook at its end: a test's context, or `{ after }` of node:test for a whole file. */
export interface TestScope {
  readonly after: (hook: () => Promise<void> | void) => void;
}

type Hook = () => Promise<void> | void;
const stacks = new WeakMap<TestScope, Hook[]>();

/** Runs `hook` when the scope ends, last deferred first; a hook that throws does not keep the others from running. */
export function defer(scope: TestScope | TestContext, hook: Hook): void {
  const known = stacks.get(scope);
  if (known !== undefined) {
    known.push(hook);
    return;
  }
  const stack = [hook];
  stacks.set(scope, stack);
  scope.after(() => unwind(stack));
}

async function unwind(stack: Hook[]): Promise<void> {
  const failures: unknown[] = [];
  for (let hook = stack.pop(); hook !== undefined; hook = stack.pop()) {
    try {
      await hook();
    } catch (failure) {
      failures.push(failure);
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, "Cleaning up after the test failed.");
}
