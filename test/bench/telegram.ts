import { runningCards } from './cards.ts';
import type { Figure } from './figure.ts';
import { waitingUpdates } from './updates.ts';

/** What Telegram asks of us, against the strict server. */
export const telegram = async (): Promise<Figure[]> => [...(await waitingUpdates()), ...(await runningCards())];
