import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { edited, MUTANTS, type Mutant, TEMPO } from './edits.ts';

/**
 * Loaded before `src/main.ts`: what that composes is the real service, but every call to something outside of the process can meet a fate, the
 * clock can be set wrong, and waiting comes quicker than in life. Nothing of this stands in the product.
 */
const MADE: Readonly<Record<string, string>> = {
  'src/infra/store/sqlite.ts': `export const openSqliteStore = (options) => mortal('store', real.openSqliteStore(options));`,
  'src/infra/store/eventstoredb.ts': `export const openEventStoreDb = (options) => mortal('store', real.openEventStoreDb(options));`,
  'src/infra/artifacts.ts': `export const createArtifacts = (options) => mortal('artifacts', real.createArtifacts(options));`,
  'src/infra/workspaces.ts': `export const createWorkspaces = (options) => mortal('workspaces', real.createWorkspaces(options));`,
  'src/infra/agent/agents.ts': `export const createAgents = (options) => mortal('agents', real.createAgents(options));`,
  'src/infra/sandbox/docker.ts': `export const createDockerSandbox = (options) => mortal('sandboxes', real.createDockerSandbox(options));`,
  'src/infra/sandbox/bubblewrap.ts': `export const createBubblewrapSandbox = (options) => mortal('sandboxes', real.createBubblewrapSandbox(options));`,
  'src/infra/forge/github.ts': `export const createGitHubForge = (options) => mortal('forge', real.createGitHubForge(options));`,
  'src/infra/git/repositories.ts': `export const createRepositories = (options) => mortal('repositories', real.createRepositories(options));`,
  'src/infra/telegram/api.ts': `export const createTelegramApi = (options) => mortal('telegram', real.createTelegramApi(options));`,
  'src/infra/heartbeats.ts': `export const createHeartbeats = (options) => real.createHeartbeats({ ...options, intervalMs: 250, takeoverAfterMs: 1_500 });`,
  'src/commands/runner.ts':
    'export const createRunner = (options) => real.createRunner({ ...options, retryDelaysMs: [100, 200, 400] });',
  'src/commands/ports/clock.ts': 'export const systemClock = skewed(real.systemClock);',
};

const ROOT = new URL('../../../', import.meta.url).href;
const FATE = new URL('fate.ts', import.meta.url).href;
const REAL = '?real';

const mutant = z
  .enum(Object.keys(MUTANTS) as Mutant[]) // The keys of a literal.
  .optional()
  .parse(process.env.CHAOS_MUTANT);
const edits = [...TEMPO, ...(mutant === undefined ? [] : MUTANTS[mutant])];

registerHooks({
  load: (url, context, next) => {
    const made = url.startsWith(ROOT) ? MADE[url.slice(ROOT.length)] : undefined;
    if (made !== undefined) {
      const real = `${url}${REAL}`;
      const source = `
        import { mortal, skewed } from '${FATE}';
        import * as real from '${real}';
        export * from '${real}';
        ${made}`;
      return { format: 'module', shortCircuit: true, source };
    }
    const plain = url.endsWith(REAL) ? url.slice(0, -REAL.length) : url;
    const loaded = next(plain, context);
    if (!plain.startsWith(`${ROOT}src/`) || loaded.source === undefined || loaded.source === null) return loaded;
    const text = typeof loaded.source === 'string' ? loaded.source : Buffer.from(loaded.source as Uint8Array).toString(); // Files are bytes.
    return { ...loaded, source: edited(fileURLToPath(plain), text, edits) };
  },
});
