import { renderChat } from './render-chat.ts';
import { readTranscript } from './transcript-file.ts';

const files = process.argv.slice(2);
if (files.length === 0 || files.length % 2 !== 0) {
  process.stderr.write('npm run docs:pictures -- <transcript.json> <picture.png> [more pairs]\n');
  process.exit(2);
}
for (const [transcript = '', picture = ''] of Array.from({ length: files.length / 2 }, (_, index) =>
  files.slice(index * 2, index * 2 + 2),
)) {
  await renderChat(await readTranscript(transcript), picture);
}
