import { z } from 'zod';
import { pathOf } from '../api.ts';
import type { Desk } from '../desk.ts';
import { Misuse } from '../failure.ts';

export const redactEvent = async (desk: Desk, id: string, revision: string): Promise<void> => {
  if (!/^\d{1,9}$/.test(revision)) {
    throw new Misuse('An event is named by its number: the "revision" of "countersign task show <task> --events --json".');
  }
  const api = await desk.connect();
  const document = await api.send('POST', pathOf`/tasks/${id}/redactions`, { body: { revision: Number(revision) } });
  desk.answer(document, z.object({}), () => [
    `  Every text of event ${revision} was erased from the log, the views and the audit.`,
  ]);
};
