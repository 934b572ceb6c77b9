export {
  type AddressRules,
  type AddressRulesOptions,
  createAddressRules,
  isNetwork,
} from "./address-rules.ts";
export { guardedLookup, hostOf, type Resolve, type ResolvedAddress } from "./guarded-lookup.ts";
export {
  createGuardedRequest,
  type GuardedAnswer,
  type GuardedRequest,
  type GuardedRequestOptions,
  type SendGuarded,
} from "./guarded-request.ts";
