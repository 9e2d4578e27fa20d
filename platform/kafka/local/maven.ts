import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { withFileLock } from '../../file-lock.ts'
import { NoLocalKafka } from './error.ts'

const TOOLS = join(import.meta.dirname, '..', '..', '..', '.tools')

/**
 * Returns the folder with the artifacts of a pom.xml, which Maven fetches if missing. The folder appears atomically, and only once
 * when two processes fetch at the same time.
 * @param name of the software, for the folder and messages; the pom's property `<name>.version` has its version
 * @param how `copy`: the jars and their dependencies; `unpack`: the content of the archive
 * @throws NoLocalKafka when Maven is missing or cannot fetch the artifacts
 */
export async function fetched(name: string, pom: string, how: 'copy' | 'unpack', log: (line: string) => void): Promise<string> {
  const text = readFileSync(pom)
  const version = new RegExp(`<${name}.version>(.*)</`).exec(text.toString())?.[1]
  const folder = join(TOOLS, `${name}-${version}-${createHash('sha256').update(text).digest('hex').slice(0, 8)}`)
  if (existsSync(folder)) return folder
  mkdirSync(TOOLS, { recursive: true })
  // Two Maven processes that fill one local repository at once can corrupt each other's files.
  await withFileLock(join(TOOLS, 'maven.lock'), async () => {
    if (existsSync(folder)) return
    log(`fetching ${name} ${version} from Maven Central, once`)
    const unfinished = mkdtempSync(`${folder}-unfinished-`)
    try {
      await fetchInto(unfinished, pom, how)
      renameSync(unfinished, folder)
    } finally {
      rmSync(unfinished, { recursive: true, force: true })
    }
  })
  return folder
}

const GOALS = { copy: 'dependency:copy-dependencies', unpack: 'dependency:unpack' }

const fetchInto = (folder: string, pom: string, how: 'copy' | 'unpack') =>
  new Promise<void>((resolve, reject) => {
    // Each folder gets its own markers; with shared markers Maven would skip artifacts that it once unpacked into another folder.
    const to = [`-DoutputDirectory=${folder}`, `-DmarkersDirectory=${join(folder, '.markers')}`, '-DincludeScope=runtime']
    const maven = spawn('mvn', ['--quiet', '--batch-mode', '--file', pom, GOALS[how], ...to], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    for (const stream of [maven.stdout, maven.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
    maven.on('error', (error) => reject(new NoLocalKafka(`mvn cannot be started (${error.message}): install Maven`)))
    maven.on('close', (code) => {
      if (code === 0) resolve()
      else reject(new NoLocalKafka(`Maven could not fetch the jars: ${output.match(/ERROR.*/)?.[0] ?? output.trim()}`))
    })
  })
