import { z } from 'zod';
import { CommandLine, INSTALL_INPUTS_MAX, type InstallWish, RelativePath } from './install-step.ts';

/** What may stand in `.countersign.yml` of a repository that has none, judged by what lies in it. */
export interface Proposal {
  /** The file; empty when nothing is known about such a repository. */
  readonly yaml: string;
  /** What was found and what was not, for a person. */
  readonly sentences: readonly string[];
  /** What the operator has to allow for it, where that is not allowed yet. */
  readonly needs: {
    readonly image: string | null;
    readonly testCommand: string | null;
    readonly installCommand: string | null;
    readonly hosts: readonly string[];
  };
}

interface Project {
  readonly image?: string;
  readonly test?: string;
  readonly install?: InstallWish;
  readonly hosts?: readonly string[];
  readonly sentences: readonly string[];
}

/** What lies in one folder: names below it, and the text of those that were read. */
interface Folder {
  readonly names: ReadonlySet<string>;
  text(name: string): string;
}

/** Folders that hold what others wrote, or what is there for the tests. */
const FOREIGN = /(?:^|\/)(?:node_modules|vendor|third_party|testdata|fixtures?|examples?|\.[^/]+)\//;

const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));
const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** Names that nobody could mean well by are not proposed. */
const isSafe = (path: string): boolean => RelativePath.safeParse(path).success;

const has = ({ names }: Folder, name: string): boolean => names.has(name);

const Manifest = z.object({
  scripts: z.record(z.string(), z.string()).catch({}),
  dependencies: z.record(z.string(), z.unknown()).catch({}),
  devDependencies: z.record(z.string(), z.unknown()).catch({}),
  optionalDependencies: z.record(z.string(), z.unknown()).catch({}),
  engines: z.object({ node: z.string().catch('') }).catch({ node: '' }),
});

const manifestOf = (text: string): z.infer<typeof Manifest> => {
  try {
    return Manifest.parse(JSON.parse(text));
  } catch {
    return Manifest.parse({});
  }
};

const NODE_DEFAULT = '22';

const PACKAGE_MANAGERS = [
  { name: 'npm', lock: 'package-lock.json', run: 'npm ci --ignore-scripts', host: 'registry.npmjs.org' },
  { name: 'npm', lock: 'npm-shrinkwrap.json', run: 'npm ci --ignore-scripts', host: 'registry.npmjs.org' },
  { name: 'pnpm', lock: 'pnpm-lock.yaml', run: 'pnpm install --frozen-lockfile --ignore-scripts', host: 'registry.npmjs.org' },
  { name: 'yarn', lock: 'yarn.lock', run: 'yarn install --frozen-lockfile --ignore-scripts', host: 'registry.yarnpkg.com' },
] as const;

/** What package managers read besides the lock file: manifests, of all packages of a workspace, settings and patches. */
const isNodeInput = (name: string): boolean =>
  (nameOf(name) === 'package.json' && !FOREIGN.test(name)) ||
  /^(?:\.npmrc|\.yarnrc|pnpm-workspace\.yaml|patches\/[^\s]+)$/.test(name);

