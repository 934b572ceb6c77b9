// Loaded before a program that must not outlive what started it: when the starter is gone, however it went, the program is told to end as well.
process.on("disconnect", () => process.kill(process.pid, "SIGTERM"));
process.channel?.unref();
