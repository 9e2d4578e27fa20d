/** Environment variables passed on to Python, pip, uv and Python programs: paths, locale and proxies, but none of our secrets. */
const PASSED_ON =
  /^(PATH|HOME|USER|LOGNAME|LANG|LC_\w+|TZ|TMPDIR|XDG_\w+|SSL_CERT_\w+|REQUESTS_CA_BUNDLE|(https?|all|no)_proxy)$/i
const FOR_INSTALLERS = /^(PIP|UV)_\w+$/

const chosen = (env: NodeJS.ProcessEnv, isChosen: (name: string) => boolean): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => isChosen(name)))

export const pythonEnvironment = (env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv =>
  chosen(env, (name) => PASSED_ON.test(name))

/** The environment for installers: also contains the settings of pip and uv, such as package indexes. */
export const installerEnvironment = (env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv =>
  chosen(env, (name) => PASSED_ON.test(name) || FOR_INSTALLERS.test(name))
