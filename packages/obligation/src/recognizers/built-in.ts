// Every class that the filter knows by itself, and what recognizes it.
import type { Recognizer } from "../recognizer.ts";
import { bankAccount } from "./bank-account.ts";
import { bearerToken, jsonWebToken } from "./bearer-token.ts";
import { citizenServiceNumber, socialSecurityNumber } from "./citizen-number.ts";
import { email } from "./email.ts";
import { ipv4, ipv6 } from "./ip-address.ts";
import { assignedSecret, awsSecretKey } from "./named-secret.ts";
import { paymentCard } from "./payment-card.ts";
import { phoneNumber } from "./phone-number.ts";
import { privateKey, serviceAccountKey } from "./private-key.ts";
import {
  awsAccessKey,
  githubToken,
  markedApiKey,
  npmToken,
  posternToken,
  slackToken,
  stripeKey,
} from "./secret-token.ts";
import { vatNumber } from "./vat-number.ts";

export const RECOGNIZERS: readonly Recognizer[] = [
  email,
  phoneNumber,
  bankAccount,
  citizenServiceNumber,
  paymentCard,
  socialSecurityNumber,
  vatNumber,
  ipv4,
  ipv6,
  awsAccessKey,
  awsSecretKey,
  githubToken,
  jsonWebToken,
  bearerToken,
  privateKey,
  serviceAccountKey,
  slackToken,
  stripeKey,
  npmToken,
  posternToken,
  markedApiKey,
  assignedSecret,
];

export const CLASSES: ReadonlySet<string> = new Set(RECOGNIZERS.map((recognizer) => recognizer.class));

/** Those that are looked for in a JSON number, which has neither groups nor names in it. */
export const NUMBER_CLASSES: ReadonlySet<string> = new Set(["credit_card"]);
