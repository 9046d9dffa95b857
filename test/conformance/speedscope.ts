// speedscope's own importers, which read its format and that of Chrome and Perfetto, taken out of its published page. Runs in the test
// process.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { PublishedPackages } from '../published-packages.js';

const packages = new PublishedPackages('speedscope', 'speedscope');

/** True where it is there. */
export const speedscope: boolean = packages.installed;

/** A call in a profile: its depth, and where it begins and ends in the profile's unit. */
export interface Call {
  readonly name: string;
  readonly depth: number;
  readonly from: number;
  readonly to: number;
}

export interface ImportedProfile {
  readonly name: string;
  readonly unit: string;
  /** In the order in which they begin. */
  readonly calls: readonly Call[];
}

/** A profile as its page has it. */
interface PageProfile {
  getName(): string;
  getWeightUnit(): string;
  forEachCall(open: (node: { frame: { name: string } }, value: number) => void, close: (node: unknown, value: number) => void): void;
}

interface PageImport {
  readonly name: string;
  readonly profiles: readonly PageProfile[];
}

type ImportText = (fileName: string, text: string) => Promise<PageImport | null>;

/** Answers anything asked of a page with itself: what draws has nothing to draw on. */
const nowhere: unknown = new Proxy(class {}, {
  get: (_, key) => (key === Symbol.toPrimitive ? () => 0 : nowhere),
  set: () => true,
  apply: () => nowhere,
  construct: () => nowhere as object,
});

function load(): ImportText {
  const folder = join(packages.folder, 'node_modules/speedscope/dist/release');
  const bundle = readdirSync(folder).find((name) => /^speedscope-\w+\.js$/.test(name)) as string;
  const source = readFileSync(join(folder, bundle), 'utf8');
  const name = /async function (\w+)\(\w,\w\)\{return\(await \w+\)\.importProfileGroupFromText\(/.exec(source)?.[1];
  const page = { window: nowhere, self: nowhere, document: nowhere, navigator: nowhere, localStorage: nowhere, location: { hash: '' } };
  const rest = {
    HTMLElement: class {},
    console: { log() {}, warn() {}, error() {} },
    performance,
    setTimeout,
    atob,
    URL,
    TextDecoder,
    TextEncoder,
  };
  const context = createContext({ ...page, ...rest, requestAnimationFrame() {}, addEventListener() {}, matchMedia: () => nowhere });
  try {
    runInContext(source.replace('(()=>{', `(()=>{globalThis.importText=(name,text)=>${name}(name,text);`), context);
  } catch {
    // Drawing the page, the last thing that it does, ends in a circle of answers.
  }
  return (context as unknown as { importText: ImportText }).importText;
}

let importText: ImportText | undefined;

/** Imports a file. @throws Error with what the importer says, or when no importer knows it */
export async function importFile(text: string): Promise<{ name: string; profiles: ImportedProfile[] }> {
  importText ??= load();
  const found = await importText('file.json', text);
  if (found === null) throw new Error('speedscope does not know the format');
  const profiles = found.profiles.map((profile) => {
    const calls: { name: string; depth: number; from: number; to: number }[] = [];
    const open: { to: number }[] = [];
    profile.forEachCall(
      ({ frame }, value) => {
        const call = { name: frame.name, depth: open.length, from: value, to: value };
        calls.push(call);
        open.push(call);
      },
      (_, value) => {
        (open.pop() as { to: number }).to = value;
      },
    );
    return { name: profile.getName(), unit: profile.getWeightUnit(), calls };
  });
  return { name: found.name, profiles };
}
