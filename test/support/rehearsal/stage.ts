import { remakeParts } from '../remade-parts.ts';

/**
 * Loaded before `src/main.ts`: what that composes is the real service, but its parts that reach outside can meet a fate, and heart-beats and
 * second tries come quicker than in life. Nothing of this stands in the product.
 */
remakeParts(
  {
    './infra/store/place.ts': { maker: 'openStore', made: `make(options).then((store) => mortal('store', store))` },
    './infra/agent/agents.ts': { maker: 'createAgents', made: `mortal('agents', make(options))` },
    './infra/sandbox/docker.ts': { maker: 'createDockerSandbox', made: `mortal('sandboxes', make(options))` },
    './infra/sandbox/bubblewrap.ts': { maker: 'createBubblewrapSandbox', made: `mortal('sandboxes', make(options))` },
    './infra/forge/local.ts': { maker: 'createLocalForge', made: `mortal('forge', make(options))` },
    './infra/git/repositories.ts': { maker: 'createRepositories', made: `mortal('repositories', make(options))` },
    './infra/heartbeats.ts': { maker: 'createHeartbeats', made: 'make({ ...options, intervalMs: 100, takeoverAfterMs: 3_000 })' },
    './commands/runner.ts': { maker: 'createRunner', made: 'make({ ...options, retryDelaysMs: [200] })' },
  },
  `import { mortal } from '${new URL('fate.ts', import.meta.url).href}';`,
);
