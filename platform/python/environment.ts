/** What Python, pip, uv and the programs that run on it may know of our environment: where things are and how to get out, but no secret of ours. */
const PASSED_ON =
  /^(PATH|HOME|USER|LOGNAME|LANG|LC_\w+|TZ|TMPDIR|XDG_\w+|SSL_CERT_\w+|REQUESTS_CA_BUNDLE|(https?|all|no)_proxy)$/i
const FOR_INSTALLERS = /^(PIP|UV)_\w+$/

const chosen = (env: NodeJS.ProcessEnv, isChosen: (name: string) => boolean): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => isChosen(name)))

export const pythonEnvironment = (env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv =>
  chosen(env, (name) => PASSED_ON.test(name))

/** They are also told where packages come from. */
export const installerEnvironment = (env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv =>
  chosen(env, (name) => PASSED_ON.test(name) || FOR_INSTALLERS.test(name))
