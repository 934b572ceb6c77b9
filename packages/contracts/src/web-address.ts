// Addresses, as far as a pattern can tell what is taken: for descriptions of the interface, so that whoever generates or checks values by one
// gets it right. The rule itself stands with each schema, is a parser's, and takes a few spellings more.
const NAME = "(?:[a-z0-9_]+(?:--?[a-z0-9_]+)*\\.)*[a-z][a-z0-9_]*(?:-[a-z0-9_]+)*";
const OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
const HOST = `(?:${NAME}|${OCTET}(?:\\.${OCTET}){3}|\\[::1\\])`;
const PORT = "(?::[1-9][0-9]{0,3}|:[1-5][0-9]{4})?";
const PATH = "(?:/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?";
const QUERY = "(?:\\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?";
const LOOPBACK = "(?:localhost|127\\.0\\.0\\.1|\\[::1\\])";

/** https, or http on loopback. */
export const GUARDED_ADDRESS = `^(?:https://${HOST}|http://${LOOPBACK})${PORT}${PATH}$`;
export const GUARDED_ADDRESS_WITH_QUERY = `^(?:https://${HOST}|http://${LOOPBACK})${PORT}${PATH}${QUERY}$`;
export const WEB_ADDRESS = `^https?://${HOST}${PORT}${PATH}${QUERY}$`;
