import { remakeParts } from '../support/remade-parts.ts';

/** Loaded before `src/main.ts`: what leases and the looks for earlier work take is added up while the service runs. See costs.ts. */
remakeParts(
  {
    './infra/store/place.ts': { maker: 'openStore', made: 'make(options).then(countedStore)' },
    './infra/forge/local.ts': { maker: 'createLocalForge', made: `counted(make(options), ['findPullRequest'])` },
    './infra/git/repositories.ts': { maker: 'createRepositories', made: `counted(make(options), ['remoteHeads'])` },
  },
  `import { counted, countedStore } from '${new URL('costs.ts', import.meta.url).href}';`,
);
