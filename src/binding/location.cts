// Where this copy of the package lies, and how an addon is loaded from there. CommonJS in both builds, since only that has one
// spelling for it: `import.meta` does not exist in the build that the drop-ins are made of. App threads.
import nodeModule = require('node:module');
import path = require('node:path');

/** Root of the package: the parent of `src`, `dist` or `dist/cjs`. */
const root = path.resolve(__dirname, path.basename(path.dirname(__dirname)) === 'cjs' ? '../../..' : '../..');

/**
 * The addon at a path; one object per thread, whichever copy of this package asks. Not this module's own `require`: that holds the modules
 * which loaded this one, and so would a timer of ours, for ever where a test runner loads a copy per test file.
 */
const loadAddon: (file: string) => unknown = nodeModule.createRequire(__filename);

/** A package that is loaded when it is needed first, by a call that cannot wait for `import()`. */
const loadPackage: (name: string) => unknown = loadAddon;

export = { root, loadAddon, loadPackage };
