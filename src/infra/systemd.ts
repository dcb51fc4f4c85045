import { execa } from 'execa';

/** Longest that telling systemd something may take, in milliseconds. */
const TELL_TIMEOUT_MS = 5_000;

export interface SystemdOptions {
  /** `NOTIFY_SOCKET` and `WATCHDOG_USEC` are looked at; without them nothing is told to anybody. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Whether the service answers now. A watchdog is not fed for one that does not. */
  readonly answers: () => Promise<boolean>;
}

/**
 * Tells systemd (`Type=notify`) that the service is ready, that it stops, and, three times in each `WatchdogSec`, that it still answers. Node has
 * no datagram sockets of the Unix kind, so systemd's own program carries the messages. A message that is lost ends nothing here.
 */
export const createSystemd = ({ environment, answers }: SystemdOptions) => {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: watchdog } = environment;
  let feeding: NodeJS.Timeout | undefined;

  const tell = async (...words: readonly string[]): Promise<void> => {
    if (socket === undefined || socket === '') return;
    await execa('systemd-notify', [`--pid=${process.pid}`, ...words], {
      extendEnv: false,
      env: { PATH: '/usr/bin:/bin', NOTIFY_SOCKET: socket },
      stdin: 'ignore',
      timeout: TELL_TIMEOUT_MS,
      reject: false,
    });
  };

  const feed = async (): Promise<void> => {
    if (await answers().catch(() => false)) await tell('WATCHDOG=1');
  };

  return {
    async ready(): Promise<void> {
      await tell('--ready');
      const everyMs = Number(watchdog) / 1_000 / 3;
      if (everyMs > 0) feeding = setInterval(() => void feed(), everyMs).unref();
    },
    async stopping(): Promise<void> {
      clearInterval(feeding);
      await tell('STOPPING=1');
    },
  };
};
