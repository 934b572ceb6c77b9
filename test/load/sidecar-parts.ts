// The sidecar's own edge and its way to a tool server, for what the bench puts together of them and the product never offers. The only
// file outside an app that reaches into it.
export { type ListenerPorts, startListener } from "../../apps/sidecar/src/listener.ts";
export { createPinTable } from "../../apps/sidecar/src/pins/pin-table.ts";
export type { Pipeline } from "../../apps/sidecar/src/pipeline.ts";
export { createHttpUpstream } from "../../apps/sidecar/src/upstream/http.ts";
