import { chromium } from 'playwright-core';
import type { Transcript } from '../../support/telegram/index.ts';
import { chatPage } from './chat-page.ts';

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

/** Writes a picture (PNG) of a chat as `viewer` sees it; without one, as the first person who wrote. */
export const renderChat = async (transcript: Transcript, file: string, viewer?: number): Promise<void> => {
  // As root there is no sandbox to be had; the page is ours and runs no script.
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    chromiumSandbox: process.getuid?.() !== 0,
    args: [...QUIET, OFFLINE],
  });
  try {
    const page = await browser.newPage({ deviceScaleFactor: PIXELS_A_POINT, javaScriptEnabled: false });
    await page.setContent(chatPage(transcript, viewer));
    await page.locator('main').screenshot({ path: file });
  } finally {
    await browser.close();
  }
};
