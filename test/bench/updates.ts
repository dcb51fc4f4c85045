import { setTimeout as pause } from 'node:timers/promises';
import { clientOf } from '../support/client.ts';
import { startService } from '../support/service-process.ts';
import { startTelegram } from '../support/telegram/index.ts';
import { openWorkshop } from '../support/workshop.ts';
import { makeKnown, telegramVariables } from '../telegram/office.ts';
import { absolute, type Figure } from './figure.ts';

const PEOPLE = 100;
const UPDATES = 1_000;

/** Requests for changes that wait at Telegram while the service is down: from the first call for them until the last is stored and confirmed. */
export const waitingUpdates = async (): Promise<Figure[]> => {
  const telegram = await startTelegram();
  const workshop = await openWorkshop();
  try {
    const environment = workshop.environment({
      ...(await telegramVariables(telegram, 'polling')),
      WAITING_PER_PERSON_MAX: '1000000',
    });
    const before = await startService(environment);
    const people = Array.from({ length: PEOPLE }, (_, index) =>
      telegram.person({ id: 1_000 + index, firstName: `Person ${index}` }),
    );
    for (const person of people) await makeKnown(before.client, person, ['requester']);
    await before.end('SIGTERM');

    const asked = telegram.calls.length;
    for (let index = 0; index < UPDATES; index++) {
      const person = people[index % PEOPLE];
      if (person) telegram.as(person).send(telegram.privateChat(person), `/task Change number ${index}`);
    }
    const after = await startService(environment);
    while (telegram.pendingUpdates() > 0) await pause(5);
    const end = Date.now();
    const begin = telegram.calls.slice(asked).find(({ method }) => method === 'getUpdates')?.at ?? end;
    const client = await clientOf(workshop.dataFolder);
    const known = (await client.call('GET', '/api/v1/tasks?limit=1')).text;
    if (!known.includes('Change number')) throw new Error('no request was filed');
    await after.end('SIGKILL');
    return [absolute(`${UPDATES} waiting updates that ask for changes`, UPDATES / ((end - begin) / 1_000), '/s', '>= 300')];
  } finally {
    await workshop.remove();
    await telegram.stop();
  }
};
