/** How the bot fares, for the health of the service and for one line in the log when it changes. */
export interface Pulse {
  /** An update came, or Telegram said that there is none. */
  heard(at: string): void;
  /** Why no updates come now. Said in the log once, until it is over. */
  troubled(sentence: string): void;
  /** An update that cannot be handled was passed over. */
  passedOver(): void;
  /** `lastHeardAt`: ISO 8601; `null`: not yet. `trouble`: `null` when there is none. */
  read(): { readonly lastHeardAt: string | null; readonly trouble: string | null; readonly passedOver: number };
}

export const createPulse = (log: {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}): Pulse => {
  let lastHeardAt: string | null = null;
  let trouble: string | null = null;
  let passedOver = 0;
  return {
    heard: (at) => {
      if (trouble !== null) log.info({}, 'updates come from Telegram again');
      trouble = null;
      lastHeardAt = at;
    },
    troubled: (sentence) => {
      if (trouble !== sentence) log.warn({}, sentence);
      trouble = sentence;
    },
    passedOver: () => {
      passedOver++;
    },
    read: () => ({ lastHeardAt, trouble, passedOver }),
  };
};
