import { OperatorError, runServices } from '#platform/service.ts'
import { services } from './index.ts'

/**
 * Runs services in this process.
 * @param list their names, separated by commas: `ai-notes,summaries`
 * @throws OperatorError when a name is unknown (lists all services) or given twice
 */
export async function run(list: string): Promise<void> {
  const names = list.split(',')
  const unknown = names.filter((name) => !Object.hasOwn(services, name))
  if (unknown.length > 0)
    throw new OperatorError(`there is no service ${unknown.join(', ')}; there are ${Object.keys(services).join(', ')}`)
  if (new Set(names).size < names.length) throw new OperatorError(`a service is named twice: ${list}`)
  const modules = await Promise.all(names.map((name) => services[name]!()))
  await runServices(modules.map((module) => module.default))
}
