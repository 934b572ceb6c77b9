// The little that the tests' identity provider needs of a package that comes without types.
declare module "oidc-provider" {
  import type { IncomingMessage, ServerResponse } from "node:http";

  interface Provider {
    callback(): (request: IncomingMessage, response: ServerResponse) => void;
  }
  const Provider: new (issuer: string, configuration: object) => Provider;
  export default Provider;
}
