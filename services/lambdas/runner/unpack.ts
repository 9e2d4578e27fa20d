import { existsSync } from 'node:fs'
import { lstat, mkdir, readdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join, sep } from 'node:path'
import { unzipSync } from 'fflate'
import type { Zip } from './zips.ts'

/**
 * Unpacks a zip into a folder named by its hash. Like the AWS runtime, the folder offers `@aws-sdk/*` and no other package of
 * VidWiz.
 * @returns the file of the handler
 */
export async function unpacked({ name, path, sha256 }: Pick<Zip, 'name' | 'path' | 'sha256'>, folder: string): Promise<string> {
  const versions = join(folder, name)
  const task = join(versions, sha256.slice(0, 16))
  await mkdir(versions, { recursive: true })
  await offerSdk(folder)
  if (!existsSync(task)) {
    const unfinished = `${task}.${process.pid}~`
    await mkdir(unfinished, { recursive: true })
    for (const [file, bytes] of Object.entries(unzipSync(await readFile(path)))) await writeFile(join(unfinished, file), bytes)
    await rename(unfinished, task).catch(async (error) => {
      // Another process was faster.
      if (!existsSync(task)) throw error
      await rm(unfinished, { recursive: true })
    })
  }
  for (const old of await readdir(versions))
    if (join(versions, old) !== task && !old.endsWith('~')) await rm(join(versions, old), { recursive: true, force: true })
  return join(task, 'handler.mjs')
}

/** Links `node_modules/@aws-sdk` above all functions to the installed SDK. */
async function offerSdk(folder: string) {
  const sdk = sdkFolder()
  const link = join(folder, 'node_modules', '@aws-sdk')
  await mkdir(join(folder, 'node_modules'), { recursive: true })
  if ((await readlink(link).catch(() => undefined)) === sdk) return
  if (await lstat(link).catch(() => undefined)) await rm(link)
  await symlink(sdk, link).catch((error) => {
    if (error.code !== 'EEXIST') throw error
  })
}

/** Folder where npm installed the SDK. */
export function sdkFolder(): string {
  const file = createRequire(import.meta.url).resolve('@aws-sdk/client-s3')
  return file.slice(0, file.lastIndexOf(`${sep}@aws-sdk${sep}`) + `${sep}@aws-sdk`.length)
}
