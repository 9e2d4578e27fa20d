/**
 * Why audio could not be converted. `no-sound`: the file has none; `unreadable`: ffmpeg cannot read the file; `disk-full`: no room
 * for the output; `set-up`: ffmpeg cannot be run, and a person has to fix it.
 */
export class SoundError extends Error {
  override name = 'SoundError'
  readonly kind: 'no-sound' | 'unreadable' | 'disk-full' | 'set-up'
  constructor(kind: SoundError['kind'], message: string) {
    super(message)
    this.kind = kind
  }
}

/** The first match counts. */
const SIGNS: readonly [SoundError['kind'], RegExp, string][] = [
  ['disk-full', /No space left on device|Disk quota exceeded/i, 'the disk is full'],
  ['no-sound', /matches no streams|does not contain any stream|nothing was encoded/i, 'there is no sound in the file'],
]

/** Error for a failed run of ffmpeg. @param stderr at log level `error` */
export function soundError(stderr: string): SoundError {
  const [kind, , message] = SIGNS.find(([, sign]) => sign.test(stderr)) ?? []
  if (kind) return new SoundError(kind, message!)
  const last = stderr.trim().split('\n').at(-1)!
  const line = last.replace(/^Error opening input files?: /, '').slice(0, 300)
  return new SoundError('unreadable', `the file cannot be read as sound (${line || 'ffmpeg did not say why'})`)
}
