import { registerHooks } from 'node:module';

/**
 * Loaded before `src/main.ts`: what that composes is the real service, but its parts that reach outside can meet a fate, and heart-beats and
 * second tries come quicker than in life. Nothing of this stands in the product.
 */
const MAKERS: Readonly<Record<string, { readonly maker: string; readonly made: string }>> = {
  './infra/store/place.ts': { maker: 'openStore', made: `make(options).then((store) => mortal('store', store))` },
  './infra/agent/agents.ts': { maker: 'createAgents', made: `mortal('agents', make(options))` },
  './infra/sandbox/docker.ts': { maker: 'createDockerSandbox', made: `mortal('sandboxes', make(options))` },
  './infra/sandbox/bubblewrap.ts': { maker: 'createBubblewrapSandbox', made: `mortal('sandboxes', make(options))` },
  './infra/forge/local.ts': { maker: 'createLocalForge', made: `mortal('forge', make(options))` },
  './infra/git/repositories.ts': { maker: 'createRepositories', made: `mortal('repositories', make(options))` },
  './infra/heartbeats.ts': { maker: 'createHeartbeats', made: 'make({ ...options, intervalMs: 100, takeoverAfterMs: 3_000 })' },
  './commands/runner.ts': { maker: 'createRunner', made: 'make({ ...options, retryDelaysMs: [200] })' },
};

const FATE = new URL('fate.ts', import.meta.url).href;
const MARK = '?rehearsed=';

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
      import { mortal } from '${FATE}';
      import { ${part.maker} as make } from '${real}';
      export * from '${real}';
      export const ${part.maker} = (options) => ${part.made};`;
    return { format: 'module', shortCircuit: true, source };
  },
});
