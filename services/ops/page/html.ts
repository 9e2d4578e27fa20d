import htm from 'htm'
import { h, type VNode } from 'preact'

/** Markup as a template: `html\`<p class="muted">${text}</p>\``. Inserted values are shown as text, never as markup. */
export const html = htm.bind(h) as (strings: TemplateStringsArray, ...values: unknown[]) => VNode