const node = (folder: Folder): Project | null => {
  if (!has(folder, 'package.json')) return null;
  const { scripts, engines, ...manifest } = manifestOf(folder.text('package.json'));
  const said = folder.text('.nvmrc') || folder.text('.node-version') || engines.node;
  const image = `node:${/(?:^|\D)(\d{2})(?:\D|$)/.exec(said)?.[1] ?? NODE_DEFAULT}-bookworm-slim`;
  const manager = PACKAGE_MANAGERS.find(({ lock }) => has(folder, lock));
  const hasTest = scripts.test !== undefined && !scripts.test.includes('no test specified');
  const known = {
    image,
    ...(hasTest && { test: `${manager?.name ?? 'npm'} test` }),
    sentences: hasTest ? [] : ['package.json has no script "test": name the test command yourself, or let the operator’s serve.'],
  };
  const { dependencies, devDependencies, optionalDependencies } = manifest;
  if (Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies }).length === 0) return known;
  const without = (sentence: string): Project => ({ ...known, sentences: [...known.sentences, sentence] });
  if (manager === undefined)
    return without(
      'The packages have no lock file, so nothing is installed for the tests: commit one, or use an image that has them.',
    );
  if (has(folder, '.yarnrc.yml'))
    return without(
      'This yarn has settings of its own (.yarnrc.yml): name the install step yourself, or use an image that has the packages.',
    );
  const inputs = [manager.lock, ...[...folder.names].filter((name) => isNodeInput(name) && isSafe(name)).sort()];
  if (inputs.length > INSTALL_INPUTS_MAX)
    return without(`The workspace has more than ${INSTALL_INPUTS_MAX} manifests: use an image that has the packages.`);
  const sentences =
    manager.name === 'pnpm'
      ? [...known.sentences, 'The image must have pnpm; the official ones of Node do not.']
      : known.sentences;
  return { ...known, sentences, install: { run: manager.run, inputs, outputs: ['node_modules'] }, hosts: [manager.host] };
};

const PYTHON_DEFAULT = '3.12';
const PIP = 'python -m venv .venv && .venv/bin/pip install --only-binary :all: -r requirements.txt';

const python = (folder: Folder): Project | null => {
  const marks = ['requirements.txt', 'pyproject.toml', 'setup.py'];
  if (!marks.some((name) => has(folder, name))) return null;
  const version = /3\.\d{1,2}/.exec(folder.text('.python-version'))?.[0] ?? PYTHON_DEFAULT;
  const isPytest =
    has(folder, 'pytest.ini') ||
    has(folder, 'conftest.py') ||
    /\bpytest\b/.test(folder.text('requirements.txt') + folder.text('pyproject.toml'));
  const module = isPytest ? 'pytest' : 'unittest';
  const image = `python:${version}-slim`;
  if (!has(folder, 'requirements.txt')) {
    const sentence =
      'There is no requirements.txt, so nothing is installed for the tests: write one, or use an image that has the packages.';
    return { image, test: `python -m ${module}`, sentences: [sentence] };
  }
  return {
    image,
    test: `.venv/bin/python -m ${module}`,
    install: { run: PIP, inputs: ['requirements.txt'], outputs: ['.venv'] },
    hosts: ['pypi.org', 'files.pythonhosted.org'],
    sentences: [],
  };
};

const GO_DEFAULT = '1';

const go = (folder: Folder): Project | null => {
  if (!has(folder, 'go.mod')) return null;
  const version = /^go (1\.\d{1,3})/m.exec(folder.text('go.mod'))?.[1] ?? GO_DEFAULT;
  const isSelfContained = !has(folder, 'go.sum') || has(folder, 'vendor/modules.txt');
  const sentences = isSelfContained
    ? []
    : ['Tests have no network: commit the modules with "go mod vendor", or use an image that has them.'];
  return { image: `golang:${version}`, test: 'go test ./...', sentences };
};

