import type { SeenMessage, Transcript } from '../../support/telegram/index.ts';
import { escaped, markedText } from './marked-text.ts';
import { STYLE } from './style.ts';

/** Colours of names in a group, by the id of the person. */
const NAME_COLOURS = ['#c0392b', '#1f7a8c', '#7d3c98', '#2e7d32', '#b9770e', '#2a5298'] as const;
const QUOTE_CHARACTERS_MAX = 80;

const clock = (unixSeconds: number): string => new Date(unixSeconds * 1000).toISOString().slice(11, 16);

const day = (unixSeconds: number): string =>
  new Date(unixSeconds * 1000).toLocaleDateString('en-GB', { day: 'numeric', month: 'long', timeZone: 'UTC' });

const fileSize = (bytes: number): string => (bytes < 1024 ? `${bytes} B` : `${(bytes / 1024).toFixed(1)} KB`);

const colourOf = (id: number): string => NAME_COLOURS[Math.abs(id) % NAME_COLOURS.length] ?? NAME_COLOURS[0];

const oneLine = (text: string): string => {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length > QUOTE_CHARACTERS_MAX ? `${line.slice(0, QUOTE_CHARACTERS_MAX)}…` : line;
};

const serviceLine = ({ service, from }: SeenMessage): string => {
  const who = from.first_name;
  if (service?.new_chat_members !== undefined)
    return `${who} added ${service.new_chat_members.map(({ first_name: name }) => name).join(', ')}`;
  if (service?.forum_topic_created !== undefined) return `${who} opened the topic “${service.forum_topic_created.name}”`;
  if (service?.migrate_from_chat_id !== undefined || service?.migrate_to_chat_id !== undefined)
    return 'This group became a supergroup';
  return `${who} changed the chat`;
};

const filePart = ({ file }: SeenMessage): string => {
  if (file === undefined) return '';
  if (file.kind === 'photo') return `<img class="photo" alt="" src="data:${file.mime};base64,${file.bytes.toString('base64')}">`;
  if (file.kind === 'voice') return '<div class="file"><span class="disc">▶</span><span class="wave"></span></div>';
  return `<div class="file"><span class="disc">↓</span><span><b>${escaped(file.name)}</b><br><small>${fileSize(file.bytes.length)}</small></span></div>`;
};

const buttonRows = ({ buttons }: SeenMessage): string =>
  buttons
    .map((row) => {
      const cells = row.map(
        (button) =>
          `<span class="button ${button.style ?? ''}">${escaped(button.text)}${'url' in button ? '<sup>↗</sup>' : ''}</span>`,
      );
      return `<div class="row">${cells.join('')}</div>`;
    })
    .join('');

/** Whoever looks at the chat has their own messages on the right. */
const bubble = (message: SeenMessage, { kind, messages }: Transcript, viewer: number | undefined): string => {
  const own = message.from.id === viewer;
  const name =
    kind === 'private' || own
      ? ''
      : `<div class="name" style="color:${colourOf(message.from.id)}">${escaped(message.from.first_name)}</div>`;
  const replied = messages.find(({ id }) => id === message.replyTo);
  const quote =
    replied === undefined
      ? ''
      : `<div class="quote"><b>${escaped(replied.from.first_name)}</b><br>${escaped(oneLine(replied.text || (replied.file?.name ?? '')))}</div>`;
  const reaction = message.reaction === undefined ? '' : `<span class="reaction">${escaped(message.reaction)}</span>`;
  const time = `<span class="time">${message.edited ? 'edited ' : ''}${clock(message.date)}${own ? ' ✓✓' : ''}</span>`;
  const text = `<div class="text">${markedText(message.text, message.entities)}${reaction}${time}</div>`;
  return `<div class="message ${own ? 'own' : 'other'}"><div class="bubble">${name}${quote}${filePart(message)}${text}</div>${buttonRows(message)}</div>`;
};

/** A whole page that shows a chat as its people see it; nothing of it is loaded from elsewhere. */
export const chatPage = (transcript: Transcript, viewer?: number): string => {
  const there = transcript.messages.filter(({ deleted }) => !deleted);
  const looking = viewer ?? there.find(({ from }) => !from.is_bot)?.from.id;
  const title = transcript.kind === 'private' ? transcript.bot.first_name : transcript.title;
  const subtitle = transcript.kind === 'private' ? 'bot' : 'group';
  const lines = there.map((message, index) => {
    const today = day(message.date);
    const before = there[index - 1];
    const divider = before !== undefined && day(before.date) === today ? '' : `<div class="service">${today}</div>`;
    const line =
      message.service === undefined
        ? bubble(message, transcript, looking)
        : `<div class="service">${escaped(serviceLine(message))}</div>`;
    return divider + line;
  });
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escaped(title)}</title><style>${STYLE}</style>
<main><header><span class="face">${escaped(title.slice(0, 1))}</span><span><b>${escaped(title)}</b><br><small>${subtitle}</small></span></header>
<section>${lines.join('\n')}</section></main></html>`;
};
