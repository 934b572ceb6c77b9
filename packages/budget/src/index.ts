export {
  type Charge,
  type ChargeKind,
  chargesFor,
  limitIn,
  ownerOfAccount,
  type Remaining,
} from "./charge.ts";
export { createLeaseLedger, type LeaseLedger, type LeaseLedgerOptions } from "./lease-ledger.ts";
export type { Lease, LeaseAuthority, LeaseSource, Ledger, Reservation, Reserved } from "./ledger.ts";
