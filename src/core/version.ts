// The version of this package, for what goes over the wire. Pure data, any thread; a test keeps it equal to package.json.

/** As in package.json. */
export const VERSION = '0.1.0';
