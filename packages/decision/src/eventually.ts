// An answer that may be here already. Nearly all of them are, and waiting for what is here costs a turn of the loop at each step.

export type Eventually<T> = T | Promise<T>;

/** Goes on with an answer, at once if it is here. */
export function andThen<T, R>(answer: Eventually<T>, next: (value: T) => Eventually<R>): Eventually<R> {
  return answer instanceof Promise ? answer.then(next) : next(answer);
}
