// Loaded before a program that `npm start` starts: when the starter is gone, however it went, the program is told to end as well.
process.on("disconnect", () => process.kill(process.pid, "SIGTERM"));
process.channel?.unref();
