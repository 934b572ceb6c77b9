export {
  type ConfigOf,
  describeSettings,
  type Environment,
  type LoadedConfig,
  loadConfig,
  type Setting,
  type Settings,
  setting,
} from "./load.ts";
export { type Secret, secret } from "./secret.ts";
export { decimal, flag, httpUrl, integer, json, list, oneOf, port, secretText, text } from "./values.ts";
