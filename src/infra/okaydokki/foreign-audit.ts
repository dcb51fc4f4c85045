import { open } from 'node:fs/promises';
import { AUDIT_VERSION } from '../../projections/audit.ts';

/** How each line that this service writes begins. */
const BEGINNING = Buffer.from(`{"auditVersion":"${AUDIT_VERSION}"`);

export const FOREIGN_AUDIT =
  'AUDIT_LOG_PATH names a file that another program wrote, and it would be overwritten. Move that file away, or name another; ' +
  'bring an audit of OkayDokki in with "countersign import okaydokki --audit <that file>".';

/** Whether something stands in the file that this service did not write. The service makes its audit anew when it must, so it may only have its own. */
export const isForeignAudit = async (file: string): Promise<boolean> => {
  const handle = await open(file, 'r').catch(() => undefined);
  if (!handle) return false;
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(BEGINNING.length), 0, BEGINNING.length, 0);
    return !BEGINNING.subarray(0, bytesRead).equals(buffer.subarray(0, bytesRead));
  } finally {
    await handle.close();
  }
};
