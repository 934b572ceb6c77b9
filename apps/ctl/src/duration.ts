// Lengths of time as people write them.
import { usage } from "./command.ts";

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** "90s", "15m", "8h" or "30d" in seconds. Raises Fault invalid "ctl.usage". */
export function parseSeconds(text: string, option: string): number {
  const [, amount, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  if (amount === undefined || unit === undefined || Number(amount) === 0)
    throw usage(`--${option} must be a length of time such as 90s, 15m, 8h or 30d`);
  return Number(amount) * SECONDS[unit as keyof typeof SECONDS];
}

/** How long from now, in words: "in 2 h 5 min", "3 d ago". */
export function relativeTime(atMs: number, nowMs: number): string {
  const seconds = Math.round(Math.abs(atMs - nowMs) / 1000);
  const words =
    seconds < 60
      ? `${seconds} s`
      : seconds < 3600
        ? `${Math.floor(seconds / 60)} min`
        : seconds < 86_400
          ? `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`
          : `${Math.floor(seconds / 86_400)} d`;
  return atMs >= nowMs ? `in ${words}` : `${words} ago`;
}