const rust = (folder: Folder): Project | null => {
  if (!has(folder, 'Cargo.toml')) return null;
  const isSelfContained =
    !/^\[(?:[\w.'"-]*\.)?(?:dev-|build-)?dependencies\b/m.test(folder.text('Cargo.toml')) || has(folder, '.cargo/config.toml');
  const sentences = isSelfContained
    ? []
    : ['Tests have no network: commit the crates with "cargo vendor", or use an image that has them.'];
  return { image: 'rust:1-slim', test: 'cargo test --offline', sentences };
};

const make = (folder: Folder): Project | null => {
  const name = ['Makefile', 'makefile', 'GNUmakefile'].find((each) => has(folder, each));
  if (name === undefined || !/^test\s*:/m.test(folder.text(name))) return null;
  return { test: 'make test', sentences: ['The image must have make and what the Makefile calls: name one as `image`.'] };
};

/** What a person names instead is refused until this is done, and only they know what it is. */
const ALLOW_FIRST =
  'What .countersign.yml names has to be allowed in .env first: a test command in ALLOWED_TEST_COMMANDS, an image in ' +
  'ALLOWED_SANDBOX_IMAGES, an install command in ALLOWED_INSTALL_COMMANDS.';

/** The first that knows the folder serves. */
const KINDS = [node, python, go, rust, make];
const MARKS = ['package.json', 'requirements.txt', 'pyproject.toml', 'setup.py', 'go.mod', 'Cargo.toml'];
const READ = [...MARKS, '.nvmrc', '.node-version', '.python-version', 'Makefile', 'makefile', 'GNUmakefile'];
const DEPTH_MAX = 3;
const FOLDERS_NAMED_MAX = 5;

/** Folders that look like a project, the nearest to the root first; only the root when that is one. */
const projectFolders = (names: readonly string[]): readonly string[] => {
  const marked = names.filter((path) => MARKS.includes(nameOf(path)) && !FOREIGN.test(path));
  const folders = [...new Set(marked.map(folderOf))].filter((path) => path === '' || isSafe(path));
  if (folders.includes('') || folders.length === 0) return [''];
  const depth = (path: string): number => path.split('/').length;
  return folders
    .filter((path) => depth(path) <= DEPTH_MAX)
    .sort((one, other) => depth(one) - depth(other) || (one < other ? -1 : 1));
};

/** Which files of a repository a proposal looks into; a file that is large or no text need not be handed over. */
export const filesToRead = (names: readonly string[]): readonly string[] => {
  const [folder = ''] = projectFolders(names);
  return names.filter((path) => folderOf(path) === folder && READ.includes(nameOf(path)));
};

/** As YAML reads it back: plain where that is safe, else in double quotes. */
const scalar = (text: string): string =>
  /^[a-z.][\w./@-]*(?::[\w./@-]+)*(?: [\w./=@-]+)*$/i.test(text) && !/^(?:true|false|null|yes|no|on|off|\.inf|\.nan)$/i.test(text)
    ? text
    : JSON.stringify(text);

const fileOf = (path: string, { image, test, install }: Project): string => {
  const list = (values: readonly string[]): string => `[${values.map(scalar).join(', ')}]`;
  return [
    ...(image === undefined ? [] : [`image: ${scalar(image)}`]),
    ...(path === '' ? [] : [`path: ${scalar(path)}`]),
    ...(install === undefined
      ? []
      : [
          'install:',
          `  run: ${scalar(install.run)}`,
          `  inputs: ${list(install.inputs)}`,
          `  outputs: ${list(install.outputs)}`,
        ]),
    ...(test === undefined ? [] : [`test: ${scalar(test)}`]),
  ]
    .map((line) => `${line}\n`)
    .join('');
};

/**
 * What `.countersign.yml` may say for a repository of these files. `texts`: of `filesToRead`, by path. Nothing in them is taken over but
 * names of files and versions: commands and images come from this page, and a person decides.
 */
export const proposeConfiguration = (names: readonly string[], texts: ReadonlyMap<string, string>): Proposal => {
  const [path = '', ...others] = projectFolders(names);
  const prefix = path === '' ? '' : `${path}/`;
  const inside = names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  const folder: Folder = {
    names: new Set(inside),
    text: (name) => texts.get(`${prefix}${name}`) ?? '',
  };
  const project = KINDS.reduce<Project | null>((found, kind) => found ?? kind(folder), null) ?? {
    sentences: ['Nothing here says how it is tested: name `test` and `image` in .countersign.yml, or let the operator’s serve.'],
  };
  const more = others.slice(0, FOLDERS_NAMED_MAX).join(', ');
  return {
    yaml: fileOf(path, project),
    sentences: [
      ...(path === '' ? [] : [`The tests run in ${path}.`]),
      ...(more === ''
        ? []
        : [
            `There are projects in ${more}, too: a repository is tested in one folder; name another as \`path\`, or run all from the root.`,
          ]),
      ...project.sentences,
      ...(project.sentences.length === 0 ? [] : [ALLOW_FIRST]),
    ],
    needs: {
      image: project.image ?? null,
      testCommand: project.test === undefined ? null : CommandLine.parse(project.test),
      installCommand: project.install?.run ?? null,
      hosts: project.hosts ?? [],
    },
  };
};
