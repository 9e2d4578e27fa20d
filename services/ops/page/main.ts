import { render } from 'preact'
import { Page } from './app.ts'
import { html } from './html.ts'

render(html`<${Page} />`, document.getElementById('app')!)
