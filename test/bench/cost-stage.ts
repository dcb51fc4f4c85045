import { registerHooks } from 'node:module';

/** Loaded before `src/main.ts`: what leases and the looks for earlier work take is added up while the service runs. See costs.ts. */
const MAKERS: Readonly<Record<string, { readonly maker: string; readonly made: string }>> = {
  './infra/store/place.ts': { maker: 'openStore', made: 'make(options).then(countedStore)' },
  './infra/forge/local.ts': { maker: 'createLocalForge', made: `counted(make(options), ['findPullRequest'])` },
  './infra/git/repositories.ts': { maker: 'createRepositories', made: `counted(make(options), ['remoteHeads'])` },
};

const COSTS = new URL('costs.ts', import.meta.url).href;
const MARK = '?counted=';

registerHooks({
  resolve: (specifier, context, next) => {
    const resolved = next(specifier, context);
    const isPart = context.parentURL?.endsWith('/src/main.ts') && specifier in MAKERS;
    return isPart ? { ...resolved, url: `${resolved.url}${MARK}${specifier}` } : resolved;
  },
  load: (url, context, next) => {
    const [real, specifier] = url.split(MARK);
    const part = specifier === undefined ? undefined : MAKERS[specifier];
    if (part === undefined) return next(url, context);
    const source = `
      import { counted, countedStore } from '${COSTS}';
      import { ${part.maker} as make } from '${real}';
      export * from '${real}';
      export const ${part.maker} = (options) => ${part.made};`;
    return { format: 'module', shortCircuit: true, source };
  },
});
