import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openPlace } from './place.ts';
import { renderChats } from './render-chats.ts';
import { playStories } from './stories.ts';

const FOLDER = join(import.meta.dirname, '../../../docs/pictures');

const place = await openPlace();
try {
  const pictures = await playStories(place);
  await mkdir(FOLDER, { recursive: true });
  await renderChats(pictures, FOLDER);
} finally {
  await place.close();
}
