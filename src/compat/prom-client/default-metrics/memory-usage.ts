// `process.memoryUsage()`, which some platforms and sandboxes refuse. App threads.

/** What the process uses, in bytes; undefined where that cannot be told. */
export function safeMemoryUsage(): NodeJS.MemoryUsage | undefined {
  try {
    return process.memoryUsage();
  } catch {
    return undefined;
  }
}
