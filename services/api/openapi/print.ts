import { openApi } from './document.ts'

// Run by `vidwiz openapi`.
console.log(JSON.stringify(openApi(), null, 2))
