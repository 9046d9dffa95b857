// What the published package contains and exposes.
import { describe, expect, it } from 'vitest';
import { read, sourceFiles } from './tree.js';

const manifest = JSON.parse(read('package.json'));

describe('package.json', () => {
  it('has three run-time dependencies: threads for exporters, what unpacks their spans, and the sketch of the prom-client drop-in', () => {
    expect(Object.keys(manifest.dependencies)).toEqual(['msgpackr', 'piscina', 'tdigest']);
    for (const field of ['optionalDependencies', 'bundleDependencies']) expect(manifest[field] ?? {}, field).toEqual({});
  });

  it('asks for a copy of the OpenTelemetry API only of those who use that drop-in', () => {
    expect(manifest.peerDependencies).toEqual({ '@opentelemetry/api': '^1.3.0' });
    expect(manifest.peerDependenciesMeta).toEqual({ '@opentelemetry/api': { optional: true } });
  });

  it('pins its tools', () => {
    for (const [name, version] of Object.entries(manifest.devDependencies)) expect(version, name).toMatch(/^\d+(\.\d+\.\d+)?$/);
  });

  it('runs no script of its own when installed', () => {
    for (const hook of ['preinstall', 'install', 'postinstall', 'prepare', 'prepublish']) expect(manifest.scripts[hook]).toBeUndefined();
  });

  it('exports built files with their types first, and its manifest', () => {
    const sources = sourceFiles(['src'], ['.ts', '.cts']).map((found) => found.path);
    for (const [path, target] of Object.entries<Record<string, string> | string>(manifest.exports)) {
      if (path === './package.json') continue;
      if (typeof target === 'string') {
        // Files of an original that people import by their path there.
        expect(path).toMatch(/^\.\/[\w-]+\/lib\/\*(\.js)?$/);
        expect(target).toBe(`${path.replace('./', './dist/cjs/compat/').replace(/\.js$/, '')}.cjs`);
        continue;
      }
      expect(Object.keys(target)[0], path).toBe('types');
      for (const file of Object.values(target)) {
        expect(file).toMatch(/^\.\/dist\/.+\.(js|d\.ts|cjs|d\.cts)$/);
        expect(sources, file).toContain(file.replace(/^\.\/dist\/(cjs\/)?/, 'src/').replace(/(\.d)?\.(c?)[jt]s$/, '.$2ts'));
      }
    }
    expect(manifest.exports['./package.json']).toBe('./package.json');
    expect(manifest.types).toBe(manifest.exports['.'].types);
  });

  it('ships the build, the addon and the licences, without the demo', () => {
    expect(manifest.files).toEqual(expect.arrayContaining(['dist', '!dist/demo', 'native/binding/*.node', 'LICENSE', 'THIRD-PARTY.md']));
    expect(manifest.files.filter((entry: string) => /^(src|test|bench|\.)/.test(entry))).toEqual([]);
  });

  it('has the version of the crates', () => {
    expect(/^version = "(.+)"$/m.exec(read('Cargo.toml'))?.[1]).toBe(manifest.version);
  });
});

describe('package-lock.json', () => {
  it('has every optional package of every platform, or npm ci refuses it', () => {
    const { packages } = JSON.parse(read('package-lock.json')) as {
      packages: Record<string, { version?: string; optionalDependencies?: Record<string, string> }>;
    };
    const missing = Object.entries(packages).flatMap(([path, entry]) =>
      Object.keys(entry.optionalDependencies ?? {}).filter(
        (name) => !(`${path}/node_modules/${name}` in packages) && !(`node_modules/${name}` in packages),
      ),
    );
    expect(missing).toEqual([]);
  });
});

describe('index.ts', () => {
  const code = read('src/index.ts')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '');

  it('is a list of named exports and nothing else', () => {
    const statements = code
      .split(';')
      .map((statement) => statement.trim())
      .filter(Boolean);
    expect(statements.filter((statement) => !/^export (type )?\{[^}]*\} from '\.\/[\w/-]+\.js'$/.test(statement))).toEqual([]);
  });

  it('exposes nothing of the native layer', () => {
    // A native histogram is a kind of histogram, not of layer.
    expect(code).not.toMatch(/\bNative(?!Histogram)\w+|\/binding\/(native|segment|layout|generated)/);
  });
});
