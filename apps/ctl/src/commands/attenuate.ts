// postern attenuate: a narrower token out of one that was minted attenuable. Works offline: nobody is asked.
import { attenuate as attenuateToken } from "@postern/capability";
import { CAVEAT_OPTIONS, caveatsFrom, expiryFrom } from "../caveat-options.ts";
import { command, usage } from "../command.ts";
import { textOrStdin } from "../text-source.ts";

export const attenuate = command({
  name: "attenuate",
  summary: "Narrow a token, offline.",
  usage: "[token | -]",
  details:
    "Without a token, POSTERN_CAPABILITY is narrowed. The result can never do more than the token it came from.",
  positionals: { min: 0, max: 1 },
  options: {
    key: {
      value: "K4.SECRET",
      description: "Attenuation key of the token; better by POSTERN_ATTENUATION_KEY.",
    },
    "expires-in": { value: "TIME", description: "End sooner, such as 15m." },
    ...CAVEAT_OPTIONS,
    attenuable: { description: "Let the new token be narrowed further; prints the key for that once." },
  },
  example: 'postern attenuate "$TOKEN" --tool read_invoice --max-calls 5 --expires-in 15m',
  async run({ options, positionals }, world) {
    const config = world.config();
    const given = positionals[0] ?? config.capability?.reveal();
    if (given === undefined) throw usage("give a token, - for standard input, or POSTERN_CAPABILITY");
    const attenuationKey = options.key ?? config.attenuationKey?.reveal();
    if (attenuationKey === undefined)
      throw usage("give the token's attenuation key: --key or POSTERN_ATTENUATION_KEY");
    const caveats = [
      ...expiryFrom(options["expires-in"], "expires-in", world.clock),
      ...caveatsFrom(options),
    ];
    if (caveats.length === 0) throw usage("say how the token is to be narrowed, such as --max-calls 5");
    const narrowed = await attenuateToken(
      { token: await textOrStdin(given, world), attenuationKey, caveats, attenuable: options.attenuable },
      world,
    );
    const { token, jti, attenuationKey: nextKey } = narrowed;
    const keyLines = nextKey === undefined ? [] : ["Attenuation key, shown only now:", nextKey];
    return {
      ok: true,
      json: { token, jti, ...(nextKey === undefined ? {} : { attenuation_key: nextKey }) },
      text: [`Token ${jti}:`, token, ...keyLines].join("\n"),
    };
  },
});
