export { type FixedClock, fixedClock, sequentialIds } from "./clock.ts";
export { defer, type TestScope } from "./defer.ts";
export { golden, repositoryRoot, temporaryDirectory, vectors } from "./files.ts";
export { type DatabaseAddress, throwawayPostgres } from "./postgres.ts";
export { freePort, type RunningProcess, type StartOptions, startProcess } from "./process.ts";
export { type RedisAddress, throwawayRedis } from "./redis.ts";
export {
  answers,
  type Script,
  type ScriptedServer,
  type SeenRequest,
  scriptedServer,
} from "./scripted-server.ts";
