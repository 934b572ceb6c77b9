// A real browser for a test: the console's first page, signing in, and going from screen to screen.
import { existsSync } from "node:fs";
import { defer, type TestScope } from "@postern/testkit";
import { chromium, type Page } from "playwright-core";
import { ADMIN_TOKEN } from "./stack.ts";

const FLAGS = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
];
const WAIT_MS = 30_000;
const executablePath = process.env.CHROMIUM_BIN ?? "/usr/bin/chromium";

/** Why tests with a browser cannot run here; false when they can. */
export const skip = existsSync(executablePath)
  ? false
  : `no Chromium at ${executablePath}: install it, or name one in CHROMIUM_BIN`;

export interface Visit {
  readonly page: Page;
  /** What the page said to the developer's console as errors, exceptions and CSP violations among them. */
  readonly errors: readonly string[];
}

/** A fresh browser profile at an address. */
export async function visit(t: TestScope, url: string, size = { width: 1280, height: 800 }): Promise<Visit> {
  const browser = await chromium.launch({ executablePath, args: FLAGS });
  defer(t, () => browser.close());
  const page = await browser.newPage({ viewport: size });
  page.setDefaultTimeout(WAIT_MS);
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" && !/status of 4\d\d/.test(message.text())) errors.push(message.text());
  });
  await page.goto(url);
  return { page, errors };
}

export async function signIn(page: Page, token = ADMIN_TOKEN): Promise<void> {
  await page.getByLabel("Admin token").fill(token);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

export async function open(page: Page, screen: string): Promise<void> {
  await page.getByRole("navigation", { name: "Screens" }).getByRole("link", { name: screen }).click();
  await page.getByRole("heading", { level: 1, name: screen }).waitFor();
  await page.locator("main:not([aria-busy])").waitFor();
}

/** Presses a button of the dialog that is open. */
export const confirm = (page: Page, name: string) =>
  page.getByRole("dialog").getByRole("button", { name, exact: true }).click();
