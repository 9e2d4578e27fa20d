import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { NoLocalKafka } from './error.ts'

const TOOLS = join(import.meta.dirname, '..', '..', '..', '.tools')

/**
 * The folder of what a pom.xml names: fetched by Maven when it is not there yet. It appears whole or not at all, and once
 * when two fetch at the same time.
 * @param name of the part, for the folder and for people; the pom's property `<name>.version` says its version
 * @param how `copy`: the jars and all that they need; `unpack`: the content of the archive
 * @throws NoLocalKafka when Maven is not there or cannot fetch them
 */
export async function fetched(name: string, pom: string, how: 'copy' | 'unpack', log: (line: string) => void): Promise<string> {
  const text = readFileSync(pom)
  const version = new RegExp(`<${name}.version>(.*)</`).exec(text.toString())?.[1]
  const folder = join(TOOLS, `${name}-${version}-${createHash('sha256').update(text).digest('hex').slice(0, 8)}`)
  if (existsSync(folder)) return folder
  log(`fetching ${name} ${version} from Maven Central, once`)
  mkdirSync(TOOLS, { recursive: true })
  const unfinished = mkdtempSync(`${folder}-unfinished-`)
  try {
    await fetchInto(unfinished, pom, how)
    renameSync(unfinished, folder)
  } catch (error) {
    if (!existsSync(folder)) throw error // else another process was quicker with the same files
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
  return folder
}

const GOALS = { copy: 'dependency:copy-dependencies', unpack: 'dependency:unpack' }

const fetchInto = (folder: string, pom: string, how: 'copy' | 'unpack') =>
  new Promise<void>((resolve, reject) => {
    // Without a place of their own for its markers, Maven would take what it once unpacked elsewhere for unpacked here.
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
