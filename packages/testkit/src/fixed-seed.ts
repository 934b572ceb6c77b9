// Loaded before each test file of the suite: properties are tried on the same values in every run, so that a change is judged by what it
// changed. FAST_CHECK_SEED tries others; `node --test <file>` by itself tries new ones each time.
import fc from "fast-check";

fc.configureGlobal({ seed: Number(process.env.FAST_CHECK_SEED ?? 20_261_122) });
