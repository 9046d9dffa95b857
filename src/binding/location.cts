// Where this copy of the package lies, and how an addon is loaded from there. CommonJS in both builds, since only that has one
// spelling for it: `import.meta` does not exist in the build that the drop-ins are made of. App threads.
import path = require('node:path');

/** Root of the package: the parent of `src`, `dist` or `dist/cjs`. */
const root = path.resolve(__dirname, path.basename(path.dirname(__dirname)) === 'cjs' ? '../../..' : '../..');

/** The addon at `file`; one object per thread, whichever copy of this package asks. */
const loadAddon = (file: string): unknown => require(file);

export = { root, loadAddon };
