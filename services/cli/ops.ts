import { Command } from 'commander'
import { dataFolder } from '#platform/config/data-folder.ts'
import { opsPassword } from '#platform/config/secrets.ts'
import { readSettings } from '#platform/config/settings.ts'

/** `ops password`: prints how to sign in to the operators' page. */
export const opsCommand = (): Command => {
  const command = new Command('ops').description('the page for operators: where it is and how to sign in').action(() => {
    const { HOST, OPS_PORT } = readSettings()
    const host = HOST === '0.0.0.0' || HOST === '::' ? '127.0.0.1' : HOST
    console.log(`http://${host}:${OPS_PORT} once it runs; \`npx vidwiz ops password\` prints how to sign in`)
  })
  command
    .command('password')
    .description('print the password of the page: OPS_PASSWORD, or the one that `npx vidwiz start` made for this data folder')
    .action(() => console.log(opsPassword(dataFolder(readSettings().VIDWIZ_DATA))))
  return command
}
