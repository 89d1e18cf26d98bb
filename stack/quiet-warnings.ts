/**
 * Keeps Node's notice that WASI is experimental off the terminal of people who run the stack: the embedded Redis needs WASI
 * and they can do nothing about it. Every other warning is printed as before. Import it first; it acts on import.
 */
process.removeAllListeners("warning");
process.on("warning", (warning) => {
  const isAboutWasi = warning.name === "ExperimentalWarning" && warning.message.includes("WASI");
  if (!isAboutWasi) console.error(`${warning.name}: ${warning.message}`);
});
