import { setTimeout as pause } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { DataFolderInUse, lockDataFolder } from '../../../src/infra/store/data-folder-lock.ts';

/** Owns the data folder until it is killed, whatever the garbage collector does; exits with 1 when another does. */
const [folder = ''] = process.argv.slice(2);
try {
  lockDataFolder(folder);
} catch (error) {
  process.exit(error instanceof DataFolderInUse ? 1 : 2);
}
setFlagsFromString('--expose-gc');
runInNewContext('gc')();
await pause(20);
runInNewContext('gc')();
process.stdout.write('locked\n');
setInterval(() => undefined, 60_000);
