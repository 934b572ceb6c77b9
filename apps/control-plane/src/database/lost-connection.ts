// A transaction ends with its connection. The driver rejects it then, but would let its code go on: what that still sends is written to no socket,
// which ends the process, or to the next life of the connection, where it becomes part of somebody else's transaction (porsager/postgres#1208). So
// such code is stopped where it is: its next statement is refused, and nothing of it is rolled back or committed any more.
import type { Sql, TransactionSql } from "postgres";

type Work = (tx: TransactionSql) => unknown;

/** The client, with transactions that end with their connection. */
export function boundToConnections(client: Sql): Sql {
  const begin = (work: Work): Promise<unknown> => {
    let isOver = false;
    const whole = client.begin(async (tx) => {
      try {
        const result = await work(refusingOnce(tx, () => isOver));
        if (!isOver) return result;
      } catch (caught) {
        // A closed connection is told to the statement that was under way first, and to the transaction in the same turn.
        await new Promise((resolve) => setImmediate(resolve));
        if (!isOver && !endsSession(caught)) throw caught;
      }
      return await new Promise(() => {});
    });
    return whole.finally(() => {
      isOver = true;
    });
  };
  return new Proxy(client, {
    get: (target, key) => (key === "begin" ? begin : Reflect.get(target, key)),
  });
}

function refusingOnce(tx: TransactionSql, isOver: () => boolean): TransactionSql {
  return new Proxy(tx, {
    get(target, key) {
      if (isOver()) throw new Error("The transaction has ended with its connection.");
      return Reflect.get(target, key);
    },
  });
}

/** Whether the server closes the connection after this error, whatever it is: a severity of FATAL or PANIC says so. */
function endsSession(caught: unknown): boolean {
  for (let error = caught; error instanceof Error; error = error.cause) {
    const severity = "severity" in error ? error.severity : undefined;
    if (severity === "FATAL" || severity === "PANIC") return true;
  }
  return false;
}
