export { type Clock, type NewId, randomId, systemClock } from "./clock.ts";
export { Fault, type FaultOptions, isRetryable, toFault } from "./fault.ts";
