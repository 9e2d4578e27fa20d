import { accessSync, constants, mkdirSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { OperatorError } from '../operator-error.ts'

/** The data folder cannot be used; the message says why. */
export class DataFolderError extends OperatorError {
  readonly code = 'DATA_FOLDER'
  override name = 'DataFolderError'
}

/** For root the database runs as another account, which must be able to enter the folder. Files and folders inside have their own modes. */
const MODE = process.getuid?.() === 0 ? 0o711 : 0o700

const REASONS: Record<string, string> = {
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EEXIST: 'it is not a folder',
  ENOTDIR: 'it is not a folder',
}

/**
 * The folder for all data of VidWiz on this machine. Created on first use; other accounts cannot read it.
 * @param path absolute, or relative to the working directory
 * @returns its absolute path
 * @throws DataFolderError when it cannot be created or written to
 */
export function dataFolder(path: string): string {
  const folder = resolve(path)
  try {
    mkdirSync(folder, { recursive: true, mode: MODE })
    if (!statSync(folder).isDirectory()) throw Object.assign(new Error(), { code: 'ENOTDIR' })
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
    return folder
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    throw new DataFolderError(
      `The data folder ${folder} cannot be used (${REASONS[code] ?? message}): set VIDWIZ_DATA to one that can`,
    )
  }
}
