import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { chatPage } from './chat-page.ts';
import type { Picture } from './stories.ts';

const CHROMIUM = '/usr/bin/chromium';
/** Sharp where it is looked at in detail. */
const PIXELS_A_POINT = 2;
/** What a browser does of its own accord, and no picture needs. */
const QUIET = [
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
];
/** Nothing but this machine: the page needs nothing else. */
const OFFLINE = '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1';

/** Writes each picture (PNG) to the folder, and says so. */
export const renderChats = async (pictures: readonly Picture[], folder: string): Promise<void> => {
  // As root there is no sandbox to be had; the pages are ours and run no script.
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    chromiumSandbox: process.getuid?.() !== 0,
    args: [...QUIET, OFFLINE],
  });
  try {
    const page = await browser.newPage({ deviceScaleFactor: PIXELS_A_POINT, javaScriptEnabled: false });
    for (const { name, transcript, viewer } of pictures) {
      const path = join(folder, `${name}.png`);
      await page.setContent(chatPage(transcript, viewer));
      await page.locator('main').screenshot({ path });
      process.stdout.write(`docs/pictures/${name}.png\n`);
    }
  } finally {
    await browser.close();
  }
};
