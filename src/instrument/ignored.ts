// Whether the application wants a request left alone. App threads.

/** What `ignore` says of a request; false without it, and where it throws: instrumentation never fails a request. */
export function isIgnored<R>(ignore: ((request: R) => boolean) | undefined, request: R): boolean {
  if (ignore === undefined) return false;
  try {
    return ignore(request) === true;
  } catch {
    return false;
  }
}
