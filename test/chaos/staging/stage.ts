import { flushCompileCache, registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { edited, MUTANTS, type Mutant, TEMPO } from './edits.ts';

/**
 * Loaded before `src/main.ts`: what that composes is the real service, but every call to something outside of the process can meet a fate, the
 * clock can be set wrong, and waiting comes quicker than in life. Nothing of this stands in the product.
 */
const MADE: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    Object.entries({
      'src/infra/store/sqlite.ts': ['openSqliteStore', 'store'],
      'src/infra/store/eventstoredb.ts': ['openEventStoreDb', 'store'],
      'src/infra/artifacts.ts': ['createArtifacts', 'artifacts'],
      'src/infra/workspaces.ts': ['createWorkspaces', 'workspaces'],
      'src/infra/agent/agents.ts': ['createAgents', 'agents'],
      'src/infra/sandbox/docker.ts': ['createDockerSandbox', 'sandboxes'],
      'src/infra/sandbox/bubblewrap.ts': ['createBubblewrapSandbox', 'sandboxes'],
      'src/infra/sandbox/installs.ts': ['createInstalls', 'installs'],
      'src/infra/forge/github.ts': ['createGitHubForge', 'forge'],
      'src/infra/forge/local.ts': ['createLocalForge', 'forge'],
      'src/infra/git/repositories.ts': ['createRepositories', 'repositories'],
      'src/infra/telegram/api.ts': ['createTelegramApi', 'telegram'],
    }).map(([file, [made, part]]) => [
      file,
      `export const ${made} = (...options) => mortal('${part}', real.${made}(...options));`,
    ]),
  ),
  'src/infra/heartbeats.ts':
    'export const createHeartbeats = (options) => real.createHeartbeats({ ...options, intervalMs: 200, takeoverAfterMs: 1_000 });',
  'src/commands/runner.ts':
    'export const createRunner = (options) => real.createRunner({ ...options, retryDelaysMs: [50, 100, 200] });',
  'src/commands/ports/clock.ts': 'export const systemClock = skewed(real.systemClock);',
};

const ROOT = new URL('../../../', import.meta.url).href;
const FATE = new URL('fate.ts', import.meta.url).href;
const REAL = '?real';
/** All that a start loads is loaded by then, in milliseconds. */
const COMPILED_AFTER_MS = 1_000;

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

// A start takes half as long from compiled code, and whoever is killed writes none at its end.
setTimeout(flushCompileCache, COMPILED_AFTER_MS).unref();
