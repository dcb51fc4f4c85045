import type { InlineKeyboardMarkup } from 'grammy/types';

/** A button that says something to us (`data`, at most 64 bytes), or one that opens a page. */
export type Button = { readonly text: string; readonly data: string } | { readonly text: string; readonly url: string };

/** Rows of buttons. */
export type Keyboard = readonly (readonly Button[])[];

/** As Telegram takes it. An empty one takes the buttons of a message away. */
export const markupOf = (keyboard: Keyboard): InlineKeyboardMarkup => ({
  inline_keyboard: keyboard
    .filter((row) => row.length > 0)
    .map((row) =>
      row.map((button) =>
        'url' in button ? { text: button.text, url: button.url } : { text: button.text, callback_data: button.data },
      ),
    ),
});

/** A link that Telegram puts on a button: it refuses the whole message for one to another scheme, or to this very machine. */
export const isLinkable = (url: string): boolean => {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname, username } = new URL(url);
  return /^https?:$/.test(protocol) && username === '' && /^[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,}$/.test(hostname);
};

/** Without the buttons that open a page. */
export const withoutLinks = (keyboard: Keyboard): Keyboard => keyboard.map((row) => row.filter((button) => 'data' in button));
