// Runs in the browser, after swagger-ui.js.
SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#api',
  deepLinking: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  // It would ask a server of others.
  validatorUrl: null,
})
