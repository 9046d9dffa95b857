// How a target's name becomes a file. CommonJS, for `require.resolve`. App threads.
import path = require('node:path');

/** The file that `request` means in a module of `folder`; undefined for none. */
function resolveFrom(request: string, folder: string): string | undefined {
  try {
    return require.resolve(request, { paths: [folder] });
  } catch {
    return undefined;
  }
}

/** True for a module of this folder, which calls for somebody else. */
function isOurs(file: string): boolean {
  return path.dirname(file) === __dirname;
}

export = { resolveFrom, isOurs };
