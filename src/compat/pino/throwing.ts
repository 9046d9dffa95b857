// What stands in a line for something of the application that threw while the line was made. Any thread.

/** Characters of an error's message that are kept. */
const MESSAGE_LIMIT = 200;

/** `[Throws: message]`. Never throws itself, whatever was thrown. */
export function threw(error: unknown): string {
  try {
    const message = error instanceof Error ? error.message : error;
    return `[Throws: ${String(message).slice(0, MESSAGE_LIMIT)}]`;
  } catch {
    return '[Throws]';
  }
}
