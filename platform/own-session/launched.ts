/** The variable by which the launcher says that a process is its child. */
export const LAUNCHED = 'VIDWIZ_LAUNCHED'

/** How long it may take to stop gracefully. */
const GRACE_MS = 5_000

/** Ends this process when the launcher that started it is killed: gracefully, or else after five seconds. Does nothing without a launcher. */
export function endWithLauncher(): void {
  const isLaunched = process.env[LAUNCHED] !== undefined
  delete process.env[LAUNCHED]
  if (!isLaunched) return
  if (!process.channel) process.exit(1)
  process.once('disconnect', () => {
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), GRACE_MS).unref()
    process.kill(process.pid, 'SIGTERM')
  })
  process.channel.unref()
}
