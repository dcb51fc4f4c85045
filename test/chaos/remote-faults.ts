import type { Fault as RestFault } from '../support/github/index.ts';
import type { Fault as BotFault } from '../support/telegram/index.ts';
import type { Chance } from './chance.ts';
import type { GitHubFault, TelegramFault } from './points.ts';

/** Longer than gh and git wait for an answer here. */
const TIME_OUT_MS = 5_500;

const LIMITED = { message: 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.' };

export const atGitHub = (fault: GitHubFault, chance: Chance): RestFault => {
  switch (fault) {
    case 'answer lost':
      return 'lost_answer';
    case 'connection reset':
      return 'reset';
    case '500':
    case '502':
    case '503':
      return Number(fault);
    case '429 with retry-after':
      return { status: 429, headers: { 'retry-after': '1' }, body: LIMITED };
    case '429 without':
      return { status: 429, body: { message: 'Too many requests' } };
    case 'secondary rate limit':
      return { status: 403, headers: { 'retry-after': '1' }, body: LIMITED };
    case 'slow':
      return { delayMs: chance.between(200, 1_500) };
    case 'time-out, takes effect later':
      return { delayMs: TIME_OUT_MS };
  }
};

export const atTelegram = (fault: TelegramFault, chance: Chance): BotFault => {
  switch (fault) {
    case 'answer lost':
      return { error: 'lost' };
    case 'connection reset':
      return { error: 'reset' };
    case 'no answer':
      return { error: 'hang' };
    case '500':
    case '502':
      return { error: Number(fault) };
    case '429 with retry-after':
      return { error: 429, retryAfter: 1 };
    case '429 without':
      return { error: 429, description: 'Too Many Requests' };
    case 'slow':
      return { delayMs: chance.between(200, 1_500) };
  }
};
