// Runs in every page that tests open: records violations and errors, and inspects what is visible.
window.seen = { violations: [], errors: [] }
addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
  window.seen.violations.push(`${violatedDirective} ${blockedURI}`),
)
addEventListener('error', ({ message }) => window.seen.errors.push(message))
addEventListener('unhandledrejection', ({ reason }) => window.seen.errors.push(String(reason)))

const isShown = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true })

/** Visible controls without an accessible name. */
function unnamed() {
  return [...document.querySelectorAll('button, a[href], input, select, textarea, dialog, progress, [role="img"]')]
    .filter((element) => isShown(element) && element.getAttribute('aria-hidden') !== 'true')
    .filter((element) => {
      const by = element.getAttribute('aria-labelledby')
      const label = element.labels?.[0]
      const text = element.getAttribute('aria-label') || (by && document.getElementById(by)?.textContent) || label?.textContent
      return !(text || element.textContent || '').trim()
    })
    .map((element) => element.outerHTML.slice(0, 120))
}

const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })
/** Any CSS colour as red, green, blue (0 to 255) and alpha (0 to 1). */
function rgba(colour) {
  canvas.clearRect(0, 0, 1, 1)
  canvas.fillStyle = colour
  canvas.fillRect(0, 0, 1, 1)
  const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data
  return [r, g, b, a / 255]
}
const over = ([r, g, b, a], [r2, g2, b2]) => [r * a + r2 * (1 - a), g * a + g2 * (1 - a), b * a + b2 * (1 - a), 1]

function groundOf(element) {
  const layers = []
  for (let at = element; at; at = at.parentElement) layers.push(rgba(getComputedStyle(at).backgroundColor))
  return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255, 1])
}
function luminance([r, g, b]) {
  const [x, y, z] = [r, g, b].map((v) => (v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4))
  return 0.2126 * x + 0.7152 * y + 0.0722 * z
}

/** Texts whose contrast with their background is below `least`. */
function faint(least) {
  const found = new Set()
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement
    if (!node.textContent.trim() || !isShown(element) || element.closest('.unseen, :disabled, script, noscript')) continue
    const ground = groundOf(element)
    const [a, b] = [luminance(over(rgba(getComputedStyle(element).color), ground)), luminance(ground)]
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
    if (contrast < least) found.add(`${contrast.toFixed(2)} ${node.textContent.trim().slice(0, 40)}`)
  }
  return [...found]
}

/** Elements that reach beyond the right edge of the window. */
const tooWide = () =>
  document.documentElement.scrollWidth <= innerWidth
    ? []
    : [...document.querySelectorAll('body *')]
        .filter((element) => element.getBoundingClientRect().right > innerWidth + 1)
        .map((element) => element.outerHTML.slice(0, 100))

/** The focused element's name, and whether its focus is visible. */
function focused() {
  const element = document.activeElement
  const { outlineStyle, outlineWidth } = getComputedStyle(element)
  return {
    name: element.getAttribute('aria-label') || element.textContent.trim(),
    isSeen: outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 1,
  }
}

window.checks = { unnamed, faint, tooWide, focused }
