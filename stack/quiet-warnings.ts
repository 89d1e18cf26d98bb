/**
 * Keeps Node's notices that WASI and (in the first versions of Node 24) SQLite are experimental off the terminal of people who
 * run the stack: it needs both and they can do nothing about it. Every other warning is printed as before. Import it first; it
 * acts on import.
 */
process.removeAllListeners("warning");
process.on("warning", (warning) => {
  const isOurs = warning.name === "ExperimentalWarning" && /WASI|SQLite/.test(warning.message);
  if (!isOurs) console.error(`${warning.name}: ${warning.message}`);
});
